"""Corpus: token files on disk, mapped into memory, and what corpus.json says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from isoflop.corpus.info import read_info
from isoflop.corpus.token_files import TokenCheck, open_tokens
from isoflop.errors import Notice


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus ready for training."""

    directory: Path
    digest: str
    """SHA-256 over what decides the tokens: the token files and the tokenizer. RunSpec.corpus holds it."""
    vocab_size: int
    """Token ids, end-of-text included."""
    eot_id: int
    train: NDArray[Any]
    """Training tokens: a read-only memory map, one-dimensional, uint16 or uint32."""
    train_bytes: int
    """UTF-8 bytes of training text; end-of-text counts none."""
    validation: Mapping[str, NDArray[Any]]
    """Validation tokens of each domain, as `train`."""
    validation_bytes: Mapping[str, int]
    """UTF-8 bytes of validation text of each domain; bits per byte divides by tokens * bytes / all tokens of it."""
    info: Mapping[str, Any]
    """The whole of corpus.json."""
    check: TokenCheck | None = None
    """Holds the token files against their digests; None for tokens that lie in no file."""

    @property
    def train_tokens(self) -> int:
        """Training tokens, end-of-text included."""
        return len(self.train)

    @property
    def notices(self) -> list[Notice]:
        """What a person should know about this text, e.g. `unpinned`."""
        return [Notice(code=n["code"], message=n["message"]) for n in self.info["notices"]]


def load_corpus(directory: Path) -> Corpus:
    """The corpus that `build_corpus` wrote into `directory`; token files are mapped, not read.

    Raises InputError when a file is missing, shortened or of another version. `Corpus.check` reads them.
    """
    directory = Path(directory)
    info = read_info(directory)
    parts, dtype, vocab_size = info["validation"], info["dtype"], info["tokenizer"]["vocab_size"]
    train = open_tokens(directory, info["train"], dtype)
    validation = {name: open_tokens(directory, part, dtype) for name, part in parts.items()}
    return Corpus(
        directory=directory,
        digest=info["digest"],
        vocab_size=vocab_size,
        eot_id=info["tokenizer"]["eot_id"],
        train=train.tokens,
        train_bytes=info["train"]["bytes"],
        validation={name: part.tokens for name, part in validation.items()},
        validation_bytes={name: part["bytes"] for name, part in parts.items()},
        info=info,
        check=TokenCheck(train=train, validation=tuple(validation.values()), vocab_size=vocab_size),
    )
