"""Documents to token files: `train.bin`, one `val-<domain>.bin` each, end-of-text after every document."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from isoflop.corpus.document_store import StoredText
from isoflop.corpus.info import TokenizerRow, TrainRow, ValidationRow, corpus_digest
from isoflop.corpus.overlap import Overlap, gram_hashes, sampled_one_in
from isoflop.corpus.split import Part, Parts
from isoflop.corpus.token_files import TokenDigest, TokenFileRow
from isoflop.corpus.tokenizer import BpeTokenizer, Tokenizer, token_dtype

Progress = Callable[[float], None]
"""Called with the share that is done."""
CHUNK_BYTES = 2**20
"""Text handled at a time: large enough for NumPy, small enough for a cache and for memory."""


def chunks(documents: Part, text: StoredText) -> Iterator[list[bytes]]:
    """The documents in order, about 1 MiB at a time."""
    chunk: list[bytes] = []
    size = 0
    for place in documents.places():
        chunk.append(text[place])
        size += place[1]
        if size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


@dataclass(frozen=True, kw_only=True)
class Packed:
    """The token files of a corpus as corpus.json describes them."""

    train: TrainRow
    validation: dict[str, ValidationRow]
    """{domain: its token file}."""
    tokenizer: TokenizerRow
    dtype: Literal["<u2", "<u4"]
    """NumPy type of the token files."""

    @property
    def digest(self) -> str:
        """SHA-256 over what decides the tokens, 64 hex digits."""
        validation = {domain: row.sha256 for domain, row in self.validation.items()}
        return corpus_digest(self.train.sha256, validation, self.tokenizer.sha256, self.tokenizer.vocab_size)


def write_tokens(
    path: Path,
    documents: Part,
    text: StoredText,
    tokenizer: Tokenizer,
    each_chunk: Callable[[list[bytes]], None] | None = None,
) -> TokenFileRow:
    """Write the token file `path` and return its row of corpus.json.

    `each_chunk` is called with every chunk of documents before it is written.
    """
    digest = TokenDigest()
    tokens = 0
    with path.open("wb") as file:
        for chunk in chunks(documents, text):
            if each_chunk:
                each_chunk(chunk)
            ids = tokenizer.encode_documents(chunk)
            data = ids.tobytes()
            file.write(data)
            digest.update(data)
            tokens += len(ids)
        file.flush()
        os.fsync(file.fileno())
    return TokenFileRow(
        file=path.name,
        sha256=digest.sha256,
        blocks=digest.blocks,
        tokens=tokens,
        bytes=documents.bytes,
        documents=documents.documents,
    )


def pack(folder: Path, parts: Parts, text: StoredText, tokenizer: Tokenizer, progress: Progress) -> Packed:
    """Write the token files into `folder`; their rows of corpus.json."""
    one_in = sampled_one_in(sum(part.bytes for part in parts.validation.values()))
    grams = {
        domain: [gram_hashes(chunk, one_in) for chunk in chunks(part, text)]
        for domain, part in parts.validation.items()
    }
    overlap = Overlap(grams, one_in)
    written = {
        domain: write_tokens(folder / f"val-{domain}.bin", part, text, tokenizer)
        for domain, part in parts.validation.items()
    }
    # The validation files come first: the training text is compared with them while it is written.
    train = _write_training(folder, parts.train, text, tokenizer, overlap, progress)
    shares = overlap.shares()
    return Packed(
        train=TrainRow(**vars(train), different_grams=overlap.repeats.different()),
        validation={
            domain: ValidationRow(**vars(row), seen_in_training=shares[domain]) for domain, row in written.items()
        },
        tokenizer=TokenizerRow(
            name=tokenizer.name,
            vocab_size=tokenizer.vocab_size,
            eot_id=tokenizer.eot_id,
            sha256=tokenizer.sha256,
            end_of_text=tokenizer.end_of_text if isinstance(tokenizer, BpeTokenizer) else None,
        ),
        dtype="<u2" if token_dtype(tokenizer.vocab_size).itemsize == 2 else "<u4",
    )


def _write_training(
    folder: Path,
    train: Part,
    text: StoredText,
    tokenizer: Tokenizer,
    overlap: Overlap,
    progress: Progress,
) -> TokenFileRow:
    """Write train.bin while a second thread counts what its text shares with validation."""
    seen_bytes = 0
    looking: Future[None] | None = None

    def show(chunk: list[bytes]) -> None:
        """Hands `chunk` to the second thread once it is done with the one before."""
        nonlocal seen_bytes, looking
        if looking is not None:
            looking.result()  # at most one chunk ahead, so that memory holds two
        looking = second.submit(overlap.see, chunk)
        seen_bytes += sum(map(len, chunk))
        progress(seen_bytes / max(1, train.bytes))

    with ThreadPoolExecutor(max_workers=1) as second:
        row = write_tokens(folder / "train.bin", train, text, tokenizer, show)
        if looking is not None:
            looking.result()
    return row
