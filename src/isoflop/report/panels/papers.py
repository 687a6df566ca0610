"""The panels and the summary of the papers reproduced: a section each."""

from __future__ import annotations

from collections.abc import Callable

from isoflop.paper import FIGURE_4, Section, Span
from isoflop.paper.rules import BUILT, PROPOSED, flops_served
from isoflop.paper.systems import judge, loss_law, system_named
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
from isoflop.report.view import Interval, View
from isoflop.units import format_quantity


def map_panel(view: View) -> Panel:
    """Systems over the frontiers, N and D against C, and what each law would have built instead."""
    del view
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


def losses_panel(view: View) -> Panel:
    """How far above the least loss each system is, and what an optimal run would need."""
    found, values = _section(view, "losses"), judged_systems()
    return Panel(
        name="losses",
        short="Losses",
        title=found.title,
        lead=found.lead,
        drawings=(draw_judged(values, "gap"), draw_judged(values, "share")),
        columns=2,
        tables=_grids(found),
        caption=f"{found.source}. As Eq. 10 is printed: isoflop paper --table losses.",
    )


def rules_panel(view: View) -> Panel:
    """140B on 3T: rules, and serving."""
    found = _section(view, "140b-on-3t")
    values: RuleSizes = rule_sizes(_refit(view))
    return Panel(
        name="rules",
        short="140B on 3T",
        title=found.title,
        lead=found.lead,
        drawings=(draw_rules(values), draw_serving(serving())),
        columns=2,
        tables=_grids(found),
        caption=f"{found.source}. A token served costs 2N FLOPs. The least: Sardana et al. 2024, under Besiroglu et "
        "al.'s constants.",
    )


def _refit(view: View) -> tuple[float, Interval] | None:
    """Best N at PaLM's compute by our refit, from the section of Figure 4."""
    for grid in _section(view, FIGURE_4).grids:
        for what, *cells in grid.rows:
            if what == "best N" and isinstance(cells[0], Span):
                return cells[0].value, (cells[0].low, cells[0].high)
    return None


def counts_panel(view: View) -> Panel:
    """Table A9: counted over printed parameters."""
    found = _section(view, "table-a9")
    return Panel(
        name="table-a9",
        short="Table A9",
        title=found.title,
        lead=f"{found.lead} {_verdict(found)}",
        drawings=(draw_counts(count_errors(found)),),
        tables=(_compared(found, tall=True),),
        caption=f"{found.source}.",
    )


def optima_panel(view: View) -> Panel:
    """The best use of each budget under every law."""
    found = _section(view, "optima")
    texts = [grid.texts() for grid in found.grids]
    rows = tuple(
        (of_law[0][0], *(f"{params} on {tokens}" for _, params, tokens, _ in of_law))
        for of_law in zip(*texts, strict=True)
    )
    return Panel(
        name="optima",
        short="Optima",
        title=found.title,
        lead=found.lead,
        tables=(Table(columns=("law", *(grid.title for grid in found.grids)), rows=rows, words=(0,)),),
        caption=f"Parameters on tokens. {found.source}.",
    )


def _table_panel(name: str) -> Callable[[View], Panel | Absent]:
    def panel(view: View) -> Panel | Absent:
        """The section's numbers beside ours, then its grids; what is missing where it has none."""
        found = _section(view, name)
        if found.missing:
            return Absent(sentence=f"{found.title}: {found.missing}.")
        tables = (_compared(found), *_grids(found))
        return Panel(
            name=name,
            short=_short(name),
            title=found.title,
            lead=f"{found.lead} {_verdict(found)}",
            tables=tables,
            caption=f"{found.source}.",
        )

    return panel


def _short(name: str) -> str:
    """`table-a3` -> `Table A3`."""
    words = name.split("-")
    return " ".join([words[0].capitalize(), *(word.upper() for word in words[1:])])


def _section(view: View, name: str) -> Section:
    found: Section = view["sections"][name]
    return found


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


TABLE_PANELS = tuple(
    _table_panel(name)
    for name in ("table-2", "table-3", "table-a3", "sentences", "table-a4", "sizes", "compute", "throughput", FIGURE_4)
)
"""Of the sections that are tables alone, in order."""


def paper_answer(view: View) -> Summary:
    """How many printed numbers come out, what the laws say of Gopher, MT-NLG and PaLM, and what is missing."""
    sections: dict[str, Section] = view["sections"]
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
            "reason beside it.",
            _proposal(),
        ),
        groups=(),
        grids=(SmallTable(heading="To every printed digit", columns=("section", "numbers"), rows=rows),),
        unsaid=(f"{sections[FIGURE_4].title}: {missing}.",) if missing else (),
    )


def _proposal() -> str:
    """What the corrected fit says of 140B on 3T and of PaLM, and what a token costs to serve."""
    law = loss_law("besiroglu2024")
    small, palm = system_named(PROPOSED), system_named(BUILT)
    gaps = [judge(law, system.params, system.tokens).gap for system in (small, palm)]
    return (
        "With Gopher's, MT-NLG's or PaLM's compute every law here would have built a smaller model on more text. At "
        f"PaLM's, approach 1 says {small.label} tokens: by Besiroglu et al.'s constants {gaps[0]:.2g} nats a token "
        f"above the least loss, where PaLM is {gaps[1]:.2g} above, for "
        f"{flops_served(palm.params) / flops_served(small.params):.2f} times fewer FLOPs a token served."
    )
