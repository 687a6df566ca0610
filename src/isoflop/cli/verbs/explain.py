"""`isoflop explain`: the meaning of a warning or a refusal."""

from __future__ import annotations

import click

from isoflop.cli.options.verb import verb
from isoflop.cli.output.tables import print_facts
from isoflop.codes import codes_markdown, entries_of, without_links
from isoflop.errors import InputError

_KINDS = {"notice": "warning", "refusal": "refusal"}
_WEIGHTS = {
    "note": "note: it does not limit the answer",
    "care": "care: the answer stands with this reservation",
    "unsound": "unsound: do not use the answer, or the named part of it",
}


@verb("isoflop explain frontier_bends", "isoflop explain --markdown")
@click.argument("code", required=False)
@click.option("--markdown", is_flag=True, help="Print all codes as the page docs/codes.md.")
def command(code: str | None, markdown: bool) -> None:
    """Explain the CODE in brackets after a warning or a refusal, and what to do about it."""
    if (code is None) != markdown:
        raise InputError(
            "explain: expected the code in brackets after a warning, such as: isoflop explain extrapolation"
        )
    if code is None:
        click.echo(codes_markdown(), nl=False)
        return
    for entry in entries_of(code):
        weight = [("Weight", _WEIGHTS[entry.weight])] if entry.kind == "notice" else []
        false = [("False alarms", entry.false_alarms)] if entry.false_alarms else []
        facts = [("Meaning", entry.means), ("What to do", entry.remedy), *weight, *false]
        print_facts(
            [(label, without_links(text)) for label, text in facts], title=f"{entry.code}: {_KINDS[entry.kind]}"
        )
