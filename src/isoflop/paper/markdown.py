"""docs/paper.md: every section, published and ours side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from isoflop.paper.section import Grid, Section

_HEAD = """# The papers, reproduced

```bash run
isoflop paper                                # all of this but the refit, in a terminal
isoflop paper --table 140b-on-3t             # one section
isoflop paper --json
```

Printed numbers stand beside what the code says now, with the reason wherever ours does not round to the printed digits.
Section [figure-4](#figure-4) needs a file that is not part of isoflop: `isoflop paper --points svg_extracted_data.csv`.
This page is what `isoflop paper --points FILE --markdown` prints; a test holds the two together. Where papers contradict
themselves: [laws.md](laws.md). The same as one HTML page with figures: `isoflop report --paper --points FILE`.
"""


def paper_markdown(sections: Iterable[Section]) -> str:
    """The whole page."""
    found = tuple(sections)
    rows = [
        (f"[{one.name}](#{one.name})", one.title, f"{one.same_digits} of {len(one.compared)}" if one.compared else "-")
        for one in found
    ]
    index = _table(("section", "what", "same digits"), rows, words=(0, 1))
    return "\n".join([_HEAD, index, "", *(section_markdown(one) for one in found)]).rstrip() + "\n"


def section_markdown(section: Section) -> str:
    """One section, its heading the name that `--table` takes."""
    parts = [f"## {section.name}", "", f"**{section.title}.** {section.lead}", ""]
    if section.compared:
        rows = [(*one.texts(), one.why) for one in section.compared]
        parts += [_table(("", "published", "ours", "difference", "why"), rows, words=(0, 4)), ""]
    for grid in section.grids:
        parts += [f"{grid.title}:", "", _grid(grid), ""]
    if section.missing:
        parts += [f"Missing: {section.missing}.", ""]
    parts += [f"Source: {section.source}.", ""]
    return "\n".join(parts)


def _grid(grid: Grid) -> str:
    words = [number for number, column in enumerate(grid.columns) if column.how == "words"]
    return _table([column.title for column in grid.columns], grid.texts(), words)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int]) -> str:
    rule = ["---" if number in words else "---:" for number in range(len(heads))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, rule, *rows])
