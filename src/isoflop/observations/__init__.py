"""The table of runs that every fit takes, and its readers."""

from isoflop.observations.columns import FIELDS, match_columns
from isoflop.observations.exclusions import DroppedRow
from isoflop.observations.options import DECIMAL_MARKS, LOSS_UNITS, SCHEDULES, Reading
from isoflop.observations.read import read_observations
from isoflop.observations.table import Observations

__all__ = [
    "DECIMAL_MARKS",
    "FIELDS",
    "LOSS_UNITS",
    "SCHEDULES",
    "DroppedRow",
    "Observations",
    "Reading",
    "match_columns",
    "read_observations",
]
