"""`isoflop.compare(a, b)`: two recipes held against each other, with what a reader does next as methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from isoflop.compare import (
    LEVEL,
    CompareOptions,
    Comparison,
    Savings,
    Side,
    SourceOptions,
    StatedSlope,
    compare_runs,
    noise_sides,
    sides_of,
    two_sides,
)
from isoflop.errors import InputError, Notice
from isoflop.interactive.answer import AnswerWithFigures
from isoflop.interactive.figures import FIRST
from isoflop.interactive.frames import Columns, Frame, frame_of
from isoflop.logs import LogOptions
from isoflop.observations import ReadOptions
from isoflop.observations.frames import library_of
from isoflop.report.comparison_json import comparison_json
from isoflop.report.comparison_lines import comparison_lines
from isoflop.report.comparison_page import comparison_page
from isoflop.report.drawing import Drawing
from isoflop.report.html import write_page
from isoflop.report.panel import Page
from isoflop.units import Quantity, parse_quantity

if TYPE_CHECKING:
    from isoflop.codec import JsonObject
    from isoflop.compare.sources import Source


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RecipeComparison(AnswerWithFigures):
    """What `isoflop.compare` found of B against A; `result` has all of it as values."""

    result: Comparison
    library: str = field(default="", repr=False)
    """Whose frames `sets`, `cells` and `audit` are: that of the runs; empty: of the first that is installed."""

    @property
    def saved(self) -> Savings | None:
        """What B saves at the planned run; None without one."""
        return self.result.saved

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What looked odd, and what was done about it."""
        return self.result.notices

    @cached_property
    def sets(self) -> Frame:
        """A frame with a row an evaluation set: multiplier, interval, slope in compute, verdict."""
        return frame_of(set_columns(self.result), self.library)

    @cached_property
    def cells(self) -> Frame:
        """A frame with a row a cell and evaluation set: size, tokens, losses of both, multiplier."""
        return frame_of(cell_columns(self.result), self.library)

    @cached_property
    def audit(self) -> Frame:
        """A frame of what is equal between the two recipes, and what differs."""
        rows = self.result.audit
        return frame_of(
            {
                "what": [one.what for one in rows],
                "a": [one.a for one in rows],
                "b": [one.b for one in rows],
                "equal": [one.equal for one in rows],
                "remark": [one.remark for one in rows],
            },
            self.library,
        )

    def _page(self) -> Page:
        return comparison_page(self.result)

    def _drawing(self, name: str) -> Drawing:
        """Without a distance that could be drawn, the drawing of the multipliers stands first."""
        first = FIRST in self._drawings or name != FIRST
        return super()._drawing(name if first else next(iter(self._drawings), name))

    def report(self, path: str | Path) -> Path:
        """Writes the page of the comparison, one HTML file, and returns its path."""
        return write_page(self._page(), Path(path))

    def as_json(self) -> JsonObject:
        """The object that `isoflop compare --json` prints."""
        return comparison_json(self.result)

    def lines(self) -> tuple[str, str, str]:
        """The answer; what it rests on; the noise and the grade: what `repr` prints."""
        return comparison_lines(self.result)


def compare(
    a: Source,
    b: Source | None = None,
    *,
    by: str | None = None,
    recipes: Sequence[str] = (),
    names: tuple[str, str] = ("", ""),
    axis: Literal["data", "compute", "time", "money"] = "compute",
    at: Quantity | None = None,
    level: float = LEVEL,
    noise_from: Source | None = None,
    losses: str | Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    scale: Mapping[str, str | float] | None = None,
    where: str | Sequence[str] = (),
    loss_unit: str | None = None,
    params: Quantity | None = None,
    tokens_per_step: Quantity | None = None,
    slope: float | None = None,
    throughput_ratio: float | None = None,
    price_ratio: float = 1.0,
) -> RecipeComparison:
    """Which of two recipes is better, by how much, and how sure that is: B held against the baseline A.

    `a` and `b` are frames of pandas, polars or pyarrow, {column: cells}, lists of records, fits, or paths: of tables
    of final rows (run, params, tokens, loss), logs, folders of logs, studies and saved fits. `names` are what they are
    called. Where one source has both, `by` names the column of the recipe and `recipes` the baseline and the other one.

    `axis` is what is multiplied; `at` are the FLOPs of a planned run; `noise_from` repeated runs of other recipes.
    From `losses` to `tokens_per_step` the keywords say how the runs are read, as the options of `isoflop compare` do;
    `slope`, the fall of ln(loss) of the baseline per e-fold of the axis, serves where the runs cannot show it.

    Raises InputError for what is no table of runs and no log, RefusedError for recipes that cannot be compared.

    >>> import isoflop
    >>> law = isoflop.published_law("besiroglu2024")
    >>> design = [(N, D) for N in (1e8, 2e8, 4e8) for D in (2e9, 8e9)]
    >>> baseline = [{"params": N, "tokens": D, "loss": law.loss(N, D)} for N, D in design]
    >>> half = [{"params": N, "tokens": D, "loss": law.loss(N, D / 2)} for N, D in design]
    >>> found = isoflop.compare(baseline, half, names=("all", "half"), axis="data")
    >>> found.result.sets[0].verdict
    'worse'
    """
    reading = SourceOptions(
        table=ReadOptions(columns=columns or {}, scale=scale or {}, where=where, loss_unit=loss_unit),
        logs=_of_logs(params, tokens_per_step, columns or {}, loss_unit),
        losses=(losses,) if isinstance(losses, str) else tuple(losses),
        by=by,
    )
    question = CompareOptions(
        axis=axis,
        at=None if at is None else parse_quantity(at, "at"),
        level=level,
        noise_from=() if noise_from is None else noise_sides(noise_from, reading),
        slope=None if slope is None else StatedSlope(per_log=slope, source="as stated"),
        throughput_ratio=throughput_ratio,
        price_ratio=price_ratio,
    )
    result = compare_runs(*_two(a, b, recipes, reading, names), question)
    return RecipeComparison(result=result, library="" if isinstance(a, str | Path) else library_of(a))


def _two(
    a: Source, b: Source | None, recipes: Sequence[str], reading: SourceOptions, names: tuple[str, str]
) -> tuple[Side, Side]:
    """A and B, from two sources or parted by a column. Raises InputError for both ways at once, and for neither."""
    if b is not None and reading.by is not None:
        raise InputError("compare: `by` parts one source into recipes; give it without b, and `recipes` in its place")
    if b is not None:
        return two_sides(a, b, reading, names)
    if reading.by is None:
        raise InputError("compare: expected a second source, or `by` and `recipes` to part the first")
    return sides_of(a, recipes, reading)


def _of_logs(
    params: Quantity | None, tokens_per_step: Quantity | None, columns: Mapping[str, str], loss_unit: str | None
) -> LogOptions:
    """What is stated about all logs."""
    return LogOptions(
        params={} if params is None else {"*": parse_quantity(params, "params")},
        tokens_per_step={} if tokens_per_step is None else {"*": parse_quantity(tokens_per_step, "tokens_per_step")},
        columns=columns,
        loss_unit=loss_unit,
    )


def set_columns(comparison: Comparison) -> Columns:
    """A row an evaluation set."""
    rows = comparison.sets
    return {
        "set": [one.name for one in rows],
        "multiplier": [one.multiplier for one in rows],
        "low": [None if one.interval is None else one.interval[0] for one in rows],
        "high": [None if one.interval is None else one.interval[1] for one in rows],
        "level": [comparison.level for _ in rows],
        "probability_above_1": [one.probability_above_1 for one in rows],
        "slope": [one.slope for one in rows],
        "trend": [one.trend for one in rows],
        "reachable": [one.reachable for one in rows],
        "verdict": [one.verdict for one in rows],
        "equal_within": [one.equal_within for one in rows],
        "pairs_needed": [one.pairs_needed for one in rows],
        "reason": [one.reason for one in rows],
    }


def cell_columns(comparison: Comparison) -> Columns:
    """A row a cell of each evaluation set."""
    rows = [(one.name, cell) for one in comparison.sets for cell in one.cells]
    return {
        "set": [name for name, _ in rows],
        "params": [cell.params for _, cell in rows],
        "tokens": [cell.tokens for _, cell in rows],
        "flops": [cell.flops for _, cell in rows],
        "loss_a": [cell.loss_a for _, cell in rows],
        "loss_b": [cell.loss_b for _, cell in rows],
        "runs_a": [cell.runs_a for _, cell in rows],
        "runs_b": [cell.runs_b for _, cell in rows],
        "multiplier": [cell.multiplier for _, cell in rows],
        "low": [None if cell.interval is None else cell.interval[0] for _, cell in rows],
        "high": [None if cell.interval is None else cell.interval[1] for _, cell in rows],
    }
