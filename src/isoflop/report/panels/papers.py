"""The panels and the summary of the papers reproduced: a section each."""

from __future__ import annotations

from collections.abc import Mapping

from isoflop.paper import FIGURE_4, Section, Span
from isoflop.paper.rules import BUILT, PROPOSED, flops_served
from isoflop.paper.systems import evaluate, loss_law, system_named
from isoflop.report.panel import Absent, Panel, SmallTable, Summary, Table
from isoflop.report.panels.published_systems import (
    RuleSizes,
    SystemsMap,
    count_errors,
    judged_systems,
    rule_sizes,
    serving,
    systems_map,
)
from isoflop.report.panels.published_systems_drawn import draw_counts, draw_judged, draw_map, draw_rules, draw_serving
from isoflop.report.record import Interval
from isoflop.units import format_number, format_quantity

Sections = Mapping[str, Section]
"""{name: section} of `isoflop.paper.all_sections`."""
_TABLES = ("table-2", "table-3", "table-a3", "sentences", "table-a4", "sizes", "compute", "throughput", FIGURE_4)
"""Sections that are tables alone, in order."""


def papers_panels(sections: Sections) -> list[Panel | Absent]:
    """The map, the sections with figures, then those that are tables alone."""
    return [
        map_panel(),
        losses_panel(sections),
        rules_panel(sections),
        optima_panel(sections),
        counts_panel(sections),
        *(_table_panel(sections[name]) for name in _TABLES),
    ]


def map_panel() -> Panel:
    """Systems over the frontiers, N and D against C, and what each law would have built instead."""
    values = systems_map()
    return Panel(
        name="map",
        short="Map",
        title="Systems over the frontiers",
        lead="Each system stands at its own compute; on the same vertical, what each law would have built instead. "
        "All but Chinchilla, 140B on 3T and Llama were built far above the frontiers in size, far below in text.",
        drawings=(draw_map(values, "params"), draw_map(values, "tokens")),
        columns=2,
        tables=(_instead_table(values),),
        caption="C = 6ND of printed sizes and tokens, N all parameters. The laws rest on runs of up to 1.3e22 FLOPs.",
        sources=(
            *(f"{law.label}: {law.source}" for law in values.params_lines),
            *(f"{one.system.label}: {one.system.source}" for one in values.placed),
        ),
    )


def _instead_table(values: SystemsMap) -> Table:
    laws = [law.label for law in values.params_lines]
    rows = [
        (
            one.system.label,
            _on(one.system.params, one.system.tokens),
            *(_on(best.params, best.tokens) for best in one.instead),
        )
        for one in values.placed
    ]
    return Table(columns=("system", "built", *laws), rows=tuple(rows), words=(0,))


def _on(params: float, tokens: float) -> str:
    return f"{format_quantity(params)} on {format_quantity(tokens)}"


def losses_panel(sections: Sections) -> Panel:
    """How far above the least loss each system is, and what an optimal run would need."""
    section, values = sections["losses"], judged_systems()
    return Panel(
        name="losses",
        short="Losses",
        title=section.title,
        lead=section.lead,
        drawings=(draw_judged(values, "gap"), draw_judged(values, "share")),
        columns=2,
        tables=_grids(section),
        caption=f"{section.source}. As Eq. 10 is printed: isoflop paper --table losses.",
    )


def rules_panel(sections: Sections) -> Panel:
    """140B on 3T: rules, and serving."""
    section = sections["140b-on-3t"]
    values: RuleSizes = rule_sizes(_refit(sections))
    return Panel(
        name="rules",
        short="140B on 3T",
        title=section.title,
        lead=section.lead,
        drawings=(draw_rules(values), draw_serving(serving())),
        columns=2,
        tables=_grids(section),
        caption=f"{section.source}. A token served costs 2N FLOPs. The least: Sardana et al. 2024, under Besiroglu et "
        "al.'s constants.",
    )


def _refit(sections: Sections) -> tuple[float, Interval] | None:
    """Best N at PaLM's compute by our refit, from the section of Figure 4."""
    for grid in sections[FIGURE_4].grids:
        for what, *cells in grid.rows:
            if what == "best N" and isinstance(cells[0], Span):
                return cells[0].value, (cells[0].low, cells[0].high)
    return None


def counts_panel(sections: Sections) -> Panel:
    """Table A9: counted over printed parameters."""
    section = sections["table-a9"]
    return Panel(
        name="table-a9",
        short="Table A9",
        title=section.title,
        lead=f"{section.lead} {_verdict(section)}",
        drawings=(draw_counts(count_errors(section)),),
        tables=(_compared(section, tall=True),),
        caption=f"{section.source}.",
    )


def optima_panel(sections: Sections) -> Panel:
    """The best use of each budget under every law."""
    section = sections["optima"]
    texts = [grid.texts() for grid in section.grids]
    rows = tuple(
        (of_law[0][0], *(f"{params} on {tokens}" for _, params, tokens, _ in of_law))
        for of_law in zip(*texts, strict=True)
    )
    return Panel(
        name="optima",
        short="Optima",
        title=section.title,
        lead=section.lead,
        tables=(Table(columns=("law", *(grid.title for grid in section.grids)), rows=rows, words=(0,)),),
        caption=f"Parameters on tokens. {section.source}.",
    )


def _table_panel(section: Section) -> Panel | Absent:
    """The section's numbers and ours, then its grids; what is missing where it has none."""
    if section.missing:
        return Absent(sentence=f"{section.title}: {section.missing}.")
    return Panel(
        name=section.name,
        short=_short(section.name),
        title=section.title,
        lead=f"{section.lead} {_verdict(section)}",
        tables=(_compared(section), *_grids(section)),
        caption=f"{section.source}.",
    )


def _short(name: str) -> str:
    """`table-a3` -> `Table A3`."""
    words = name.split("-")
    return " ".join([words[0].capitalize(), *(word.upper() for word in words[1:])])


def _verdict(section: Section) -> str:
    return f"{section.same_digits} of {len(section.compared)} round to the printed digits."


def _compared(section: Section, *, tall: bool = False) -> Table:
    rows = tuple((*one.texts(), one.why) for one in section.compared)
    return Table(columns=("number", "published", "ours", "difference", "why"), rows=rows, words=(0, 4), tall=tall)


def _grids(section: Section) -> tuple[Table, ...]:
    return tuple(
        Table(columns=grid.heads, rows=tuple(grid.texts()), words=grid.words, heading=grid.title)
        for grid in section.grids
        if not grid.detail
    )


def papers_summary(sections: Sections) -> Summary:
    """How many printed numbers come out, what the laws say of Gopher, MT-NLG and PaLM, and what is missing."""
    compared = [one for section in sections.values() for one in section.compared]
    same = sum(one.same_digits for one in compared)
    rows = tuple(
        (section.title, f"{section.same_digits} of {len(section.compared)}")
        for section in sections.values()
        if section.compared
    )
    missing = sections[FIGURE_4].missing
    return Summary(
        sentences=(
            f"Of {len(compared)} printed numbers, {same} come out to every printed digit; each of the others has its "
            "reason next to it.",
            _proposal(),
        ),
        groups=(),
        tables=(SmallTable(heading="To every printed digit", columns=("section", "numbers"), rows=rows),),
        not_identified=(f"{sections[FIGURE_4].title}: {missing}.",) if missing else (),
    )


def _proposal() -> str:
    """What the corrected fit says of 140B on 3T and of PaLM, and what a token costs to serve."""
    law = loss_law("besiroglu2024")
    small, palm = system_named(PROPOSED), system_named(BUILT)
    gaps = [evaluate(law, system.params, system.tokens).gap for system in (small, palm)]
    return (
        "With Gopher's, MT-NLG's or PaLM's compute every law here would have built a smaller model on more text. At "
        f"PaLM's, approach 1 says {small.label} tokens: by Besiroglu et al.'s constants {format_number(gaps[0], 2)} "
        f"nats a token above the least loss, where PaLM is {format_number(gaps[1], 2)} above, for "
        f"{flops_served(palm.params) / flops_served(small.params):.2f} times fewer FLOPs a token served."
    )
