"""The plain scalars of a YAML file, by dotted name: `optim:` and, deeper, `lr: 0.1` are `optim.lr`.

Trackers write flat files with YAML. Lists, tags (`!!python/object`), anchors, references to them and text over several
lines are passed over, so that a file can neither make an object nor grow.
"""

from __future__ import annotations

import re
from pathlib import Path

from isoflop.errors import InputError
from isoflop.logs.run import Setting
from isoflop.logs.settings import setting_in
from isoflop.regular_files import read_regular

_LINE = re.compile(r"( *)([^\s#\[\]{}&*!|>%@`'\",-][^:#]*|'[^']+'|\"[^\"]+\"):(?: +(.*?))?\s*")
_NOT_PLAIN = ("&", "*", "!", "|", ">", "[", "{", "%", "@", "`")
_MOST_BYTES = 4 << 20
_MOST_SETTINGS = 2000


def plain_scalars(file: Path) -> dict[str, Setting]:
    """Returns {dotted name: value} of the scalars in `file`. Raises InputError where it cannot be read."""
    try:
        text = read_regular(file)[:_MOST_BYTES].decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    found: dict[str, Setting] = {}
    parents: list[tuple[int, str]] = []
    hidden: int | None = None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        if not line.strip() or (hidden is not None and indent > hidden):
            continue
        hidden = None
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        name, value = match[2].strip(" '\""), (match[3] or "").strip()
        while parents and parents[-1][0] >= indent:
            parents.pop()
        if value.startswith(_NOT_PLAIN):
            hidden = indent  # what belongs to it lies deeper
        elif not value or value.startswith("#"):
            parents.append((indent, name))
        else:
            found[".".join([*(parent for _, parent in parents), name])] = setting_in(_without_comment(value))
        if len(found) >= _MOST_SETTINGS:
            break
    return found


def _without_comment(value: str) -> str:
    return value if value[0] in "'\"" else value.partition(" #")[0]
