"""External sorting: records in files, distributed to buckets by key, each bucket sorted in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]
"""A structured array, (records,); sorted ones have a field `key`. NumPy has no types for its fields."""

BUCKETS = 256
"""Memory holds one bucket at a time: 16 bytes for each of the lines of 1 TB of text are 800 MB in each of them."""
_FLUSHED_AT = 2**17  # records that wait in memory: few enough for many tables at once, 512 for each bucket's file


class RecordFile:
    """Records in a file, read back in the order in which they were added."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self._path = path
        self._dtype = dtype
        self._waiting: list[Records] = []
        self._waiting_count = 0
        self.count = 0
        """Records added so far."""

    def add(self, records: Records) -> None:
        """Append records."""
        self._waiting.append(records)
        self._waiting_count += len(records)
        self.count += len(records)
        if self._waiting_count >= _FLUSHED_AT:
            with self._path.open("ab") as file:
                for part in self._waiting:
                    part.tofile(file)
            self._waiting, self._waiting_count = [], 0

    def __iter__(self) -> Iterator[Records]:
        """All of them in order, some at a time."""
        if self._path.exists():
            with self._path.open("rb") as file:
                while len(part := np.fromfile(file, dtype=self._dtype, count=_FLUSHED_AT)):
                    yield part
        yield from list(self._waiting)


class Buckets:
    """Records that are read back in the order of their `key`; those of one key in the order in which they were added.

    Keys are spread evenly over 0 to `span`, as hashes and numbers are: each interval of keys is a bucket with a file of
    its own. Few records stay in memory, as one bucket.
    """

    def __init__(self, folder: Path, name: str, dtype: np.dtype[Any], span: int = 2**64) -> None:
        self._folder, self._name, self._dtype = folder, name, dtype
        self._width = np.uint64(max(1, -(-span // BUCKETS)))
        self._waiting: list[Records] = []
        self._waiting_count = 0
        self._on_disk = False

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{self._name}.{bucket:03d}"

    def add(self, records: Records) -> None:
        """Add records."""
        self._waiting.append(records)
        self._waiting_count += len(records)
        if self._waiting_count >= _FLUSHED_AT:
            self._distribute()

    def _distribute(self) -> None:
        records = np.concatenate(self._waiting)
        self._waiting, self._waiting_count, self._on_disk = [], 0, True
        bucket = (records["key"] // self._width).astype(np.uint8)
        records = records[np.argsort(bucket, kind="stable")]
        ends = np.cumsum(np.bincount(bucket, minlength=BUCKETS)).tolist()
        for number, (first, last) in enumerate(zip([0, *ends], ends, strict=False)):
            if last > first:
                with self._path(number).open("ab") as file:
                    records[first:last].tofile(file)

    def in_order(self) -> Iterator[Records]:
        """Every record, sorted, a bucket at a time."""
        if not self._on_disk:
            if self._waiting:
                yield _sorted(np.concatenate(self._waiting))
            return
        if self._waiting:
            self._distribute()
        for number in range(BUCKETS):
            path = self._path(number)
            if path.exists():
                yield _sorted(np.fromfile(path, dtype=self._dtype))

    def clear(self) -> None:
        """Delete all records, on the disk too."""
        self._waiting, self._waiting_count, self._on_disk = [], 0, False
        for number in range(BUCKETS):
            self._path(number).unlink(missing_ok=True)


def _sorted(records: Records) -> Records:
    return records[np.argsort(records["key"], kind="stable")]
