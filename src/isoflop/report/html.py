"""One self-contained report.html: plotly.js inside, no network, no font from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html import escape as escape_html
from importlib.resources import files
from pathlib import Path

from isoflop.files import write_bytes_atomically
from isoflop.report.drawing import Drawing, LegendEntry
from isoflop.report.formatting import moment
from isoflop.report.panel import Absent, Card, KeyValue, Page, PageGrade, Panel, Picture, SmallTable, Table

# Nothing may be fetched: the browser enforces it, whatever a title or a run's message contains.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def escape(text: str) -> str:
    """Text as HTML; a number and its per cent sign, and an interval in brackets, stay on one line."""
    tied = re.sub(r"(\([^\s()]+) to ([^\s()]+\))", "\\1\u00a0to\u00a0\\2", text)
    return escape_html(tied).replace(" %", "\u00a0%")


def write_page(page: Page, path: Path) -> Path:
    """Write `page` to `path` atomically and return that. Raises InputError where it cannot be written."""
    write_bytes_atomically(path, page_html(page).encode())
    return path


def page_html(page: Page) -> str:
    """The whole page as text."""
    shown = [panel for panel in page.panels if isinstance(panel, Panel)]
    absent = [panel.sentence for panel in page.panels if isinstance(panel, Absent)]
    drawn = [drawing for panel in shown for drawing in panel.drawings]
    drawn += [page.picture.drawing] if page.picture else []
    drawings = {drawing.name: _drawing_json(drawing) for drawing in drawn}
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(page.title)} · isoflop report</title>",
            '<link rel="icon" href="data:,">',
            f"<style>{_resource('page.css')}</style></head><body>",
            _header(page, shown),
            "<main>",
            _summary_section(page),
            *(_panel_section(panel) for panel in shown),
            _absent_section(absent),
            _methods_section(page.methods),
            "</main>",
            _footer(page.versions),
            '<noscript><main><p class="absent">The figures need JavaScript; the tables do not.</p></main></noscript>',
            f'<script type="application/json" id="drawings">{_script_json(drawings)}</script>',
            f"<script>{_resource('assets/plotly-cartesian.min.js')}</script>",
            f"<script>{_resource('page.js')}</script>",
            "</body></html>",
        ]
    )


def _resource(name: str) -> str:
    return files("isoflop.report").joinpath(name).read_text(encoding="utf-8")


def _drawing_json(drawing: Drawing) -> dict[str, object]:
    return {
        "data": drawing.data,
        "layout": drawing.layout,
        "narrow": drawing.narrow,
        "height": drawing.height,
        "narrow_height": drawing.narrow_height,
    }


def _script_json(value: object) -> str:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _header(page: Page, shown: Iterable[Panel]) -> str:
    made = escape(f"Made {moment(page.created)} by isoflop {page.versions['isoflop']}")
    links = [f'<a href="#{panel.name}">{escape(panel.short)}</a>' for panel in shown]
    links.append('<a href="#methods">Methods</a>')
    title, nav = escape(page.title), "".join(links)
    return f'<header><h1>{title}</h1><p class="subtitle">{page.about} {made}.</p><nav>{nav}</nav></header>'


def _summary_section(page: Page) -> str:
    """Headline, grade and picture, the first screen; below them the other sentences and the cards."""
    summary = page.summary
    headline, *others = (f'<p class="say">{escape(sentence)}</p>' for sentence in summary.sentences)
    sentences = "".join(others)
    sentences += "".join(f'<p class="not-identified">{escape(sentence)}</p>' for sentence in summary.not_identified)
    cards = [_facts_card(heading, facts) for heading, facts in summary.groups]
    cards += [_table_card(table) for table in summary.tables]
    first = headline + _grade(page.grade) + _picture(page.picture)
    return f'<section id="answer">{first}{sentences}<div class="cards">{"".join(cards)}</div></section>'


def _grade(grade: PageGrade | None) -> str:
    """The grade with the codes that set it; what would raise it is folded away unless the answer is not to be used."""
    if grade is None:
        return ""
    word = grade.word[:1].upper() + grade.word[1:]
    mark = f'<strong class="word">{escape(word)}</strong>{escape(f" ({grade.of})" if grade.of else "")}'
    kind = grade.word.replace(" ", "-")
    if not grade.reasons:
        return f'<p id="grade" class="grade {kind}">{mark}: no warning limits this answer.</p>'
    codes = ", ".join(f"<code>{escape(reason.code)}</code>" for reason in grade.reasons)
    lines = "".join(
        f"<li>{escape(one.message)} <code>{escape(one.code)}</code> <em>{escape(one.remedy)}</em></li>"
        for one in grade.reasons
    )
    opened = " open" if grade.word == "do not use" else ""
    return (
        f'<details id="grade" class="grade {kind}"{opened}><summary>{mark}: {codes}. What would raise it</summary>'
        f"<ul>{lines}</ul></details>"
    )


def _picture(picture: Picture | None) -> str:
    if picture is None:
        return ""
    caption = f'<p class="caption">{escape(picture.caption)}</p>'
    return f'<div id="picture">{_figure(picture.drawing, with_legend=True)}{caption}</div>'


def _facts_card(heading: str, facts: Iterable[KeyValue]) -> str:
    lines = []
    for fact in facts:
        aside = f'<span class="note">{escape(fact.note)}</span>' if fact.note else ""
        lines.append(f"<div><dt>{escape(fact.label)}</dt><dd>{escape(fact.value)}{aside}</dd></div>")
    return f'<div class="card"><h3>{escape(heading)}</h3><dl>{"".join(lines)}</dl></div>'


def _table_card(table: SmallTable) -> str:
    body = _table(Table(columns=table.columns, rows=table.rows, words=(0,), plain=True))
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return f'<div class="card"><h3>{escape(table.heading)}</h3>{body}{note}</div>'


def _panel_section(panel: Panel) -> str:
    legends = [drawing.legend for drawing in panel.drawings]
    shared = len(legends) > 1 and all(legend == legends[0] for legend in legends)
    cells = [_figure(drawing, with_legend=not shared) for drawing in panel.drawings]
    tables = [_table(table) for table in panel.tables]
    if panel.columns > len(cells):
        cells, tables = cells + tables, []
    columns = {2: " two", 3: " three"}.get(panel.columns, "")
    body = f'<div class="figures{columns}">{"".join(cells)}</div>' if cells else ""
    cards = "".join(_facts_card(heading, facts) for heading, facts in panel.cards)
    body += f'<div class="cards">{cards}</div>' if cards else ""
    items = "".join(f'<li>{escape(text)} <span class="note">{escape(aside)}</span></li>' for text, aside in panel.items)
    body += f'<ul class="items">{items}</ul>' if items else ""
    caption = f'<p class="caption">{escape(panel.caption)}</p>' if panel.caption else ""
    return (
        f'<section id="{panel.name}" class="panel"><h2>{escape(panel.title)}</h2><p>{escape(panel.lead)}</p>'
        f"{_legend(legends[0]) if shared else ''}{body}{''.join(tables)}{caption}{_sources(panel.sources)}</section>"
    )


def _sources(sources: tuple[str, ...]) -> str:
    if not sources:
        return ""
    lines = "".join(f"<li>{escape(source)}</li>" for source in sources)
    return f'<details class="caption"><summary>Sources</summary><ul class="plain">{lines}</ul></details>'


def _figure(drawing: Drawing, *, with_legend: bool) -> str:
    return (
        f"<figure>{_legend(drawing.legend) if with_legend else ''}"
        f'<div class="drawing" id="{drawing.name}" data-drawing="{drawing.name}" role="img" '
        f'aria-label="{escape(drawing.describes)}"></div></figure>'
    )


def _legend(entries: tuple[LegendEntry, ...]) -> str:
    swatches = "".join(f"<li>{_swatch(entry)}</li>" for entry in entries)
    return f'<ul class="legend">{swatches}</ul>' if swatches else ""


_DASHES = {"dash": "6 4", "dot": "2 3", "dashdot": "7 3 2 3"}

_SHAPES = {
    "point": '<circle cx="7" cy="6" r="4.5" fill="{c}"/>',
    "open": '<circle cx="7" cy="6" r="4" fill="none" stroke="{c}" stroke-width="1.6"/>',
    "diamond": '<path d="M7 0.5 12.5 6 7 11.5 1.5 6Z" fill="{c}"/>',
    "square": '<rect x="2.5" y="1.5" width="9" height="9" fill="{c}"/>',
    "star": '<path d="M7 0 8.8 4.1 13.3 4.5 9.9 7.4 10.9 11.8 7 9.5 3.1 11.8 4.1 7.4 0.7 4.5 5.2 4.1Z" fill="{c}"/>',
}


def _swatch(entry: LegendEntry) -> str:
    label = f"<span>{escape(entry.label)}</span>"
    if entry.kind == "ramp":
        name = f"ramp-{entry.colour[1:]}"
        bar = (
            f'<svg width="70" height="12" aria-hidden="true"><defs><linearGradient id="{name}">'
            f'<stop offset="0" stop-color="{entry.colour}"/><stop offset="1" stop-color="{entry.colour_end}"/>'
            f'</linearGradient></defs><rect width="70" height="8" y="2" rx="2" fill="url(#{name})"/></svg>'
        )
        return f"{label}{bar}<span>{escape(entry.label_end)}</span>"
    if entry.kind in _SHAPES:
        return (
            f'<svg width="14" height="12" aria-hidden="true">{_SHAPES[entry.kind].format(c=entry.colour)}</svg>{label}'
        )
    dash = f' stroke-dasharray="{_DASHES[entry.kind]}"' if entry.kind in _DASHES else ""
    return (
        f'<svg width="26" height="12" aria-hidden="true"><line x1="0" x2="26" y1="6" y2="6" stroke="{entry.colour}" '
        f'stroke-width="2.4"{dash}/></svg>{label}'
    )


def _table(table: Table) -> str:
    named = {"run": "id", "status": "status"}
    kinds = [named.get(c, "words" if i in table.words else "number") for i, c in enumerate(table.columns)]
    marks = [f' class="{kind}"' for kind in kinds]
    head = "".join(f"<th{mark}>{escape(column)}</th>" for column, mark in zip(table.columns, marks, strict=True))
    body = []
    for i, row in enumerate(table.rows):
        state = f' class="{escape(table.states[i])}"' if table.states else ""
        cells = "".join(f"<td{mark}>{escape(cell)}</td>" for cell, mark in zip(row, marks, strict=True))
        body.append(f"<tr{state}>{cells}</tr>")
    kind = "scroll" + (" tall" if table.tall else "") + (" plain" if table.plain else "")
    rows = "".join(body)
    heading = f'<p class="heading">{escape(table.heading)}</p>' if table.heading else ""
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'{heading}<div class="{kind}" tabindex="0">{whole}</div>'


def _absent_section(sentences: list[str]) -> str:
    if not sentences:
        return ""
    lines = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<section id="absent"><h2>Not shown</h2><ul class="plain absent">{lines}</ul></section>'


def _methods_section(cards: Iterable[Card]) -> str:
    body = "".join(_methods_card(card) for card in cards)
    lead = "<p>How these numbers came about.</p>"
    return f'<section id="methods"><h2>Methods</h2>{lead}<div class="cards columns">{body}</div></section>'


def _methods_card(card: Card) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in card.lines)
    table = ""
    if card.table:
        rows = Table(columns=card.table.columns, rows=card.table.rows, plain=True, heading=card.table.heading)
        table = _table(rows)
    return f'<div class="card"><h3>{escape(card.heading)}</h3><ul class="plain">{items}</ul>{table}</div>'


def _footer(versions: Mapping[str, str]) -> str:
    made_by = escape(", ".join(f"{name} {version}" for name, version in versions.items()))
    return f"<footer>{made_by}. This file holds everything it shows and fetches nothing.</footer>"
