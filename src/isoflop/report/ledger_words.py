"""The ledger of forecasts in words: how often intervals held, and whether forecasts lean to one side."""

from __future__ import annotations

import math
from collections.abc import Callable

from isoflop.ledger import INTERVAL_LEVEL, Entry, Hits, KindSummary, Ledger, MeanOfStudies, Reach, day
from isoflop.ledger.entry import Kind
from isoflop.ledger.hits import Finding
from isoflop.ledger.lean import Lean
from isoflop.report.formatting import DASH, interval_text, loss_text, percent, share_text
from isoflop.units import format_number, format_quantity

KIND_WORDS: dict[Kind, str] = {"loss": "losses", "size": "sizes", "other": "other numbers"}
FINDINGS: dict[Finding, str] = {
    "as stated": "agrees",
    "too few": "intervals too narrow",
    "too many": "intervals too wide",
}
LEANS: dict[Lean, str] = {
    "low": "the forecasts are too low",
    "high": "the forecasts are too high",
    "none shown": "no lean is shown",
}
CONVENTIONS = (
    "Deviation: outcome over forecast, less 1. z: outcome less forecast in standard deviations. Both are above 0 where "
    "the outcome came above the forecast."
)
LEVELS_NOTE = (
    "The interval that was sealed is held against the outcome as it is; those of other levels follow from it, by a "
    "normal distribution on each side of the forecast (of the logarithm for losses, sizes and FLOPs)."
)
STUDIES_NOTE = (
    f"Intervals are Wilson's at {share_text(INTERVAL_LEVEL)}, of means Student's. Each study counts once: several "
    "forecasts from the same runs are hits or misses together. Studies of one text and recipe are similar beyond "
    "that, which these intervals do not hold."
)
BACKTESTS_NOTE = "Made when the outcome was there, from rows without it: they are no forecasts, and are counted apart."


_SMALL = 0.1


def counted_words(count: int, noun: str) -> str:
    """`1 forecast`, `2 studies`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"


def headline(ledger: Ledger) -> str:
    """How often the intervals of 90 % held, of the forecasts that count."""
    found = ledger.coverage[-1]
    if not ledger.entries:
        return "No forecast was found."
    if not ledger.counted:
        return f"Of {counted_words(len(ledger.entries), 'forecast')} no one counts yet."
    if found.interval is None:
        return f"{counted_words(len(ledger.counted), 'forecast')} came out, and none of them had an interval."
    return (
        f"{found.hits} of {counted_words(found.of, 'interval')} of 90 % held what came, "
        f"of {counted_words(found.studies, 'study')}: a share of {interval_text(found.interval, whole_percent)}."
    )


def lean_sentence(summary: KindSummary) -> str:
    """How far the outcomes of one kind came from their forecasts on average; empty where they have no ratio."""
    found = summary.log_ratio
    if found is None:
        return ""
    where = "above" if found.mean >= 0 else "below"
    away = signed(abs(math.expm1(found.mean))).lstrip("+")
    what = KIND_WORDS[summary.kind].capitalize()
    if found.interval is None:
        return f"{what} came {away} {where} their forecasts on average, of one study."
    return f"{what} came {away} {where} their forecasts on average ({mean_interval(found)}): {LEANS[found.lean]}."


def whole_percent(share: float) -> str:
    """A share in whole per cent.

    >>> whole_percent(0.7211)
    '72 %'
    """
    return f"{100 * share:.0f} %"


def mean_interval(found: MeanOfStudies) -> str:
    """The interval of a mean deviation in per cent; a dash where there is one study."""
    return DASH if found.interval is None else interval_text([math.expm1(end) for end in found.interval], signed)


def signed(share: float) -> str:
    """A signed share in per cent, with two decimals where it is small."""
    return percent(share, 2 if abs(share) < _SMALL else 1)


def number_text(entry: Entry) -> Callable[[float], str]:
    """How numbers of this entry are written: losses with four decimals, by hand as written; sizes with suffixes."""
    if entry.quantity == "loss":
        return (lambda value: format_number(value, 5)) if entry.source == "written" else loss_text
    return format_quantity if entry.kind == "size" else lambda value: format_number(value, 4)


def z_text(z: float | None) -> str:
    """A z-score with its sign; a dash where there is none."""
    return DASH if z is None else f"{z:+.1f}".replace("-", "−")


def deviation_text(entry: Entry) -> str:
    """Outcome over forecast, less 1; a dash where there is none."""
    return DASH if entry.log_ratio is None else signed(math.expm1(entry.log_ratio))


def sealed_text(entry: Entry) -> str:
    """The date of a forecast; a dash of a backtest."""
    return DASH if entry.sealed is None else day(entry.sealed)


def factor_text(entry: Entry) -> str:
    """How far beyond its data a forecast reaches; a dash where that is not known."""
    return DASH if entry.factor is None else f"×{format_number(entry.factor)}"


def hits_text(found: Hits) -> str:
    """`7 of 7`."""
    return f"{found.hits} of {found.of}"


def reach_text(reach: Reach) -> str:
    """The range of factors in words."""
    if reach.above is None:
        return "not stated"
    if reach.up_to is None:
        return f"above ×{format_number(reach.above)}"
    return f"×{format_number(reach.above)} to ×{format_number(reach.up_to)}" if reach.above else "within the data"
