"""Where documents end inside a text: at a separator that a person names, such as `<|endoftext|>`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from isoflop.corpus.log import ReadingLog
from isoflop.errors import InputError

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "\\": "\\"}


def separator_of(written: str) -> str:
    r"""The separator as it stands in the text, from how it is typed: \n, \r, \t, \f and \\ are read as in Python.

    Raises InputError for an empty one.

    >>> separator_of(r"\n\n\n"), separator_of("<|endoftext|>")
    ('\n\n\n', '<|endoftext|>')
    """
    found = re.sub(r"\\([nrtf\\])", lambda match: _ESCAPES[match[1]], written)
    if not found:
        raise InputError("--document-separator: expected a text such as '<|endoftext|>', got an empty one")
    return found.replace("\r\n", "\n").replace("\r", "\n")


def separated(blocks: Iterable[str], separator: str, log: ReadingLog, longest: int) -> Iterator[str]:
    """The documents of a text that comes in `blocks`: it is cut at each `separator`, which belongs to none of them.

    Documents of more than `longest` characters come in several, cut at line ends, so that memory does not grow.
    """
    rest = ""
    for block in blocks:
        *whole, rest = (rest + block.replace("\r\n", "\n").replace("\r", "\n")).split(separator)
        log.separated += len(whole)
        yield from whole
        while len(rest) > longest:
            # the end may be the first half of a separator
            cut = rest.rfind("\n", 0, longest - len(separator)) + 1 or max(1, longest - len(separator))
            yield rest[:cut]
            rest = rest[cut:]
    yield rest
