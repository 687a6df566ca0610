"""Checksums of a checkpoint's files, so that a bit flipped on the disk does not become a weight.

CRC-32 detects every single flipped bit and every burst of up to 32 bits, and costs a third of SHA-256 on a core without
instructions for that; against tampering a digest in the same folder would be of no use anyway. Each process writes
those of its own files, `digests-00000.json`; checkpoints of earlier versions have none and are read without a check.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

from isoflop.files import write_json_atomically
from isoflop.regular_files import open_regular

PIECE_BYTES = 16 * 2**20


def digest_of(data: bytes | memoryview) -> str:
    """CRC-32, 8 hex digits."""
    return f"{zlib.crc32(data):08x}"


def digest_of_file(path: Path) -> str:
    """CRC-32 of the regular file `path`, 8 hex digits. Raises OSError when it cannot be read."""
    crc = 0
    with open(open_regular(path, os.O_RDONLY), "rb") as file:
        while piece := file.read(PIECE_BYTES):
            crc = zlib.crc32(piece, crc)
    return f"{crc:08x}"


def write_digests(folder: Path, writer: str, digests: Mapping[str, str]) -> None:
    """Write {file: checksum} of the files that `writer`, a rank or `progress`, has written into `folder`.

    Raises InputError when the disk is full or read-only.
    """
    write_json_atomically(folder / f"digests-{writer}.json", dict(digests))


def check_digests(folder: Path, share: tuple[int, int]) -> None:
    """Check the files in `folder` against their checksums; of `share` = (rank, processes) every `processes`-th file.

    Raises ValueError for a file that differs or has no checksum, FileNotFoundError for a missing one, and OSError when
    one cannot be read.
    """
    lists = sorted(folder.glob("digests-*.json"))
    if not lists:
        return
    expected: dict[str, str] = {}
    for path in lists:
        value = json.loads(path.read_bytes())
        if not isinstance(value, dict) or not all(Path(name).name == name for name in value):
            raise ValueError(f"{path}: no checksums")
        expected |= value
    if bare := [path.name for path in folder.glob("*.safetensors") if path.name not in expected]:
        raise ValueError(f"{folder}: no checksum of {bare[0]}")
    # the processes share the work: each file is read once, not once a process
    rank, processes = share
    for name in sorted(expected)[rank::processes]:
        if digest_of_file(folder / name) != expected[name]:
            raise ValueError(f"{folder / name}: not what was written")
