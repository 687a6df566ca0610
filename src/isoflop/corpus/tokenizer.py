"""Tokenizers: bytes with one end-of-text token (the default), or those of the `tokenizers` library.

The latter are a byte-level BPE learned from the text, or a tokenizer.json of the user's own (tokenizer_file.py).

>>> ByteTokenizer().encode("é!"), ByteTokenizer().decode([195, 169, 33, 256])
([195, 169, 33], 'é!')
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import InputError

if TYPE_CHECKING:
    import tokenizers

TOKENIZER_FILE = "tokenizer.json"
END_OF_TEXT = "<|endoftext|>"
OWN_FILE = "file"
"""Name of a tokenizer that the user supplies as a file."""
_BYTE_FALLBACK = re.compile(r"<0x[0-9A-F]{2}>")  # how SentencePiece spells a byte that no piece holds
_SMALLEST_BPE = 257  # every byte and end-of-text


class Tokenizer(Protocol):
    """Text to token ids and back. Token files hold `vocab_size` different ids, `eot_id` after each document."""

    @property
    def name(self) -> str:
        """`bytes`, `bpe:<vocabulary size asked for>` or `file`."""

    @property
    def vocab_size(self) -> int:
        """Number of token ids, end-of-text included."""

    @property
    def eot_id(self) -> int:
        """The id of end-of-text."""

    @property
    def sha256(self) -> str:
        """What identifies the tokenizer in the digest of a corpus."""

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, without end-of-text. Never cuts or adds anything: decode gives `text` back."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`; end-of-text is left out, broken UTF-8 becomes U+FFFD."""

    def encode_documents(self, documents: Sequence[bytes]) -> NDArray[np.unsignedinteger]:
        """Ids of UTF-8 `documents`, each followed by end-of-text, in one array of the corpus's dtype."""

    def bytes_of_ids(self) -> NDArray[np.int64]:
        """UTF-8 bytes that each id stands for, as a vector of `vocab_size`; end-of-text for none."""

    def save(self, directory: Path) -> None:
        """Write what `load_tokenizer` needs besides corpus.json into `directory`."""


def token_dtype(vocab_size: int) -> np.dtype[Any]:
    """The smallest unsigned type of token files that holds every id: uint16 or uint32."""
    return np.dtype("<u2" if vocab_size <= 2**16 else "<u4")


class ByteTokenizer:
    """The 256 bytes of UTF-8 and end-of-text."""

    name = "bytes"
    vocab_size = 257
    eot_id = 256
    sha256 = hashlib.sha256(b"bytes+eot").hexdigest()

    def encode(self, text: str) -> list[int]:
        """The UTF-8 bytes of `text`."""
        return list(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids` without end-of-text."""
        return bytes(i for i in ids if i < self.eot_id).decode(errors="replace")

    def encode_documents(self, documents: Sequence[bytes]) -> NDArray[np.unsignedinteger]:
        """Bytes of all documents with 256 after each, uint16."""
        ids = np.frombuffer(b"\0".join([*documents, b""]), dtype=np.uint8).astype(token_dtype(self.vocab_size))
        ends = np.cumsum([len(document) + 1 for document in documents]) - 1
        ids[ends.astype(np.int64)] = self.eot_id
        return ids

    def bytes_of_ids(self) -> NDArray[np.int64]:
        """One byte each, none for end-of-text."""
        each = np.ones(self.vocab_size, dtype=np.int64)
        each[self.eot_id] = 0
        return each

    def save(self, directory: Path) -> None:
        """Nothing: bytes need no file."""


class BpeTokenizer:
    """A tokenizer of the tokenizers library. Raises InputError where its vocabulary lacks `end_of_text`."""

    def __init__(self, inner: tokenizers.Tokenizer, name: str, end_of_text: str = END_OF_TEXT) -> None:
        self._inner = inner
        # A document that spells out the special token gets its letters, not the token.
        self._inner.encode_special_tokens = True
        self.name = name
        self.vocab_size = max(inner.get_vocab(with_added_tokens=True).values()) + 1  # ids may have gaps
        self.end_of_text = end_of_text
        eot_id = inner.token_to_id(end_of_text)
        if eot_id is None:
            raise InputError(f"tokenizer: expected the end of text {end_of_text!r} in its vocabulary, got none such")
        self.eot_id = eot_id
        described = json.loads(inner.to_str())
        self._byte_level = (described.get("decoder") or {}).get("type") == "ByteLevel"
        canonical = json.dumps(described, sort_keys=True)
        self.sha256 = hashlib.sha256(canonical.encode()).hexdigest()

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`."""
        return list(self._inner.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids` without end-of-text."""
        return str(self._inner.decode([i for i in ids if i != self.eot_id], skip_special_tokens=False))

    def encode_documents(self, documents: Sequence[bytes]) -> NDArray[np.unsignedinteger]:
        """Ids of all documents with end-of-text after each."""
        parts: list[int] = []
        texts = [document.decode() for document in documents]
        for encoding in self._inner.encode_batch(texts, add_special_tokens=False):
            parts.extend(encoding.ids)
            parts.append(self.eot_id)
        return np.array(parts, dtype=token_dtype(self.vocab_size))

    def bytes_of_ids(self) -> NDArray[np.int64]:
        """One byte for each character of a name in the byte-level alphabet; else the bytes of the text of each id."""
        counted = np.zeros(self.vocab_size, dtype=np.int64)
        added = self._inner.get_added_tokens_decoder()
        for token, number in self._inner.get_vocab(with_added_tokens=True).items():
            if number in added:
                counted[number] = len(added[number].content.encode())
            elif self._byte_level or _BYTE_FALLBACK.fullmatch(token):
                counted[number] = len(token) if self._byte_level else 1
            else:
                counted[number] = len(self._inner.decode([number], skip_special_tokens=False).encode())
        counted[self.eot_id] = 0
        return counted

    def save(self, directory: Path) -> None:
        """Write tokenizer.json into `directory`."""
        (directory / TOKENIZER_FILE).write_text(self._inner.to_str(), encoding="utf-8")


def is_tokenizer_file(name: str) -> bool:
    """Whether a tokenizer is named by the path of its file, or of the folder that holds its tokenizer.json."""
    return name.endswith(".json") or (name != "bytes" and not name.startswith("bpe:") and Path(name).exists())


def bpe_vocabulary(name: str) -> int | None:
    """The vocabulary size that a tokenizer's name asks for; None for `bytes`. Raises InputError otherwise.

    >>> bpe_vocabulary("bpe:4096"), bpe_vocabulary("bytes")
    (4096, None)
    """
    match = re.fullmatch(r"bpe:(\d{1,7})", name)
    if match and int(match[1]) >= _SMALLEST_BPE:
        return int(match[1])
    if name != "bytes":
        raise InputError(
            f"tokenizer: expected 'bytes' or 'bpe:N' with N of at least {_SMALLEST_BPE}, or the path of a "
            f"tokenizer.json, got {name!r}"
        )
    return None


def tokenizers_library() -> ModuleType:
    """The tokenizers library. Raises InputError where it is not installed."""
    try:
        import tokenizers
    except ModuleNotFoundError as error:
        raise InputError("this tokenizer needs the tokenizers library: pip install 'isoflop[train]'") from error
    return tokenizers


def train_bpe(documents: Iterable[str], vocab_size: int) -> BpeTokenizer:
    """A byte-level BPE of at most `vocab_size` ids (end-of-text included) learned from `documents`."""
    lib = tokenizers_library()
    inner = lib.Tokenizer(lib.models.BPE())
    inner.pre_tokenizer = lib.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = lib.decoders.ByteLevel()
    alphabet = sorted(lib.pre_tokenizers.ByteLevel.alphabet())
    trainer = lib.trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[END_OF_TEXT], initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator(documents, trainer)
    return BpeTokenizer(inner, f"bpe:{vocab_size}")
