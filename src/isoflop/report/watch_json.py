"""A run under way as the object that `isoflop watch --json` prints."""

from __future__ import annotations

from isoflop.codec import JsonObject, fields_to_json, to_json
from isoflop.report.watch_words import headline
from isoflop.watch import Watched


def watch_json(found: Watched) -> JsonObject:
    """The fields of the answer, the answer in a sentence, and its warnings."""
    fields = {name: value for name, value in fields_to_json(found).items() if name != "notices"}
    return {**fields, "answer": headline(found), "warnings": to_json(found.notices)}
