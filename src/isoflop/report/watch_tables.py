"""The facts and the table of methods of a run under way, for the terminal."""

from __future__ import annotations

from isoflop.plan import SealedForecast
from isoflop.report.formatting import in_words, moment, share_text
from isoflop.report.panel import KeyValue, SmallTable
from isoflop.report.watch_words import interval_in_words, loss_in_words, prediction, progress
from isoflop.units import format_flops, format_money, format_number, percent
from isoflop.watch import Watched, WhatIf

METHODS = {
    "ratio": "ratio to finished runs",
    "annealing": "annealing law",
    "multi_power": "multi-power law",
}
"""{method: what people call it}"""
_ENDINGS = {"decay_now": "decay from now on", "as_planned": "as planned"}
_MOST_NAMED = 3


def watch_facts(found: Watched, sealed: SealedForecast | None) -> list[KeyValue]:
    """How far the run is, its loss, where it will end, and its forecast."""
    unit, level = in_words(found.loss_unit), share_text(found.level)
    facts = [
        KeyValue(label="Done", value=progress(found)),
        KeyValue(label="Loss", value=f"{loss_in_words(found.loss)} {unit}, of {_measured(found.measured)}"),
    ]
    if found.expected is not None:
        low, middle, high = found.expected
        band = f"{loss_in_words(middle)} ({interval_in_words((low, high))}, {_level_of_band(found)})"
        facts.append(KeyValue(label="Expected here", value=band))
    if found.final is not None:
        facts.append(KeyValue(label="Final loss", value=f"{loss_in_words(found.final)} {unit}"))
    elif found.predicted_final is not None:
        what = "" if found.final_measured == found.measured else f", of {_measured(found.final_measured)}"
        facts.append(KeyValue(label="Will end at", value=f"{prediction(found)}, {level}{what}"))
    else:
        facts.append(KeyValue(label="Will end at", value="not known: no method says anything yet"))
    if sealed is not None:
        facts.append(KeyValue(label="Forecast", value=_forecast(sealed)))
    if found.inside_forecast_probability is not None and found.final is None:
        facts.append(KeyValue(label="Odds", value=_odds(found.inside_forecast_probability)))
    if found.references:
        facts.append(KeyValue(label="Held against", value=_named(found.references)))
    return facts


def method_table(found: Watched) -> SmallTable | None:
    """A row a method: its prediction, interval and weight; None where none says anything."""
    if not found.methods or found.final is not None:
        return None
    rows = [
        (
            METHODS.get(name, name.replace("_", " ")),
            loss_in_words(one.predicted_final),
            interval_in_words(one.interval),
            percent(found.weights.get(name, 0.0), 0),
        )
        for name, one in found.methods.items()
    ]
    if len(rows) > 1 and found.predicted_final is not None:
        rows.append(("together", loss_in_words(found.predicted_final), interval_in_words(found.interval), "100 %"))
    return SmallTable(
        heading="Final loss by each method",
        columns=("method", "final loss", f"{share_text(found.level)} interval", "weight"),
        rows=tuple(rows),
    )


def ending_table(found: Watched) -> SmallTable | None:
    """A row for each way to end a run whose rate is still at its peak; None of any other."""
    if not found.what_if:
        return None
    counted = "steps" if found.tokens is None else "tokens"
    priced = any(way.price is not None for way in found.what_if)
    rows = [
        (
            _ENDINGS.get(way.name, f"{way.name.removesuffix('x')} times as long"),
            format_number(way.total_tokens),
            loss_in_words(way.predicted_final),
            interval_in_words(way.interval),
            "" if way.flops is None else format_flops(way.flops),
            *((_money(way),) if priced else ()),
        )
        for way in found.what_if
    ]
    return SmallTable(
        heading="If it ended otherwise",
        columns=(
            "end",
            counted,
            "final loss",
            f"{share_text(found.level)} interval",
            "FLOPs left (6 N D)",
            *(("price",) if priced else ()),
        ),
        rows=tuple(rows),
    )


def _money(way: WhatIf) -> str:
    """The price of what is left, with its range where it has one."""
    if way.price is None:
        return ""
    if way.price_range is None or way.price_range[0] == way.price_range[1]:
        return format_money(way.price)
    low, high = map(format_money, way.price_range)
    return f"{format_money(way.price)} ({low} to {high})"


def _level_of_band(found: Watched) -> str:
    return share_text(found.level if found.course is None else found.course.level)


def _forecast(sealed: SealedForecast) -> str:
    forecast = sealed.forecast
    text = loss_in_words(forecast.loss)
    if forecast.interval is not None and forecast.level is not None:
        text += f" ({interval_in_words(forecast.interval)}), {share_text(forecast.level)}"
    return f"{text}; sealed {moment(sealed.sealed)}"


def _odds(inside: float) -> str:
    shown = "more than 99 %" if inside > 0.99 else "less than 1 %" if inside < 0.01 else percent(inside, 0)
    return f"{shown} that it ends inside the forecast's interval"


def _measured(name: str) -> str:
    return "training batches" if name == "training" else name


def _named(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
