"""Every recipe that was held against one baseline, a row each and evaluation set, the best first."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.compare import Comparison
from isoflop.report.comparison_tables import set_table
from isoflop.report.panel import Panel, SmallTable, Table

BEST_IS_LUCKY = (
    "The best of {count} looks better than it is: part of its lead is luck. Run it again with fresh seeds before you "
    "rely on it."
)


def recipe_tables(found: Sequence[Comparison]) -> list[SmallTable]:
    """A table an evaluation set, with a row a recipe in the order of `found`; the last has the note of all."""
    first = found[0]
    tables = [set_table(one) for one in found]
    names = list(dict.fromkeys(row[0] for table in tables for row in table.rows))
    note = tables[0].note.replace(first.b, "the recipe")
    made = []
    for name in names:
        rows = [
            (one.b, *row[1:]) for one, table in zip(found, tables, strict=True) for row in table.rows if row[0] == name
        ]
        of_set = f" on {name}" if len(names) > 1 else ""
        made.append(
            SmallTable(
                heading=f"Against {first.a}{of_set}",
                columns=("recipe", *tables[0].columns[1:]),
                rows=tuple(rows),
                note=note if name == names[-1] else "",
            )
        )
    return made


def all_recipes_panel(found: Sequence[Comparison]) -> Panel:
    """The tables as a panel of the page, whose other panels are those of the best recipe."""
    tables = recipe_tables(found)
    return Panel(
        name="recipes",
        short="All recipes",
        title=f"All {len(found)} recipes",
        lead=BEST_IS_LUCKY.format(count=len(found)),
        tables=tuple(
            Table(columns=table.columns, rows=table.rows, words=(0, len(table.columns) - 1), heading=table.heading)
            for table in tables
        ),
        caption=f"{tables[-1].note} What follows is of {found[0].b}.",
    )
