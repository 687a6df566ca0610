"""A run that is under way, held to its forecast: where it will end, how sure, and whether it is on course."""

from typing import TYPE_CHECKING

from isoflop.faces import make_callable
from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.watch.band import expected_course
    from isoflop.watch.curve import Curve
    from isoflop.watch.endings import WhatIf, what_if
    from isoflop.watch.history import Change, Verdict
    from isoflop.watch.method import Method, MethodForecast
    from isoflop.watch.options import WatchOptions
    from isoflop.watch.ratio import RatioMethod
    from isoflop.watch.result import Watched
    from isoflop.watch.watch import METHODS, watch_run

__getattr__ = names_of(
    __name__,
    {
        "band": "expected_course",
        "curve": "Curve",
        "history": "Change Verdict",
        "method": "Method MethodForecast",
        "options": "WatchOptions",
        "ratio": "RatioMethod",
        "result": "Watched",
        "watch": "METHODS watch_run",
        "endings": "WhatIf what_if",
    },
)

__all__ = [
    "METHODS",
    "Change",
    "Curve",
    "Method",
    "MethodForecast",
    "RatioMethod",
    "Verdict",
    "WatchOptions",
    "Watched",
    "WhatIf",
    "expected_course",
    "watch_run",
    "what_if",
]

make_callable(__name__)
