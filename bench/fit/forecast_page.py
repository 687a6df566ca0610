"""The page that bench/fit/forecasts.py writes: totals first, then a line a (set, origin, later band)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from forecast_sets import DataSet

from isoflop.fit.forecast.error_model import PUBLIC, Prior
from isoflop.fit.forecast.past_forecast import PROXIMITY
from isoflop.fit.forecast.rolling_origin import COMPUTE_POWER
from isoflop.fit.forms.table import FORMS

FACTORS = ((1.0, 2.5), (2.5, 5.0), (5.0, 12.5), (7.5, 12.5))


@dataclass(frozen=True, kw_only=True)
class Band:
    """The forecasts from one origin for the rows of one later budget or band of compute, an element each."""

    set: DataSet
    origin: float
    factor: np.ndarray
    near: np.ndarray
    error: np.ndarray
    forms: dict[str, np.ndarray]
    inside: np.ndarray
    half_width: np.ndarray
    inside_left_out: np.ndarray
    half_width_left_out: np.ndarray


def totals(bands: list[Band], keep: Callable[[Band], np.ndarray]) -> str:
    """`rows | inside | half-width | mean error | each band once | left out | half-width left out` of the kept rows."""
    chosen = [(band, keep(band)) for band in bands]
    chosen = [(band, mask) for band, mask in chosen if mask.any()]
    if not chosen:
        return "0 | | | | | | "
    columns = {
        name: np.concatenate([getattr(band, name)[mask] for band, mask in chosen])
        for name in ("inside", "half_width", "error", "inside_left_out", "half_width_left_out")
    }
    once = np.mean([band.inside[mask].mean() for band, mask in chosen])
    cells = [
        str(len(columns["inside"])),
        f"{columns['inside'].mean():.1%}",
        f"{np.median(columns['half_width']):.2%}",
        f"{columns['error'].mean():+.2%}",
        f"{once:.1%}",
        f"{columns['inside_left_out'].mean():.1%}",
        f"{np.median(columns['half_width_left_out']):.2%}",
    ]
    return " | ".join(cells)


def near(band: Band) -> np.ndarray:
    return band.near


def near_at(low: float, high: float) -> Callable[[Band], np.ndarray]:
    return lambda band: band.near & (band.factor > low) & (band.factor <= high)


def everything(band: Band) -> np.ndarray:
    return np.ones_like(band.near)


def summary(bands: list[Band]) -> list[str]:
    """The totals, by kind of schedule, factor and family."""
    trusted = [band for band in bands if band.set.schedule != "unmatched"]
    groups: list[tuple[str, list[Band], Callable[[Band], np.ndarray]]] = [
        ("**acceptance: near the plan, schedules not mismatched**", trusted, near),
        ("all rows of the same sets", trusted, everything),
        ("near, one reading of each experiment", [b for b in trusted if b.set.alone], near),
    ]
    groups += [
        (f"near, schedule {schedule}", [b for b in bands if b.set.schedule == schedule], near)
        for schedule in ("matched", "constant", "unmatched")
    ]
    families = dict.fromkeys(band.set.family for band in trusted)
    groups += [(f"near, {low:g} to {high:.3g} times", trusted, near_at(low, high)) for low, high in FACTORS]
    groups += [
        (
            f"near, {low:g} to {high:.3g} times, {family}",
            [b for b in trusted if b.set.family == family],
            near_at(low, high),
        )
        for low, high in FACTORS[-1:]
        for family in families
    ]
    groups += [(f"near, {family}", [b for b in trusted if b.set.family == family], near) for family in families]
    head = (
        "| forecasts | rows | inside | median half-width | mean error | inside, each band once "
        "| inside, prior of the others | its median half-width |"
    )
    return [head, "|---" * 8 + "|", *(f"| {name} | {totals(*rest)} |" for name, *rest in groups)]


def hindsight(bands: list[Band]) -> list[str]:
    """The one half-width that would have held 85 or 90 % of the rows of a family near ten times the compute."""
    lines = [
        "| near, 7.5 to 12.5 times | rows | half-width as stated | would have held 85 % | would have held 90 % |",
        "|---" * 5 + "|",
    ]
    keep = near_at(*FACTORS[-1])
    trusted = [band for band in bands if band.set.schedule != "unmatched" and keep(band).any()]
    groups = {
        family: [band for band in trusted if band.set.family == family]
        for family in dict.fromkeys(band.set.family for band in trusted)
    }
    for name, mine in {**groups, "all": trusted}.items():
        errors = np.abs(np.concatenate([band.error[keep(band)] for band in mine]))
        stated = np.median(np.concatenate([band.half_width[keep(band)] for band in mine]))
        held = np.quantile(errors, [0.85, 0.9])
        lines.append(f"| {name} | {len(errors)} | {stated:.2%} | {held[0]:.2%} | {held[1]:.2%} |")
    return lines


def by_form(bands: list[Band]) -> list[str]:
    """Root mean square error near the plan of each form and of the mixture, a line a family and schedule."""
    lines = [
        "| near the plan | rows | mixture | " + " | ".join(form.name for form in FORMS) + " |",
        "|---|---|---" + "|---" * len(FORMS) + "|",
    ]
    for key in dict.fromkeys((band.set.family, band.set.schedule) for band in bands):
        mine = [band for band in bands if (band.set.family, band.set.schedule) == key]
        columns = [np.concatenate([band.error[band.near] for band in mine])]
        columns += [np.concatenate([band.forms[form.name][band.near] for band in mine]) for form in FORMS]
        if len(columns[0]):
            spread = " | ".join(f"{np.sqrt(np.mean(column**2)):.2%}" for column in columns)
            lines.append(f"| {key[0]}, {key[1]} | {len(columns[0])} | {spread} |")
    return lines


def listing(bands: list[Band]) -> list[str]:
    """A line a (set, origin, band of compute)."""
    lines = [
        "| set | fitted up to | times | rows | inside | half-width | mean error "
        "| near | inside | half-width | mean error |",
        "|---" * 11 + "|",
    ]
    for band in bands:
        parts = [band.set.name, f"{band.origin:.2e}", f"{np.exp(np.log(band.factor).mean()):.2f}"]
        for mask in (everything(band), band.near):
            rows = int(mask.sum())
            parts.append(str(rows))
            if rows:
                width, error = np.median(band.half_width[mask]), band.error[mask].mean()
                parts += [str(int(band.inside[mask].sum())), f"{width:.2%}", f"{error:+.2%}"]
            else:
                parts += ["", "", ""]
        lines.append("| " + " | ".join(parts) + " |")
    return lines


@dataclass(frozen=True, kw_only=True)
class Origins:
    """What is known of origins beside their forecasts."""

    refused: dict[str, int]
    """{set: origins that the tool refused to fit}."""
    biases: dict[str, float]
    """{family: its own bias}."""
    left_out: dict[str, tuple[Prior, dict[float, float]]]
    """{family: (prior of the others, {error of form: their coverage})}; `none` of all."""


def constants(origins: Origins) -> list[str]:
    """Lines on the constants of the method: what stands in the code, and what each family left out would give."""
    return [
        "## Where the method's constants come from",
        "",
        f"Bias of the forms, ln predicted less ln actual: {PUBLIC.bias:g} with a standard deviation of",
        f"{PUBLIC.bias_sd:g} before any past forecast, times ln f (ln f / ln 10)^.5 at f times the compute. Error of",
        f"form: {PUBLIC.error:g} for each factor e, counting for {PUBLIC.count:g} past forecasts. Left out: the bias",
        "is the mean of the other families'; the error of form is the one with which 90 % of their rows near the plan",
        "are inside from 2.5 times the compute on, each family counted once.",
        "",
        "| left out | its own bias | bias of the others | error of form of the others | "
        + " | ".join(f"inside with {error:g}" for error in next(iter(origins.left_out.values()))[1])
        + " |",
        "|---" * (4 + len(next(iter(origins.left_out.values()))[1])) + "|",
        *(
            f"| {name} | {f'{origins.biases[name]:+.4f}' if name in origins.biases else ''} | {prior.bias:+.4f} "
            f"| {prior.error:g} | " + " | ".join(f"{share:.1%}" for share in coverages.values()) + " |"
            for name, (prior, coverages) in origins.left_out.items()
        ),
        "",
    ]


def page(definition: str, bands: list[Band], weightings: list[str], origins: Origins) -> str:
    """The page of docs."""
    refused = [f"{name}: {count}" for name, count in origins.refused.items() if count]
    parts = [
        "# Forecasts held against what came",
        "",
        "Made by `python bench/fit/forecasts.py docs/forecasts.md` from tables that others published. A line of the",
        "long tables is one (set, origin, later band of compute); every forecast is in one of them.",
        "",
        definition.split("\n\n", 1)[1].strip(),
        "",
        "## Totals",
        "",
        "Nominal 90 %; error = predicted over actual less 1. The last two columns take the error of form and the bias",
        "from the other families alone.",
        "",
        *summary(bands),
        "",
        f"Origins that the tool refused to fit: {sum(origins.refused.values())} ({'; '.join(refused)}).",
        "",
        "## The least width that is valid",
        "",
        "The one half-width that would have held a share of a family's rows; it is known only afterwards.",
        "",
        *hindsight(bands),
        "",
        "## Which form",
        "",
        "Root mean square of the errors near the plan.",
        "",
        *by_form(bands),
        "",
        *constants(origins),
        f"Weights of rows: half for a loss {PROXIMITY:g} (in its logarithm) above the frontier, and compute to the",
        f"power {COMPUTE_POWER:g}. Root mean square error of the mean of the Chinchilla and the coupled form on",
        "later rows within 5 % of the least loss, for other values of the two (the values used were chosen on these",
        "sets, as a compromise between families: no family's own best):",
        "",
        *weightings,
    ]
    for title, kinds in (
        ("Forecasts", ("matched", "constant")),
        ("Apart: schedules that do not match", ("unmatched",)),
    ):
        parts += ["", f"## {title}"]
        for family in dict.fromkeys(band.set.family for band in bands):
            mine = [band for band in bands if band.set.family == family and band.set.schedule in kinds]
            if mine:
                parts += ["", f"### {family}{', apart' if 'unmatched' in kinds else ''}", "", *listing(mine)]
    return "\n".join(parts) + "\n"
