"""How good forecasts have been: what was predicted, what came, and how often the intervals held it."""

from typing import TYPE_CHECKING

from isoflop.faces import make_callable
from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.ledger.dates import day, unix_time
    from isoflop.ledger.entry import LEVELS, Entry
    from isoflop.ledger.handmade import why_not_counted
    from isoflop.ledger.hits import INTERVAL_LEVEL, Hits
    from isoflop.ledger.lean import KindSummary, MeanOfStudies, Reach
    from isoflop.ledger.reading import Ledger, read_ledger
    from isoflop.ledger.written import WrittenForecast, add_forecast, add_outcome

__getattr__ = names_of(
    __name__,
    {
        "dates": "day unix_time",
        "entry": "LEVELS Entry",
        "handmade": "why_not_counted",
        "hits": "INTERVAL_LEVEL Hits",
        "lean": "KindSummary MeanOfStudies Reach",
        "reading": "Ledger read_ledger",
        "written": "WrittenForecast add_forecast add_outcome",
    },
)

__all__ = [
    "INTERVAL_LEVEL",
    "LEVELS",
    "Entry",
    "Hits",
    "KindSummary",
    "Ledger",
    "MeanOfStudies",
    "Reach",
    "WrittenForecast",
    "add_forecast",
    "add_outcome",
    "day",
    "read_ledger",
    "unix_time",
    "why_not_counted",
]

make_callable(__name__)
