"""Documents of a `.json` file: an array of records, an object that holds such an array, or records in a sequence.

It is read value by value, so that memory does not grow with the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from isoflop.codec import Json
from isoflop.corpus.binary import BROKEN, open_utf8
from isoflop.corpus.documents import ReadingLog
from isoflop.corpus.read import USUAL, Layout, RecordTexts

_BLOCK_CHARACTERS = 2**20
_LONGEST_VALUE = 2**26
_BETWEEN = re.compile(r"[\s,]*")
_SPACE = re.compile(r"\s*")


class _Values:
    """The values of a JSON text: the elements of an array, or values in a sequence. Raises ValueError."""

    def __init__(self, file: TextIOWrapper) -> None:
        self._file = file
        self._text, self._at, self._ended = "", 0, False
        self._decoder = json.JSONDecoder()

    def _more(self) -> bool:
        read = self._file.read(_BLOCK_CHARACTERS)
        self._text, self._at = self._text[self._at :] + read, 0
        self._ended = not read
        return bool(read)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """The next character that is none of `pattern`; empty at the end."""
        while True:
            match = pattern.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def __iter__(self) -> Iterator[Json]:
        array = self._skip(_SPACE) == "["
        self._at += array
        while (following := self._skip(_BETWEEN)) and following != "]":
            yield self._value()
        if array and not following:
            raise ValueError("the array does not end: the file is cut short")
        self._at += array
        if self._skip(_SPACE):
            raise ValueError("there is more text after the array")

    def _value(self) -> Json:
        while True:
            try:
                value: Json
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended or len(self._text) - self._at > _LONGEST_VALUE:
                    raise ValueError(f"not JSON ({error.msg})") from error
            except RecursionError as error:
                raise ValueError("not JSON that can be read (nested too deeply)") from error
            else:
                # a number may continue in the next block
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            self._double()

    def _double(self) -> None:
        """Double the text that is read: each attempt parses a value from its start, so blocks must grow."""
        for _ in range(max(1, (len(self._text) - self._at) // _BLOCK_CHARACTERS)):
            if not self._more():
                return


def _records(value: Json) -> list[Json]:
    """A record, or the records of the one list of objects that an object like {"data": [...]} holds."""
    if isinstance(value, dict):
        lists = [part for part in value.values() if isinstance(part, list) and part and isinstance(part[0], dict)]
        strings = [part for part in value.values() if isinstance(part, str)]
        if len(lists) == 1 and not strings:
            first = lists[0][0]
            # a list of turns is one conversation
            if isinstance(first, dict) and not {"role", "from"} & first.keys():
                return lists[0]
    return [value]


def read_json(path: Path, log: ReadingLog, layout: Layout = USUAL) -> Iterator[str]:
    """The texts of a JSON file's records, one document each."""
    number = 0
    texts = RecordTexts(path, log, layout, "fix or delete the record")
    try:
        with TextIOWrapper(open_utf8(path), encoding="utf-8-sig") as file:
            for value in _Values(file):
                for record in _records(value):
                    number += 1
                    yield from texts.of(record, f"record {number}")
    except BROKEN as error:
        log.problem(f"{path} after record {number}: {error}; fetch the file again or leave it out")
    except UnicodeDecodeError as error:
        log.problem(
            f"{path} after record {number}: expected UTF-8 ({error.reason}); write it as UTF-8, or leave it out"
        )
    except ValueError as error:
        log.problem(f"{path} after record {number}: {error}; fix the file or leave it out")
    texts.done()
