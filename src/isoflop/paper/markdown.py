"""docs/paper.md: every section, printed numbers and ours side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from isoflop.paper.section import Section

_HEAD = """# The papers, reproduced

```bash run
isoflop paper                                # all of this but the refit, in a terminal
isoflop paper --table 140b-on-3t             # one section
isoflop paper --json
```

Printed numbers stand next to what the code says now, with the reason wherever ours does not round to the printed
digits. Section [figure-4](#figure-4) needs a file that is not part of isoflop:
`isoflop paper --points svg_extracted_data.csv`. The same as one page with figures: `isoflop report --paper`.
This file is what `isoflop paper --points FILE --markdown` prints, and a test holds the two together. Where papers
contradict themselves: [laws.md](laws.md#where-printed-numbers-contradict-each-other).
"""


def paper_markdown(sections: Iterable[Section]) -> str:
    """The whole page in Markdown."""
    shown = tuple(sections)
    rows = [
        (f"[{one.name}](#{one.name})", one.title, f"{one.same_digits} of {len(one.compared)}" if one.compared else "-")
        for one in shown
    ]
    index = _table(("section", "what", "same digits"), rows, words=(0, 1))
    return "\n".join([_HEAD, index, "", *(section_markdown(one) for one in shown)]).rstrip() + "\n"


def section_markdown(section: Section) -> str:
    """One section, its heading the name that `--table` takes."""
    parts = [f"## {section.name}", "", _prose(f"**{section.title}.** {section.lead}"), ""]
    if section.compared:
        rows = [(*one.texts(), one.why) for one in section.compared]
        parts += [_table(("", "published", "ours", "difference", "why"), rows, words=(0, 4)), ""]
    for grid in section.grids:
        parts += [_prose(f"{grid.title}:"), "", _table(grid.heads, grid.texts(), grid.words), ""]
    if section.missing:
        parts += [_prose(f"Missing: {section.missing}."), ""]
    parts += [_prose(f"Source: {section.source}."), ""]
    return "\n".join(parts)


def _prose(text: str) -> str:
    return textwrap.fill(text, width=120, break_on_hyphens=False)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int]) -> str:
    rule = ["---" if number in words else "---:" for number in range(len(heads))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, rule, *rows])
