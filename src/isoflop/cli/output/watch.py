"""Printing of a run under way: the verdict, then the facts and the methods; of one that is followed, its changes."""

from __future__ import annotations

import json

import click

from isoflop.cli.output.tables import print_facts, print_notices, print_table, print_text, say
from isoflop.errors import Notice
from isoflop.report.watch_json import watch_json
from isoflop.report.watch_tables import ending_table, method_table, watch_facts
from isoflop.report.watch_words import change_line, headline
from isoflop.study.watch_following import WatchAnswer
from isoflop.units import percent


def print_watched(answer: WatchAnswer) -> None:
    """Prints the whole answer."""
    print_text(headline(answer.found))
    click.echo()
    print_facts([(fact.label, fact.value) for fact in watch_facts(answer.found, answer.context.sealed)])
    for table in (method_table(answer.found), ending_table(answer.found)):
        if table is not None:
            click.echo()
            print_table(table.columns, table.rows, title=table.heading, text=(0,), wrap=(0,))


class Changes:
    """Prints of a run that is followed what differs from what was printed before."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._shown: tuple[object, ...] | None = None
        self._notices: set[Notice] = set()

    def show(self, answer: WatchAnswer) -> None:
        """Prints the first answer whole, and of later ones a line where a reader would see a difference.

        JSON is one object a line.
        """
        found = answer.found
        seen = (percent(found.share, 0), found.verdict, found.final, answer.run.failure)
        if seen != self._shown:
            if self._as_json:
                click.echo(json.dumps(watch_json(found), sort_keys=True, allow_nan=False))
            elif self._shown is None:
                print_watched(answer)
            else:
                say(change_line(found))
            self._shown = seen
        # a notice is said when it is new, or when its numbers say more: a second restart, and not a longer log
        new = [notice for notice in found.notices if notice not in self._notices]
        known = {notice.code for notice in self._notices}
        print_notices(notice for notice in new if notice.code not in known or notice.code == "restarted")
        self._notices.update(new)
