"""The table of runs that every fit takes, and its readers."""

from typing import TYPE_CHECKING

from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.observations.columns import FIELDS, match_columns
    from isoflop.observations.exclusions import DroppedRow
    from isoflop.observations.options import DECIMAL_MARKS, LOSS_UNITS, SCHEDULES, ReadOptions
    from isoflop.observations.read import read_observations
    from isoflop.observations.results import RunOutcome
    from isoflop.observations.summary import TableSummary
    from isoflop.observations.table import Observations

__getattr__ = names_of(
    __name__,
    {
        "columns": "FIELDS match_columns",
        "exclusions": "DroppedRow",
        "options": "DECIMAL_MARKS LOSS_UNITS SCHEDULES ReadOptions",
        "read": "read_observations",
        "results": "RunOutcome",
        "summary": "TableSummary",
        "table": "Observations",
    },
)

__all__ = [
    "DECIMAL_MARKS",
    "FIELDS",
    "LOSS_UNITS",
    "SCHEDULES",
    "DroppedRow",
    "Observations",
    "ReadOptions",
    "RunOutcome",
    "TableSummary",
    "match_columns",
    "read_observations",
]
