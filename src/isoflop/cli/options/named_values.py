"""Options that name a value and state it: FIELD=COLUMN, RUN=N."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.errors import InputError


def parse_named(texts: Sequence[str], option: str, expected: str) -> dict[str, str]:
    """Returns {name: the text after its =}. Raises InputError for a text without = and for a repeated name."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise InputError(f"{option}: expected {expected}, got {text!r}")
        if name.strip() in found:
            raise InputError(f"{option} {text}: {name.strip()} is already set to {found[name.strip()]!r}")
        found[name.strip()] = value
    return found
