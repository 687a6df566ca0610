"""The table of runs that every fit takes, and its readers."""

from isoflop.observations.columns import FIELDS, match_columns
from isoflop.observations.read import read_observations
from isoflop.observations.table import DroppedRow, Observations

__all__ = ["FIELDS", "DroppedRow", "Observations", "match_columns", "read_observations"]
