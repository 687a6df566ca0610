"""The losses of two recipes against what they cost, with the horizontal distance between them: the multiplier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isoflop.compare import Comparison, SetVerdict
from isoflop.report.comparison_words import AXIS_WORDS, short_name, times_text
from isoflop.report.drawing import (
    Drawing,
    LegendEntry,
    PlotlyObject,
    layout,
    line,
    linear_axis,
    log_axis,
    log_ticks,
    points,
    room,
)
from isoflop.report.drawing import spread as spread_of
from isoflop.report.formatting import format_or_dash, in_words, loss_text
from isoflop.report.label_places import LEAST_NARROW, LEAST_WIDE, Label, Plane, placed
from isoflop.report.panel import Absent
from isoflop.report.record import Interval
from isoflop.report.style import BLUE, INK, VERMILLION
from isoflop.units import format_flops, format_quantity

A_COLOUR, B_COLOUR = BLUE, VERMILLION
_HEIGHT, _NARROW_HEIGHT = 400, 340
_MARGINS = 64  # pixels of a figure's height that its plane does not have
_LABEL = 0.06  # of the axis
_EDGE = 0.05  # of the axis, without numbers
_ABOVE = 1.5
"""Of the height that the ends take, above them where curves are drawn."""
_MOST_LABELLED = 8
"""Distances that are drawn: more cover each other, and the table of cells has them all."""


@dataclass(frozen=True, kw_only=True)
class Distance:
    """One cell: a run of each recipe at the same cost, and where the baseline reaches B's loss."""

    params: float | None
    tokens: float | None
    spent: float
    """What both sides spent, in the unit of the axis: tokens or FLOPs."""
    loss_a: float
    loss_b: float
    needed: float | None
    """What A needs for B's loss; None where it does not reach it."""
    interval: Interval | None
    """Of `needed`."""
    runs: tuple[int, int]
    """Runs of A and of B."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """The losses of one run on the way to its end."""

    run: str
    of_b: bool
    spent: tuple[float, ...]
    """In the unit of the axis."""
    loss: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Distances:
    """Everything of the figure, for one evaluation set."""

    name: str
    """Of the evaluation set."""
    a: str
    b: str
    unit: str
    """`tokens` or `FLOPs`."""
    loss_unit: str
    """In words."""
    cells: tuple[Distance, ...]
    """By what was spent."""
    curves: tuple[Way, ...] = ()
    """Losses on the way, where logs have them."""


def distances_of(comparison: Comparison, one: SetVerdict) -> Distances | Absent:
    """The cells of an evaluation set; Absent where it has none, and on the axes of time and money.

    On those a cell states FLOPs and tokens alone, while its multiplier counts seconds or money.
    """
    name = short_name(one.name, comparison.sets)
    if not one.cells:
        return Absent(sentence=f"Distance between the losses on {name}: no cell has runs of both recipes.")
    if comparison.axis in ("time", "money"):
        return Absent(
            sentence=f"Distance between the losses on {name}: drawn for --axis data and compute; along "
            f"{comparison.axis} the table of cells has the multipliers."
        )
    by_tokens = comparison.axis == "data"
    cells = []
    for cell in one.cells:
        spent = cell.tokens if by_tokens else cell.flops
        if spent is None:
            continue
        cells.append(
            Distance(
                params=cell.params,
                tokens=cell.tokens,
                spent=spent,
                loss_a=cell.loss_a,
                loss_b=cell.loss_b,
                needed=None if cell.multiplier is None else cell.multiplier * spent,
                interval=None if cell.interval is None else (cell.interval[0] * spent, cell.interval[1] * spent),
                runs=(cell.runs_a, cell.runs_b),
            )
        )
    if not cells:
        return Absent(
            sentence=f"Distance between the losses on {name}: the {AXIS_WORDS[comparison.axis]} is not known."
        )
    return Distances(
        name=name,
        a=comparison.a,
        b=comparison.b,
        unit="tokens" if by_tokens else "FLOPs",
        loss_unit=in_words(comparison.loss_unit),
        cells=tuple(sorted(cells, key=lambda cell: (cell.spent, cell.params or 0.0))),
        curves=_ways(one, by_tokens),
    )


def _ways(one: SetVerdict, by_tokens: bool) -> tuple[Way, ...]:
    """The curves of the set along the axis."""
    along = [(curve, curve.tokens if by_tokens else curve.flops) for curve in one.curves]
    return tuple(
        Way(run=curve.run, of_b=curve.of_b, spent=spent, loss=curve.loss) for curve, spent in along if len(spent) > 1
    )


def labelled(cells: Sequence[Distance]) -> list[Distance]:
    """The cells whose distance is drawn: of many, every few by what was spent, the first and the last among them."""
    known = [cell for cell in cells if cell.needed is not None]
    if len(known) <= _MOST_LABELLED:
        return known
    places = {round(i * (len(known) - 1) / (_MOST_LABELLED - 1)) for i in range(_MOST_LABELLED)}
    return [known[place] for place in sorted(places)]


def draw_distances(values: Distances, name: str = "distance") -> Drawing:
    """Both recipes' losses; from each of B's the distance to where A, along its own slope, has the same loss."""
    shown = labelled(values.cells)
    data: list[PlotlyObject] = [
        line(way.spent, list(way.loss), B_COLOUR if way.of_b else A_COLOUR, width=1.5, opacity=0.55, name=way.run)
        for way in values.curves
    ]
    for cell in shown:
        if cell.needed is not None:
            ends = [cell.spent, cell.needed]
            data.append(line(ends, [cell.loss_a, cell.loss_b], A_COLOUR, width=1.4, dash="dot", name="A's own slope"))
            data.append(line(ends, [cell.loss_b, cell.loss_b], INK, width=2, name="distance"))
            if cell.interval is not None:
                data.append(_caps(cell.interval, cell.loss_b))
    for params in sorted({cell.params or 0.0 for cell in values.cells}):
        data += _of_size(values, [cell for cell in values.cells if (cell.params or 0.0) == params])
    for side, colour, losses in (
        (values.a, A_COLOUR, [cell.loss_a for cell in values.cells]),
        (values.b, B_COLOUR, [cell.loss_b for cell in values.cells]),
    ):
        runs = [cell.runs[side is values.b] for cell in values.cells]
        hover = [
            f"{side}<br>N = {format_or_dash(cell.params)}, D = {format_or_dash(cell.tokens)}<br>"
            f"loss {loss_text(loss)}, {count} run{'s' if count != 1 else ''}"
            for cell, loss, count in zip(values.cells, losses, runs, strict=True)
        ]
        data.append(points([cell.spent for cell in values.cells], losses, colour, hover, size=8, name=side))
    spent = [x for cell in values.cells for x in (cell.spent, cell.needed or cell.spent, *(cell.interval or ()))]
    heights = room([loss for cell in values.cells for loss in (cell.loss_a, cell.loss_b)], 0.14)
    if values.curves:
        # Of a curve its last part is drawn, where it comes down to the ends; a log axis would stretch its first steps.
        heights = [heights[0], heights[1] + _ABOVE * (heights[1] - heights[0])]
        near = [[x for x, loss in zip(way.spent, way.loss, strict=True) if loss <= heights[1]] for way in values.curves]
        spent += [x for xs in near for x in xs[:1]]
    low, high = spread_of(spent, 1.15)
    across = low, high * (high / low) ** _LABEL  # the last distance has its label to its right
    return Drawing(
        name=name,
        describes=f"Loss on {values.name} against {values.unit} of {values.a} and {values.b}, with the distance from "
        f"each loss of {values.b} to where {values.a} has it",
        data=data,
        layout=layout(
            _spent_axis(values, across),
            linear_axis(f"loss ({values.loss_unit})", range=heights),
            annotations=_labels(values, shown, across, heights, LEAST_WIDE, _HEIGHT),
        ),
        narrow={"annotations": _labels(values, shown, across, heights, LEAST_NARROW, _NARROW_HEIGHT)},
        legend=(
            LegendEntry(label=values.a, colour=A_COLOUR, kind="point"),
            LegendEntry(label=values.b, colour=B_COLOUR, kind="point"),
            LegendEntry(label=f"what {values.a} needs more or less for the same loss", colour=INK),
            LegendEntry(label=f"slope of {values.a} that this is read from", colour=A_COLOUR, kind="dot"),
        ),
        height=_HEIGHT,
        narrow_height=_NARROW_HEIGHT,
    )


def _spent_axis(values: Distances, across: tuple[float, float]) -> PlotlyObject:
    """A log axis of tokens or FLOPs, without the numbers near its ends, which would stand beyond a narrow figure."""
    title, how = (
        ("training tokens D", format_quantity)
        if values.unit == "tokens"
        else ("training compute C (FLOPs)", format_flops)
    )
    edge = (across[1] / across[0]) ** _EDGE
    ticks = log_ticks(across[0] * edge, across[1] / edge)
    return log_axis(title, *across, tickvals=ticks, ticktext=[how(tick) for tick in ticks])


def _of_size(values: Distances, cells: Sequence[Distance]) -> list[PlotlyObject]:
    """A thin line through the cells of one size, a recipe."""
    if len({cell.spent for cell in cells}) < 2:
        return []
    spent = [cell.spent for cell in cells]
    return [
        line(spent, [cell.loss_a for cell in cells], A_COLOUR, width=1.2, name=values.a),
        line(spent, [cell.loss_b for cell in cells], B_COLOUR, width=1.2, name=values.b),
    ]


def _caps(interval: Interval, loss: float) -> PlotlyObject:
    """The interval of where A has B's loss, as a grey bar behind the distance's end."""
    return line(list(interval), [loss, loss], INK, width=7, opacity=0.22, name="interval")


def _labels(
    values: Distances,
    shown: Sequence[Distance],
    across: tuple[float, float],
    heights: Sequence[float],
    width: float,
    height: float,
) -> list[PlotlyObject]:
    """`×1.31` at the end of each distance, where there is room."""
    plane = Plane(x=across, y=(heights[0], heights[1]), width=width, height=height - _MARGINS)
    marks = [(cell.spent, loss) for cell in values.cells for loss in (cell.loss_a, cell.loss_b)]
    labels = []
    for cell in reversed(shown):  # the largest runs first: they say most about the next one
        if cell.needed is not None:
            longer = cell.needed >= cell.spent
            low, high = cell.interval or (cell.needed, cell.needed)
            labels.append(
                Label(
                    text=f"×{times_text(cell.needed / cell.spent)}",
                    at=(high if longer else low, cell.loss_b),
                    sides=("right", "below", "above") if longer else ("left", "below", "above"),
                    bold=True,
                )
            )
    return placed(labels, plane, avoiding=marks)
