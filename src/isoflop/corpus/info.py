"""corpus.json: what a corpus was built from, and what it holds.

It may come from somebody else and decides what memory is read as: it is checked before anything is opened.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le, MinLen

from isoflop.codec import from_json
from isoflop.corpus.token_files import BLOCK_BYTES, TokenFileRow
from isoflop.corpus.tokenizer import token_dtype
from isoflop.errors import InputError, Notice
from isoflop.json_values import json_value
from isoflop.regular_files import read_regular

SCHEMA = 1
"""Version of corpus.json and of the token files in the same folder."""
INFO_FILE = "corpus.json"
_SHA256, _CRC32 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{8}")
_LARGEST_VOCABULARY = 2**32

Count = Annotated[int, Ge(0)]


@dataclass(frozen=True, kw_only=True)
class TrainRow(TokenFileRow):
    """The token file of the training text."""

    different_grams: float | None = None
    """Share of the 13-grams of words that are distinct, 0 to 1; None where there are none, or in an older corpus."""


@dataclass(frozen=True, kw_only=True)
class ValidationRow(TokenFileRow):
    """The token file of the validation text of one domain."""

    seen_in_training: float | None = None
    """Share of the 13-grams of words that stand in the training text too, 0 to 1; None where there are none."""


@dataclass(frozen=True, kw_only=True)
class TokenizerRow:
    """The tokenizer of a corpus."""

    json_if_set: ClassVar = ("end_of_text",)

    name: str
    """`bytes`, `bpe:<vocabulary size asked for>` or `file`."""
    vocab_size: Annotated[int, Ge(2), Le(_LARGEST_VOCABULARY)]
    """Token ids, end-of-text included."""
    eot_id: Count
    """The id of end-of-text."""
    sha256: str
    """What identifies the tokenizer."""
    end_of_text: str | None = None
    """The token that ends a document; None for bytes, and for the usual one in an older corpus."""


@dataclass(frozen=True, kw_only=True)
class DomainRow:
    """What one domain contributed."""

    files: Count
    """Files that were read."""
    train_bytes: Count
    """UTF-8 bytes of its training text."""
    train_documents: Count
    """Documents in training."""


@dataclass(frozen=True, kw_only=True)
class DroppedText:
    """What of the text is not in the corpus."""

    duplicate_documents: Count = 0
    """Copies of whole documents."""
    duplicate_lines: Count = 0
    """Long lines that stand in an earlier document."""
    duplicate_line_bytes: Count = 0
    """Their UTF-8 bytes."""
    empty_documents: Count = 0
    """Documents without text."""


@dataclass(frozen=True, kw_only=True)
class CorpusInfo:
    """The content of corpus.json."""

    digest: str
    """SHA-256 over what decides the tokens, see `corpus_digest`: 64 hex digits."""
    dtype: Literal["<u2", "<u4"]
    """NumPy type of the token files."""
    train: TrainRow
    validation: Annotated[dict[str, ValidationRow], MinLen(1)]
    """{domain: its token file}."""
    tokenizer: TokenizerRow
    notices: tuple[Notice, ...]
    """What was found in the text."""
    kind: str = ""
    """Kind of the sources: english, python or text."""
    seed: int = 0
    """Seed of the order of the training documents."""
    val_fraction: float = 0.0
    """Share of documents for validation, 0 to 1."""
    weights: dict[str, float] = field(default_factory=dict)
    """{domain: its weight in the training text}; empty where all text was taken."""
    domains: dict[str, DomainRow] = field(default_factory=dict)
    """{domain: what it contributed}."""
    dropped: DroppedText = DroppedText()
    """What was left out."""
    duplicate_line_characters: int = 0
    """Length from which a line may not repeat."""
    gram_words: int = 0
    """Words in a gram, in which repeats are counted."""
    fingerprint: str = ""
    """SHA-256 over the sources and settings that it was built from."""
    built: float = 0.0
    """When, in Unix seconds."""
    schema: int = SCHEMA


def read_info(directory: Path) -> CorpusInfo:
    """corpus.json of `directory`. Raises InputError when it is missing, broken or of another version."""
    path = directory / INFO_FILE
    try:
        value = json_value(read_regular(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no corpus here; build it with `isoflop corpus`") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); delete the folder and build the corpus again") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        found = value.get("schema") if isinstance(value, dict) else type(value).__name__
        raise InputError(f"{path}: expected schema {SCHEMA}, got {found!r}; delete the folder and build it again")
    what = f"{path}: not what isoflop writes there; delete the folder and build the corpus again"
    info = from_json(CorpusInfo, value, what)
    if problems := _contradictions(info):
        raise InputError.gathered(what, problems)
    return info


def corpus_digest(
    train_sha256: str, validation_sha256: Mapping[str, str], tokenizer_sha256: str, vocab_size: int
) -> str:
    """SHA-256 over what decides the tokens, the token files and the tokenizer: 64 hex digits."""
    decides = {
        "schema": SCHEMA,
        "train": train_sha256,
        "validation": dict(validation_sha256),
        "tokenizer": tokenizer_sha256,
        "vocab_size": vocab_size,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _contradictions(info: CorpusInfo) -> list[str]:
    """What in corpus.json has the right type and still cannot be."""
    problems = []
    vocab_size = info.tokenizer.vocab_size
    if info.tokenizer.eot_id >= vocab_size:
        problems.append(f"tokenizer.eot_id: expected an id below {vocab_size}, got {info.tokenizer.eot_id}")
    if token_dtype(vocab_size).str != info.dtype:
        problems.append(f"dtype: {info.dtype} is not that of a vocabulary of {vocab_size}")
    rows = {"train": info.train, **{f"validation.{name}": row for name, row in info.validation.items()}}
    for name, row in rows.items():
        problems += [f"{name}.{problem}" for problem in _row_problems(row, int(info.dtype[-1:]))]
    if not problems:
        validation = {name: row.sha256 for name, row in info.validation.items()}
        if info.digest != corpus_digest(info.train.sha256, validation, info.tokenizer.sha256, vocab_size):
            problems.append("digest: not that of the files and the tokenizer that it names")
    return problems


def _row_problems(row: TokenFileRow, bytes_per_token: int) -> list[str]:
    """What is wrong with the row of a token file."""
    problems = []
    file = row.file
    # A name with a folder in it would have a file read from anywhere.
    if not file or Path(file).name != file or file.startswith(".") or "\0" in file:
        problems.append(f"file: expected the name of a file in the folder of the corpus, got {file[:80]!r}")
    if not _SHA256.fullmatch(row.sha256):
        problems.append(f"sha256: expected 64 hex digits, got {row.sha256[:80]!r}")
    count = -(-row.tokens * bytes_per_token // BLOCK_BYTES)
    if row.blocks is not None and (len(row.blocks) != count or not all(map(_CRC32.fullmatch, row.blocks))):
        problems.append(f"blocks: expected {count} checksums of 8 hex digits")
    return problems
