"""Corpus: token files on disk, mapped into memory, and what corpus.json says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isoflop.corpus.info import CorpusInfo, read_info
from isoflop.corpus.token_files import TokenCheck, open_tokens
from isoflop.corpus.tokenizer import (
    END_OF_TEXT,
    OWN_FILE,
    TOKENIZER_FILE,
    BpeTokenizer,
    ByteTokenizer,
    Tokenizer,
    bpe_vocabulary,
    tokenizers_library,
)
from isoflop.errors import InputError, Notice
from isoflop.laws.repeated import FREE_EPOCHS, repeated_data
from isoflop.units import format_number, format_quantity, percent

_COUNTED_TOKENS = 2**20
_COPIED_BELOW = 0.9


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus ready for training."""

    directory: Path
    digest: str
    """SHA-256 over what decides the tokens: the token files and the tokenizer. RunSpec.corpus holds it."""
    vocab_size: int
    """Token ids, end-of-text included."""
    eot_id: int
    train: NDArray[np.unsignedinteger]
    """Training tokens: a read-only memory map, one-dimensional, uint16 or uint32."""
    train_bytes: int
    """UTF-8 bytes of training text; end-of-text counts none."""
    validation: Mapping[str, NDArray[np.unsignedinteger]]
    """Validation tokens of each domain, as `train`."""
    validation_bytes: Mapping[str, int]
    """UTF-8 bytes of validation text of each domain; bits per byte divides by tokens * bytes / all tokens of it."""
    info: CorpusInfo | None = None
    """The content of corpus.json; None for tokens that lie in no file."""
    check: TokenCheck | None = None
    """Holds the token files against their digests; None for tokens that lie in no file."""

    @property
    def train_tokens(self) -> int:
        """Training tokens, end-of-text included."""
        return len(self.train)

    @property
    def different_share(self) -> float:
        """Share of the training text that is new where it stands, 0 to 1; 1 where at most a tenth is not.

        A tenth are idioms, licences and the like. Corpora of earlier versions do not say: 1.
        """
        share = self.info.train.different_grams if self.info is not None else None
        return share if share is not None and 0 < share < _COPIED_BELOW else 1.0

    @property
    def free_tokens(self) -> float:
        """Tokens of the longest run that `check_epochs` lets pass: FREE_EPOCHS times those that are new."""
        return FREE_EPOCHS * self.train_tokens * self.different_share

    def validation_bytes_of(self, name: str, first: int, last: int) -> float:
        """UTF-8 bytes of text that the validation tokens first to last - 1 of a domain stand for.

        What its tokenizer says of each id, scaled so that all of the domain's ids give the bytes of its text: exact
        where tokens are bytes or pieces of them. Where no tokenizer is recorded, by the domain's mean rate. Raises
        InputError where the tokenizer cannot be read.
        """
        tokens, whole = self.validation[name], self.validation_bytes[name]
        if self.info is None:
            return whole * (last - first) / len(tokens)
        each = load_tokenizer(self.directory).bytes_of_ids()
        total = sum(int(each[tokens[at : at + _COUNTED_TOKENS]].sum()) for at in range(0, len(tokens), _COUNTED_TOKENS))
        return float(each[tokens[first:last]].sum()) * whole / max(1, total)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a user should know about this text, e.g. `unpinned`."""
        return self.info.notices if self.info is not None else ()


def load_corpus(directory: Path) -> Corpus:
    """The corpus that `build_corpus` wrote into `directory`; token files are mapped, not read.

    Raises InputError when a file is missing, shortened or of another version. `Corpus.check` reads them.
    """
    directory = Path(directory)
    info = read_info(directory)
    vocab_size = info.tokenizer.vocab_size
    train = open_tokens(directory, info.train, info.dtype)
    validation = {name: open_tokens(directory, row, info.dtype) for name, row in info.validation.items()}
    return Corpus(
        directory=directory,
        digest=info.digest,
        vocab_size=vocab_size,
        eot_id=info.tokenizer.eot_id,
        train=train.tokens,
        train_bytes=info.train.bytes,
        validation={name: part.tokens for name, part in validation.items()},
        validation_bytes={name: row.bytes for name, row in info.validation.items()},
        info=info,
        check=TokenCheck(train=train, validation=tuple(validation.values()), vocab_size=vocab_size),
    )


def load_tokenizer(directory: Path) -> Tokenizer:
    """The tokenizer of the corpus in `directory`: its tokenizer.json, or bytes when corpus.json says so.

    Raises InputError when corpus.json is missing or its BPE file is not the one the corpus was made with.
    """
    row = read_info(Path(directory)).tokenizer
    if row.name != OWN_FILE and bpe_vocabulary(row.name) is None:
        return ByteTokenizer()
    path = Path(directory) / TOKENIZER_FILE
    try:
        inner = tokenizers_library().Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; build the corpus again") from error
    tokenizer = BpeTokenizer(inner, row.name, row.end_of_text or END_OF_TEXT)
    if tokenizer.sha256 != row.sha256:
        raise InputError(f"{path}: not the tokenizer that this corpus was made with; build the corpus again")
    return tokenizer


def check_epochs(
    tokens_needed: float, train_tokens: int, *, allow: bool = False, different: float = 1.0
) -> list[Notice]:
    """Notices about a run of `tokens_needed` tokens on a corpus of `train_tokens`: `repeated_data` above one epoch.

    `different` is the share of the text that is new where it stands: what repeats inside the text counts as read again.
    Raises InputError above four epochs unless `allow`.

    >>> check_epochs(9e6, 10_000_000)
    []
    >>> check_epochs(15e6, 10_000_000)[0].code
    'repeated_data'
    """
    epochs = tokens_needed / (train_tokens * different)
    if epochs <= 1:
        return []
    message = (
        f"{format_quantity(tokens_needed)} tokens are {format_number(epochs, 2)} epochs of "
        f"{format_quantity(train_tokens)}"
    )
    if different < 1:
        message += f", of which {percent(different, 0)} are new"
    if epochs > FREE_EPOCHS and not allow:
        raise InputError(
            f"corpus: {message}; expected at most {format_number(FREE_EPOCHS)}. Give more text, spend less compute, "
            "or allow it with --allow-epochs"
        )
    return [repeated_data(message)]
