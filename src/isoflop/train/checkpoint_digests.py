"""Checksums of a checkpoint's files, so that a bit that flipped on the disk is no weight of a run.

CRC-32 finds every flipped bit and every burst of up to 32, and costs a third of SHA-256 on a core without instructions
for that; nobody could trust a digest beside its file against somebody who means harm. Each process writes those of its
own files, `digests-00000.json`; checkpoints of earlier versions have none and are read as they are.
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
    """CRC-32 of the regular file `path`, 8 hex digits. Raises OSError when the disk does not give it."""
    found = 0
    with open(open_regular(path, os.O_RDONLY), "rb") as file:
        while piece := file.read(PIECE_BYTES):
            found = zlib.crc32(piece, found)
    return f"{found:08x}"


def write_digests(folder: Path, whose: str, digests: Mapping[str, str]) -> None:
    """Writes {file: checksum} of the files that `whose` wrote into `folder`: a process's number, or `progress`.

    Raises InputError when the disk does not take it.
    """
    write_json_atomically(folder / f"digests-{whose}.json", dict(digests))


def check_digests(folder: Path, share: tuple[int, int]) -> None:
    """Holds the files in `folder` against their checksums; of `share` = (number, processes) every so many-th file.

    Raises ValueError where one is not what was written, FileNotFoundError where one is missing, and OSError when the
    disk does not give it.
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
    number, processes = share
    for name in sorted(expected)[number::processes]:
        if digest_of_file(folder / name) != expected[name]:
            raise ValueError(f"{folder / name}: not what was written")
