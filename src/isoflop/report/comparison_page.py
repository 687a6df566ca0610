"""The page of a comparison of two recipes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from isoflop.codes import grade_of
from isoflop.compare import Comparison, SetVerdict
from isoflop.report.comparison_audit import audit_table
from isoflop.report.comparison_tables import basis_facts, next_facts, noise_facts, saved_facts
from isoflop.report.comparison_words import AXIS_NOTES, headline, named_notices
from isoflop.report.page_grade import shown_grade
from isoflop.report.panel import Absent, Card, Page, Panel, Picture, Summary
from isoflop.report.panels.all_recipes import all_recipes_panel
from isoflop.report.panels.comparison_cells import audit_panel, cells_panel, parts_panel
from isoflop.report.panels.loss_distance import distances_of, draw_distances
from isoflop.report.panels.multipliers import multipliers_panel
from isoflop.report.panels.warnings import without_repeats
from isoflop.report.record import versions

_ON_THE_WAY = (
    " Lines are losses on the way: in the middle of a schedule they lie above those of a run that ends there, and "
    "distances are between ends alone."
)
_MOST_SETS = 7
"""Evaluation sets whose distances are drawn, the one of the first screen among them."""


def comparison_page(comparison: Comparison, every: Sequence[Comparison] = ()) -> Page:
    """The answer, its picture, and all that it rests on.

    `every` are all comparisons with the same baseline, where `comparison` is the best of several: a row each.
    """
    several = len(every) > 1
    return Page(
        title=f"{len(every)} recipes against {comparison.a}" if several else f"{comparison.b} against {comparison.a}",
        about="Two recipes compared: by how much one is worth more, and how sure that is.",
        created=time.time(),
        versions=versions(),
        summary=comparison_summary(comparison),
        grade=shown_grade(
            grade_of(notice.code for notice in comparison.notices),
            {notice.code: notice.message for notice in reversed(named_notices(comparison))},
        ),
        picture=_picture(comparison),
        panels=(
            *((all_recipes_panel(every),) if several else ()),
            multipliers_panel(comparison),
            *_distances(comparison),
            audit_panel(comparison),
            cells_panel(comparison),
            parts_panel(comparison),
        ),
        methods=_methods(comparison),
    )


def comparison_summary(comparison: Comparison) -> Summary:
    """The answer in sentences, then what differs, what would be saved, and the noise floor."""
    groups = [
        ("At the planned run", saved_facts(comparison)),
        ("Noise", noise_facts(comparison.noise, comparison.loss_unit)),
        ("What it rests on", [*basis_facts(comparison), *next_facts(comparison)]),
    ]
    audit = audit_table(comparison)
    return Summary(
        sentences=(headline(comparison),),
        groups=tuple((heading, tuple(facts)) for heading, facts in groups if facts),
        tables=() if audit is None else (audit,),
    )


def _picture(comparison: Comparison) -> Picture | None:
    """The distances on the first evaluation set that has cells; None on an axis without a picture."""
    for one in _by_reach(comparison):
        values = distances_of(comparison, one)
        if not isinstance(values, Absent):
            return Picture(
                drawing=draw_distances(values),
                caption=f"Evaluation set: {values.name}. A point is a cell, the mean of its runs. The distance ends "
                f"where {values.a}, along its own slope, has the loss of {values.b}; the grey bar is its interval."
                + (_ON_THE_WAY if values.curves else ""),
            )
    return None


def _by_reach(comparison: Comparison) -> list[SetVerdict]:
    """The evaluation sets, those with a multiplier first: a distance that ends nowhere says little."""
    return sorted(comparison.sets, key=lambda one: one.multiplier is None)


def _distances(comparison: Comparison) -> tuple[Panel | Absent, ...]:
    """The same picture for the other evaluation sets; nothing where there is one set alone."""
    found = [distances_of(comparison, one) for one in _by_reach(comparison)]
    drawn = [values for values in found if not isinstance(values, Absent)]
    if len(drawn) < 2:
        return tuple(values for values in found[:1] if isinstance(values, Absent))
    more = len(drawn) - _MOST_SETS
    return (
        Panel(
            name="distances",
            short="Distances",
            title="The distance on the other evaluation sets",
            lead="As in the first picture: losses of both recipes, and what one needs for the loss of the other.",
            drawings=tuple(
                draw_distances(values, f"distance-{place}") for place, values in enumerate(drawn[1:_MOST_SETS], 2)
            ),
            columns=2,
            caption=f"{more} further sets are in the table of cells." if more > 0 else "",
        ),
    )


def _methods(comparison: Comparison) -> list[Card]:
    a, b = comparison.a, comparison.b
    multiplier = [
        f"m(C) = C_A(L_B(C)) / C: what {a} (A) needs for the loss that {b} (B) reaches with C, over C; here C is "
        f"{AXIS_NOTES[comparison.axis]}.",
        "In each cell the gap ln L_A - ln L_B is converted by the slope of A's own loss, from a law that both recipes "
        "share: one E, alpha and beta, and a shift for each recipe.",
        "The multiplier of an evaluation set is the mean of ln m over its cells. Sets are never pooled.",
        "Where a test finds that the recipes have floors or exponents of their own, the multiplier is the median over "
        "the runs of B of what A needs for their losses by its own law, at equal tokens per parameter.",
        "A change that lowers E alone has no constant multiplier: its slope in compute is above 0.",
    ]
    interval = [
        "On ln m: noise of the losses between seeds, error of the slope (runs resampled), spread between cells, and "
        "beyond the runs the form of the law and the distance.",
        "Further pairs: 2 (1.645 + .84)^2 sd^2 / gap^2, which show a gap of this size 8 times of 10.",
    ]
    warnings = [notice.message for _, notice in without_repeats([("", notice) for notice in named_notices(comparison)])]
    cards = (
        Card(heading="The multiplier", lines=multiplier),
        Card(heading="Its interval and the verdict", lines=interval),
        Card(heading="Notices", lines=warnings),
        Card(heading="Versions", lines=[f"{name} {version}" for name, version in versions().items()]),
    )
    return [card for card in cards if card.lines]
