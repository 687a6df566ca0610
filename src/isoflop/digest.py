"""Digests of JSON files: what shows that a file was changed after it was written.

A file carries the digest of its own content under `digest`. It shows accidents and second thoughts; whoever means to
deceive can write another one, so that important digests are recorded elsewhere too (the forecast names that of its fit,
the run that of its forecast, `isoflop seal --to` that of the forecast where a third party looks).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from isoflop.codec import Json, from_json
from isoflop.errors import InputError
from isoflop.files import read_json, write_json_atomically

T = TypeVar("T")
KEY = "digest"


def digest_of_json(body: Mapping[str, object]) -> str:
    """SHA-256 of `body`, whose keys are text, in canonical JSON; its own digest, if it has one, is left out."""
    content = {key: part for key, part in body.items() if key != KEY}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def with_digest(body: Mapping[str, object]) -> dict[str, object]:
    """`body`, whose keys are text, with its digest."""
    return {**body, KEY: digest_of_json(body)}


def write_with_digest(path: Path, body: Mapping[str, object]) -> None:
    """Writes `body` with its digest, as `write_json_atomically` does."""
    # a file gives back text for keys that are numbers, and sorts them as text
    write_json_atomically(path, with_digest(json.loads(json.dumps(body, allow_nan=False))))


def check_digest(path: Path, value: object) -> None:
    """Raises InputError where `value`, read from `path`, carries a digest that is not its own.

    Files of earlier versions carry none, and are taken as they are.
    """
    if not isinstance(value, dict) or KEY not in value:
        return
    try:
        own = digest_of_json(value)
    except (ValueError, RecursionError):  # NaN, or nested too deep: nothing that was written here
        own = ""
    if value[KEY] != own:
        raise InputError(
            f"{path}: changed after it was written (its digest does not fit); restore it from a backup, or delete it "
            "and it will be rebuilt"
        )


def read_with_digest(path: Path) -> Json:
    """The JSON value in `path`, without its digest.

    Raises InputError where it is missing, not JSON, or was changed after it was written.
    """
    value = read_json(path)
    check_digest(path, value)
    return {key: part for key, part in value.items() if key != KEY} if isinstance(value, dict) else value


def digest_of_json_file(path: Path) -> str:
    """The digest of the JSON object in `path`. Raises InputError where it is missing, or holds none."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object; restore it from a backup, or delete it and build it again")
    return digest_of_json(value)


def read_value(kind: type[T], path: Path) -> T:
    """The value of type `kind` in the JSON file at `path`.

    Raises InputError as `read_with_digest` does, and one that lists what is missing, of another type or out of range.
    """
    what = f"{path}: not as isoflop writes it; restore it, or delete it to have it made again"
    return from_json(kind, read_with_digest(path), what)
