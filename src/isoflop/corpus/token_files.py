"""Token files: mapped into memory, and verified against the digests in corpus.json.

A bit that flips on a disk changes a loss silently. A file is read whole where that is cheap; of a large one some blocks
are read before a run, and after it as many as its duration allows.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from isoflop.errors import InputError
from isoflop.regular_files import open_regular

BLOCK_BYTES = 16 * 2**20
"""Size of a block with a checksum of its own: a file of 1 GiB has 64."""
CHEAP_BYTES = 256 * 2**20
"""Bytes of the training tokens that are read before a run; a file up to this size is read whole. Half a second of
SHA-256 on a core without instructions for it (.54 GB/s measured)."""
END_SECONDS, END_SHARE = 10.0, 0.05
"""Time that reading after a run may take: so many seconds, or this share of the training time, if that is longer."""
REST = 20.0
"""A file is not read whole again before so many times the duration of that has passed."""


class TokenDigest:
    """The digests of a token file that is being written: SHA-256 of the whole, CRC-32 of each block."""

    def __init__(self) -> None:
        self._whole, self._blocks = hashlib.sha256(), [0]
        self._filled = 0

    def update(self, data: bytes) -> None:
        """Takes the next bytes of the file."""
        self._whole.update(data)
        left = memoryview(data)
        while left:
            if self._filled == BLOCK_BYTES:
                self._blocks.append(0)
                self._filled = 0
            part = left[: BLOCK_BYTES - self._filled]
            self._blocks[-1] = zlib.crc32(part, self._blocks[-1])
            self._filled += len(part)
            left = left[len(part) :]

    @property
    def sha256(self) -> str:
        """Of all bytes so far, 64 hex digits."""
        return self._whole.hexdigest()

    @property
    def blocks(self) -> tuple[str, ...]:
        """CRC-32 of each block so far, 8 hex digits."""
        return tuple(f"{block:08x}" for block in self._blocks)


@dataclass(frozen=True, kw_only=True)
class TokenFileRow:
    """What corpus.json says of a token file."""

    json_if_set: ClassVar = ("blocks", "documents")

    file: str
    """Its name in the folder of the corpus."""
    sha256: str
    """SHA-256 of its bytes, 64 hex digits."""
    blocks: tuple[str, ...] | None = None
    """CRC-32 of each block of BLOCK_BYTES, 8 hex digits; None in a corpus of an earlier version."""
    tokens: Annotated[int, Ge(1)]
    """Token ids, end-of-text included."""
    bytes: Annotated[int, Ge(0)]
    """UTF-8 bytes of its text."""
    documents: int | None = None
    """Documents that the text consists of."""


@dataclass(frozen=True, kw_only=True)
class TokenFile:
    """A token file in memory, with its digests in corpus.json."""

    path: Path
    tokens: NDArray[np.unsignedinteger]
    """A read-only memory map, one-dimensional."""
    sha256: str
    blocks: Sequence[str]
    """CRC-32 of each block of BLOCK_BYTES, 8 hex digits; empty in a corpus of an earlier version."""

    def check_whole(self, vocab_size: int) -> None:
        """Raises InputError if the bytes differ from those that were written, or hold ids beyond the vocabulary."""
        digest, largest = hashlib.sha256(), 0
        for block in self._pieces():
            digest.update(block.data)
            largest = max(largest, int(block.max()))
        if digest.hexdigest() != self.sha256:
            raise _changed(self.path)
        if largest >= vocab_size:
            raise InputError(
                f"{self.path}: token id {largest}, and the vocabulary has {vocab_size}; delete the folder and build "
                "the corpus again"
            )

    def check_some(self, numbers: Sequence[int], seconds: float = float("inf")) -> None:
        """Raises InputError if one of the blocks `numbers` differs from what was written; ends after `seconds`."""
        begun, pieces = time.monotonic(), self._pieces()
        for number in numbers:
            if f"{zlib.crc32(pieces[number].data):08x}" != self.blocks[number]:
                raise _changed(self.path)
            if time.monotonic() - begun > seconds:
                return

    def _pieces(self) -> list[NDArray[np.unsignedinteger]]:
        size = BLOCK_BYTES // self.tokens.itemsize
        flat = np.asarray(self.tokens)
        return [flat[start : start + size] for start in range(0, len(flat), size)]


def _changed(path: Path) -> InputError:
    return InputError(
        f"{path}: its bytes are not those that were written (a damaged disk, or an edit); delete the folder "
        f"{path.parent} and run the same command again, which builds the corpus again from its text"
    )


@dataclass
class TokenCheck:
    """Verifies the token files of a corpus against their digests, at the start and at the end of runs."""

    train: TokenFile
    validation: Sequence[TokenFile]
    vocab_size: int
    _started: bool = field(default=False, init=False)
    _whole_at: float = field(default=float("-inf"), init=False)
    """When the training tokens were last read whole, on the monotonic clock."""
    _whole_took: float = field(default=0.0, init=False)
    _rate: float = field(default=0.0, init=False)
    """Bytes per second of SHA-256 on this machine."""

    def at_start(self) -> None:
        """Verify the validation tokens whole, the training tokens whole where cheap, else some blocks; once a process.

        Raises InputError for a file that is not what was written.
        """
        if self._started:
            return
        for part in self.validation:
            part.check_whole(self.vocab_size)
        if self.train.tokens.nbytes <= CHEAP_BYTES:
            self._read_whole()
        elif self.train.blocks:
            count = len(self.train.blocks)
            drawn = random.SystemRandom().sample(range(count), min(count, CHEAP_BYTES // BLOCK_BYTES))
            self.train.check_some(drawn)
        self._started = True

    def at_end(self, trained_seconds: float) -> None:
        """Verify as much of the training tokens as the duration of the training allows, up to the whole.

        Raises InputError for a file that is not what was written.
        """
        allowed = max(END_SECONDS, END_SHARE * trained_seconds)
        if time.monotonic() - self._whole_at < REST * self._whole_took:
            return
        if self.train.tokens.nbytes <= allowed * (self._rate or _sha256_rate()):
            self._read_whole()
        elif self.train.blocks:
            drawn = list(range(len(self.train.blocks)))
            random.SystemRandom().shuffle(drawn)
            self.train.check_some(drawn, allowed)

    def _read_whole(self) -> None:
        begun = time.monotonic()
        self.train.check_whole(self.vocab_size)
        self._whole_at = time.monotonic()
        self._whole_took = self._whole_at - begun
        self._rate = self.train.tokens.nbytes / max(self._whole_took, 1e-3)


def _sha256_rate() -> float:
    """Bytes per second of SHA-256 on this machine."""
    data = bytes(2**22)
    begun = time.perf_counter()
    hashlib.sha256(data)
    return len(data) / (time.perf_counter() - begun)


def open_tokens(directory: Path, row: TokenFileRow, dtype: str) -> TokenFile:
    """The token file of a row of a checked corpus.json; mapped, not read.

    Raises InputError when it is missing, shortened, or no file in the folder.
    """
    path = directory / row.file
    expected = row.tokens * np.dtype(dtype).itemsize
    try:
        with open(open_regular(path, os.O_RDONLY), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != expected:
                raise InputError(f"{path}: expected {expected} bytes, got {size}; delete the folder and build it again")
            tokens = np.memmap(file, dtype=dtype, mode="r")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; delete the folder and build the corpus again") from error
    return TokenFile(path=path, tokens=tokens, sha256=row.sha256, blocks=row.blocks or ())
