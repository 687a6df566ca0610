"""corpus.json: read, and held to what it may say: it may be somebody else's, and decides what memory is read as."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isoflop.corpus.token_files import BLOCK_BYTES, DTYPES
from isoflop.corpus.tokenizer import token_dtype
from isoflop.errors import InputError
from isoflop.json_values import json_value
from isoflop.regular_files import read_regular

SCHEMA = 1
"""Version of corpus.json and of the token files beside it."""
INFO_FILE = "corpus.json"
_SHA256, _CRC32 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{8}")
_LARGEST_VOCABULARY = 2**32


def read_info(directory: Path) -> dict[str, Any]:
    """corpus.json of `directory` as a dict. Raises InputError when missing, broken or of another version."""
    path = directory / INFO_FILE
    try:
        info = json_value(read_regular(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no corpus here; build it with `isoflop corpus`") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); delete the folder and build the corpus again") from error
    if not isinstance(info, dict) or info.get("schema") != SCHEMA:
        found = info.get("schema") if isinstance(info, dict) else type(info).__name__
        raise InputError(f"{path}: expected schema {SCHEMA}, got {found!r}; delete the folder and build it again")
    if problems := _problems(info):
        what = f"{path}: not what isoflop writes there; delete the folder and build the corpus again"
        raise InputError.gathered(what, problems)
    return info


def corpus_digest(
    train: Mapping[str, Any], validation: Mapping[str, Mapping[str, Any]], tokenizer_sha256: str, vocab_size: int
) -> str:
    """SHA-256 over what decides the tokens, from the rows of corpus.json: 64 hex digits."""
    decides = {
        "schema": SCHEMA,
        "train": train["sha256"],
        "validation": {domain: row["sha256"] for domain, row in validation.items()},
        "tokenizer": tokenizer_sha256,
        "vocab_size": vocab_size,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _problems(info: Mapping[str, Any]) -> list[str]:
    wanted = ("digest", "dtype", "notices", "tokenizer", "train", "validation")
    if missing := [f"{name!r} is missing" for name in wanted if name not in info]:
        return missing
    problems = _tokenizer_problems(info["tokenizer"])
    if info["dtype"] not in DTYPES:
        problems.append(f"dtype: expected one of {', '.join(DTYPES)}, got {info['dtype']!r}")
    elif not problems and token_dtype(info["tokenizer"]["vocab_size"]).str != info["dtype"]:
        problems.append(f"dtype: {info['dtype']} is not that of a vocabulary of {info['tokenizer']['vocab_size']}")
    validation = info["validation"]
    if not isinstance(validation, dict) or not validation:
        return [*problems, f"validation: expected an object with a domain at least, got {str(validation)[:80]}"]
    rows = {"train": info["train"], **{f"validation.{name}": row for name, row in validation.items()}}
    for name, row in rows.items():
        problems += [f"{name}.{problem}" for problem in _row_problems(row, str(info["dtype"]))]
    notices = info["notices"]
    if not isinstance(notices, list) or not all(_is_notice(notice) for notice in notices):
        problems.append("notices: expected a list of objects with a code and a message")
    if not problems:
        told = info["tokenizer"]
        if info["digest"] != corpus_digest(info["train"], validation, told["sha256"], told["vocab_size"]):
            problems.append("digest: not that of the files and the tokenizer that it names")
    return problems


def _tokenizer_problems(told: Any) -> list[str]:
    if not isinstance(told, dict):
        return [f"tokenizer: expected an object, got {str(told)[:80]}"]
    if missing := [f"tokenizer: {n!r} is missing" for n in ("name", "sha256", "vocab_size", "eot_id") if n not in told]:
        return missing
    vocabulary = told["vocab_size"]
    if not (_is_count(vocabulary) and 2 <= vocabulary <= _LARGEST_VOCABULARY):
        return [f"tokenizer.vocab_size: expected a number of ids, got {str(vocabulary)[:80]}"]
    problems = [] if isinstance(told["name"], str) else ["tokenizer.name: expected text"]
    if not isinstance(told["sha256"], str):
        problems.append("tokenizer.sha256: expected text")
    if not (_is_count(told["eot_id"]) and told["eot_id"] < vocabulary):
        problems.append(f"tokenizer.eot_id: expected an id below {vocabulary}, got {str(told['eot_id'])[:80]}")
    return problems


def _row_problems(row: Any, dtype: str) -> list[str]:
    """What is wrong with the row of a token file."""
    if not isinstance(row, dict):
        return [f"row: expected an object, got {str(row)[:80]}"]
    if missing := [f"{name}: missing" for name in ("file", "sha256", "tokens", "bytes") if name not in row]:
        return missing
    problems = []
    file = row["file"]
    if not isinstance(file, str) or not file or Path(file).name != file or file.startswith(".") or "\0" in file:
        problems.append(f"file: expected the name of a file in the folder of the corpus, got {str(file)[:80]!r}")
    if not isinstance(row["sha256"], str) or not _SHA256.fullmatch(row["sha256"]):
        problems.append(f"sha256: expected 64 hex digits, got {str(row['sha256'])[:80]!r}")
    if not (_is_count(row["tokens"]) and row["tokens"]):
        problems.append(f"tokens: expected a whole number of at least 1, got {str(row['tokens'])[:80]}")
    if not _is_count(row["bytes"]):
        problems.append(f"bytes: expected a whole number, got {str(row['bytes'])[:80]}")
    if problems or "blocks" not in row:
        return problems
    blocks, count = row["blocks"], -(-row["tokens"] * int(dtype[-1:]) // BLOCK_BYTES) if dtype in DTYPES else 0
    sound = isinstance(blocks, list) and len(blocks) == count
    if not sound or not all(isinstance(block, str) and _CRC32.fullmatch(block) for block in blocks):
        problems.append(f"blocks: expected {count} checksums of 8 hex digits")
    return problems


def _is_notice(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in ("code", "message"))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
