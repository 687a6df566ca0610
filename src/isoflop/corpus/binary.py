"""Files as streams of UTF-8 bytes: decompressed by their name, recoded by their byte order mark."""

from __future__ import annotations

import codecs
import gzip
import importlib
import io
import lzma
import zlib
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, cast

from isoflop.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

COMPRESSED = (".gz", ".xz", ".zst")
"""Endings of compressed files, after that of the text inside."""
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""What a compressed or unreadable file raises while it is read; OSError and its like for zstd too."""
_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_MAGIC = ((b"\x1f\x8b", "gzip", ".gz"), (b"\xfd7zXZ\x00", "xz", ".xz"), (b"\x28\xb5\x2f\xfd", "zstd", ".zst"))
_OTHER_MAGIC = ((b"%PDF", "a PDF"), (b"PK\x03\x04", "a zip archive or office document"), (b"BZh", "bzip2 data"),
                (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"), (b"PAR1", "a Parquet file"))  # fmt: skip
_BLOCK = 2**16
_ZSTD_BLOCK = 2**12  # repeated bytes compress 30,000 to one, and a decompressed block must fit into memory


class _Converted(io.RawIOBase):
    """A stream of the bytes of another, converted by `_more`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ready = b""

    @abstractmethod
    def _more(self) -> bytes:
        """The next converted bytes; empty at the end."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fills `buffer` with converted bytes; returns how many, 0 at the end."""
        self._ready = self._ready or self._more()
        target = memoryview(buffer).cast("B")
        part, self._ready = self._ready[: len(target)], self._ready[len(target) :]
        target[: len(part)] = part
        return len(part)

    def close(self) -> None:
        """Closes the file that is read too."""
        if not self.closed:
            self._file.close()
        super().close()


class _Recoded(_Converted):
    """The text of a stream in another encoding, as UTF-8 bytes. Raises UnicodeDecodeError where it is none."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        super().__init__(file)
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def _more(self) -> bytes:
        while data := self._file.read(_BLOCK):
            if text := self._decoder.decode(data):
                return text.encode()
        return self._decoder.decode(b"", final=True).encode()


def _zstd(path: Path) -> io.RawIOBase:
    """The decompressed bytes of a zstd file. Raises InputError where the package zstandard is missing."""
    try:
        zstandard = importlib.import_module("zstandard")
    except ModuleNotFoundError as error:
        raise InputError(f"{path}: zstd needs the package zstandard: pip install 'isoflop[corpus]'") from error
    return _Zstandard(zstandard, path)


class _Zstandard(_Converted):
    """All frames of a zstd file; raises OSError for other data and EOFError for a truncated file."""

    def __init__(self, library: ModuleType, path: Path) -> None:
        super().__init__(path.open("rb"))
        self._library = library
        self._frame = library.ZstdDecompressor(max_window_size=2**31).decompressobj()
        self._rest, self._begun = b"", False

    def _more(self) -> bytes:
        while data := self._rest or self._file.read(_ZSTD_BLOCK):
            if self._frame.eof:
                self._frame = self._library.ZstdDecompressor(max_window_size=2**31).decompressobj()
            self._begun = True
            try:
                plain: bytes = self._frame.decompress(data)
            except self._library.ZstdError as error:
                raise OSError(f"not zstd data that can be read ({error})") from error
            self._rest = self._frame.unused_data if self._frame.eof else b""
            if plain:
                return plain
        if self._begun and not self._frame.eof:
            raise EOFError("the zstd data end within a frame")
        return b""


_OPEN: dict[str, Callable[[Path], io.RawIOBase | io.BufferedIOBase]] = {
    ".gz": gzip.GzipFile,
    ".xz": lzma.LZMAFile,
    ".zst": _zstd,
}


def open_utf8(path: Path) -> io.BufferedReader:
    """The bytes of a file, decompressed where its name ends so, UTF-16 and UTF-32 with their mark recoded as UTF-8.

    Raises OSError where it cannot be opened, InputError where the library for it is missing.
    """
    opener = _OPEN.get(path.suffix.lower())
    raw = path.open("rb", buffering=0) if opener is None else opener(path)
    file = io.BufferedReader(cast(io.RawIOBase, raw), 2**18)  # takes what has readinto
    head = file.peek(4)[:4]
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if encoding is not None:
        file = io.BufferedReader(cast(io.RawIOBase, _Recoded(file, encoding)), 2**18)
    return cast(io.BufferedReader, file)


def what_to_do(path: Path, head: bytes) -> str:
    """Advice about a file that is no UTF-8 text, by its first bytes."""
    for magic, name, suffix in _MAGIC:
        if head.startswith(magic):
            return f"it holds {name} data: rename it to {path.name}{suffix}, or leave it out"
    for magic, name in _OTHER_MAGIC:
        if head.startswith(magic):
            return f"it is {name}: convert it to text, or leave it out"
    odd, even = head[1::2].count(0), head[::2].count(0)
    if max(odd, even) > len(head) / 8 > 4 * min(odd, even):
        order = "LE" if odd > even else "BE"
        return f"it looks like UTF-16 without its mark: convert it, e.g. `iconv -f UTF-16{order} -t UTF-8`"
    if 0 in head:
        return "it looks like binary data: leave it out"
    high = sum(byte > 127 for byte in head)
    # few high bytes are accents of a Latin script; many are a script of its own
    western = ", WINDOWS-1252 where it is Western European" if high < len(head) / 8 else ""
    return (
        f"convert it from the encoding that it was written in, `iconv -f ENCODING -t UTF-8`{western}, or leave it out"
    )
