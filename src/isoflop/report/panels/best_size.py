"""The forecast of the best size, what each estimator alone gives, and the backtest, in sentences and small tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from isoflop.errors import Notice
from isoflop.fit import LEVEL
from isoflop.fit.forms.table import FORMS
from isoflop.report.formatting import interval_text, share_text, with_interval
from isoflop.report.panel import KeyValue, SmallTable
from isoflop.units import format_flops, format_quantity

if TYPE_CHECKING:
    from isoflop.fit import FitReport
    from isoflop.fit.isoflop.vertex_curve import Bend
    from isoflop.fit.size import EstimatedSize, SizeBacktest

ESTIMATOR_SHORT = {
    "isoflop": "approach 2",
    **{form.name: f"{form.label} form" for form in FORMS},
    "parametric": "approach 3",
    "envelope": "approach 1",
}
MIXED = "all, mixed"
_NOT_IDENTIFIED = "size_not_identified"


class BestSize(Protocol):
    """A forecast of the best size: of a fit, or as a plan's file has it."""

    @property
    def flops(self) -> float:
        """The budget."""

    @property
    def params(self) -> float:
        """N: the median."""

    @property
    def interval(self) -> tuple[float, float]:
        """Where the best N lies with probability `level`."""

    @property
    def level(self) -> float:
        """Level of `interval`."""

    @property
    def identified(self) -> bool:
        """Whether the interval is narrow enough to act on."""

    @property
    def estimators(self) -> tuple[EstimatedSize, ...]:
        """What each estimator alone gives."""

    @property
    def bend(self) -> Bend:
        """How far the frontier bends."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What to know before using it."""


def range_words(interval: Sequence[float]) -> str:
    """`between 900M and 4.1B, not identified by these runs`."""
    low, high = map(format_quantity, interval)
    return f"between {low} and {high}, not identified by these runs"


def run_next(size: BestSize) -> str:
    """Which runs would narrow the range, by the forecast's own notice, with a capital; empty where it has none."""
    message = next((notice.message for notice in size.notices if notice.code == _NOT_IDENTIFIED), "")
    # The notice stands alone elsewhere, and so begins with the range, which is printed already where this is.
    text = message.partition(": ")[2] or message
    return text[:1].upper() + text[1:]


def range_sentence(size: BestSize) -> str:
    """`Parameters for 1e22 FLOPs: between ... and ..., not identified by these runs. Before the planned run, ...`."""
    following = run_next(size)
    text = f"Parameters for {format_flops(size.flops)} FLOPs: {range_words(size.interval)}."
    return text + (f" {following}." if following else "")


def estimator_facts(size: BestSize) -> list[KeyValue]:
    """A line for each estimator: what it alone gives, and its weight or why it has none."""
    return [KeyValue(label=ESTIMATOR_SHORT[item.estimator], value=_alone(item)) for item in size.estimators]


def _alone(item: EstimatedSize) -> str:
    """`171K (201K with the bend), weight 31 %`, or why it has none."""
    N, bent = format_quantity(item.params), format_quantity(item.bent)
    moved = f" ({bent} with the bend)" if bent != N else ""
    return f"{N}{moved}, {f'weight {_percent(item)}' if item.weight else f'no weight: {item.reason}'}"


def _percent(item: EstimatedSize) -> str:
    return f"{100 * item.weight:.0f} %"


def estimator_table(size: BestSize) -> SmallTable:
    """What each estimator gives alone and with the bend, its interval, weight and why it has none; the mixture last."""
    rows = [
        (
            item.label,
            format_quantity(item.params),
            format_quantity(item.bent),
            interval_text(item.interval),
            _percent(item) if item.weight else "none",
            item.reason,
        )
        for item in size.estimators
    ]
    rows.append((MIXED, "", format_quantity(size.params), interval_text(size.interval), "", ""))
    level = f"{share_text(LEVEL)} intervals"
    level += "" if size.level == LEVEL else f" ({share_text(size.level)} of the forecast)"
    columns = ("estimator", "N alone", "with the bend", "interval", "weight", "why it has none")
    last = len(columns) if any(row[-1] for row in rows) else len(columns) - 1
    mean = f"{size.bend.mean:+.4f}".replace("-", "−")
    return SmallTable(
        heading=f"Best size at {format_flops(size.flops)} FLOPs by estimator, {level}",
        columns=columns[:last],
        rows=tuple(row[:last] for row in rows),
        note=f"Bend: ln N_opt leaves a straight line by {mean} ± {size.bend.sd:.4f} (one standard deviation) times "
        "(ln C)².",
    )


def backtest_sentence(tested: SizeBacktest) -> str:
    """What was forecast for the top budget's best size without it, and what came; without a capital and full stop."""
    missed = ", inside that interval" if tested.inside else ", OUTSIDE that interval"
    text = (
        f"the best size at {format_flops(tested.held_out_budget_flops)} FLOPs was forecast from the smaller budgets as "
        f"{with_interval(tested.predicted, tested.interval)} parameters, and its vertex came to "
        f"{format_quantity(tested.actual)}{missed}"
    )
    if tested.wasted is None:
        return text
    share = f"{100 * tested.wasted:.1f} %" if tested.wasted >= 0.0005 else "less than 0.1 %"
    return f"{text}; a run of the forecast size would have wasted {share} of its compute"


def backtest_fact(tested: SizeBacktest) -> KeyValue:
    """The forecast of the top budget's best size and the vertex that came, in a line."""
    value = f"{with_interval(tested.predicted, tested.interval)}; came to {format_quantity(tested.actual)}"
    where = f"N at {format_flops(tested.held_out_budget_flops)} FLOPs"
    return KeyValue(
        label="Best size", value=value, note=f"{where}, {'inside' if tested.inside else 'outside'} the interval"
    )


def mixture_fact(size: BestSize) -> KeyValue:
    """The forecast itself: N with its interval, or where that is too wide the range alone."""
    value = with_interval(size.params, size.interval) if size.identified else range_words(size.interval)
    return KeyValue(label=MIXED.capitalize(), value=value)


def size_notices(report: FitReport) -> tuple[Notice, ...]:
    """`no_size_backtest` with the reason, where a law could be fitted and there is no backtest of the size."""
    if not report.size_backtest_refused or not report.fitted:
        return ()
    message = f"no forecast of the best size was tested on these runs: {report.size_backtest_refused}"
    return (Notice(code="no_size_backtest", message=message),)
