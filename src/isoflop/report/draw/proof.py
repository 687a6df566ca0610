"""Forecast against outcome, the backtest, and the planned against the larger model, drawn."""

from __future__ import annotations

from isoflop.report.draw.drawing import Drawing, LegendEntry, layout, line, linear_axis, points, room, whiskers
from isoflop.report.figures.proof import Contest, Prediction, Proof
from isoflop.report.style import BLUE, INK, LARGER_COLOUR, MUTED, PLANNED_COLOUR, SKY
from isoflop.report.wording import interval_text, loss_text, percent
from isoflop.units import format_quantity


def draw_forecast(values: Proof, loss_unit: str) -> Drawing:
    """A row a prediction: the interval, the predicted loss and the outcome."""
    rows = [
        ("forecast of the<br>planned model", values.forecast),
        ("backtest: best loss<br>of the held-out budget", values.backtest_best),
    ]
    shown = [(label, one) for label, one in reversed(rows) if one]
    predicted = [one.predicted for _, one in shown]
    limits = [one.interval or (None, None) for _, one in shown]
    bars = whiskers(predicted, [low for low, _ in limits], [high for _, high in limits], BLUE)
    labels = [label for label, _ in shown]
    data = [
        points(
            predicted,
            labels,
            BLUE,
            [_hover(one) for _, one in shown],
            size=10,
            symbol="line-ns",
            outline=BLUE,
            outline_width=3,
            error_x=bars,
        )
    ]
    known = [(label, one) for label, one in shown if one.actual is not None]
    data.append(
        points(
            [one.actual or 0 for _, one in known],
            [label for label, _ in known],
            INK,
            [_hover(one) for _, one in known],
            size=10,
            symbol="diamond",
        )
    )
    seen = (
        predicted
        + [limit for pair in limits for limit in pair if limit is not None]
        + [one.actual for _, one in known if one.actual]
    )
    return Drawing(
        name="forecast",
        describes="Predicted loss with interval against the outcome",
        data=data,
        layout=layout(
            linear_axis(f"validation loss ({loss_unit})", range=room(seen, 0.15)),
            {**linear_axis(""), "type": "category", "showgrid": False, "range": [-0.6, len(shown) - 0.4]},
        ),
        legend=(
            LegendEntry(label="predicted, with interval", colour=BLUE, kind="line"),
            LegendEntry(label="outcome", colour=INK, kind="diamond"),
        ),
        height=130 + 70 * len(shown),
        narrow_height=130 + 70 * len(shown),
    )


def draw_backtest(values: Proof, loss_unit: str) -> Drawing:
    """Predicted against actual loss of each held-out run, with the line where both are equal."""
    rows = [one for one in values.backtest if one.actual is not None]
    predicted, actual = [one.predicted for one in rows], [one.actual or 0.0 for one in rows]
    limits = [one.interval or (None, None) for one in rows]
    around = room(predicted + actual + [limit for pair in limits for limit in pair if limit is not None])
    bars = whiskers(predicted, [low for low, _ in limits], [high for _, high in limits], SKY)
    return Drawing(
        name="backtest",
        describes="Predicted against actual loss of the held-out runs",
        data=[
            line(around, around, MUTED, width=1, dash="dash"),
            points(actual, predicted, BLUE, [_hover(one) for one in rows], error_y=bars),
        ],
        layout=layout(
            linear_axis(f"actual loss ({loss_unit})", range=room(actual, 0.12)),
            linear_axis(f"predicted loss ({loss_unit})", range=around),
        ),
        legend=(
            LegendEntry(label="run of the held-out budget, with interval", colour=BLUE, kind="point"),
            LegendEntry(label="predicted = actual", colour=MUTED, kind="dash"),
        ),
        height=360,
    )


def _hover(one: Prediction) -> str:
    text = one.label if one.params is None else f"{one.label}, N = {format_quantity(one.params)}"
    text += f"<br>predicted {loss_text(one.predicted)}"
    if one.interval:
        text += f" ({interval_text(one.interval, loss_text)})"
    if one.actual is not None and one.error is not None:
        text += f"<br>actual {loss_text(one.actual)}, error {percent(one.error)}"
    return text


def draw_contest(values: Contest) -> Drawing:
    """Bits per byte by domain: two points joined by a line, better to the left."""
    rows = [("all text", values.planned.bits_per_byte, values.larger.bits_per_byte)]
    rows += [(name, values.planned.domains[name], values.larger.domains[name]) for name in values.domains]
    known = [(name, ours, theirs) for name, ours, theirs in reversed(rows) if ours is not None and theirs is not None]
    data = [line([ours, theirs], [name, name], "#b8c0c7", width=3) for name, ours, theirs in known]
    names = [name for name, _, _ in known]
    for who, colour, symbol, scores in (
        ("larger", LARGER_COLOUR, "square", [theirs for _, _, theirs in known]),
        ("planned", PLANNED_COLOUR, "circle", [ours for _, ours, _ in known]),
    ):
        data.append(
            points(
                scores,
                names,
                colour,
                [f"{who}, {name}: {s:.4f} bits per byte" for name, s in zip(names, scores, strict=True)],
                size=12,
                symbol=symbol,
            )
        )
    return Drawing(
        name="contest",
        describes="Bits per byte by domain of the planned and the larger model",
        data=data,
        layout=layout(
            linear_axis("bits per byte (lower is better)", range=room([s for _, *pair in known for s in pair], 0.15)),
            {**linear_axis(""), "type": "category", "showgrid": False, "range": [-0.6, len(known) - 0.4]},
        ),
        legend=(
            LegendEntry(label="planned", colour=PLANNED_COLOUR, kind="point"),
            LegendEntry(label="larger, same compute", colour=LARGER_COLOUR, kind="square"),
        ),
        height=110 + 52 * len(known),
        narrow_height=110 + 52 * len(known),
    )
