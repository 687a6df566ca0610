"""Training logs of other tools and of our own, read into typed runs: configuration, curves, final losses."""

from typing import TYPE_CHECKING

from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.logs.final import FinalRow, FinalTable, final_table
    from isoflop.logs.options import LogOptions
    from isoflop.logs.read import LogFile, Logs, read_logs
    from isoflop.logs.run import LoggedRun, Series

__getattr__ = names_of(
    __name__,
    {
        "final": "FinalRow FinalTable final_table",
        "options": "LogOptions",
        "read": "LogFile Logs read_logs",
        "run": "LoggedRun Series",
    },
)

__all__ = [
    "FinalRow",
    "FinalTable",
    "LogFile",
    "LogOptions",
    "LoggedRun",
    "Logs",
    "Series",
    "final_table",
    "read_logs",
]
