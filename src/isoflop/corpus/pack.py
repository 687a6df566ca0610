"""Documents -> token files: `train.bin`, one `val-<domain>.bin` each, end-of-text after every document."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from isoflop.corpus.gather import SpoolText
from isoflop.corpus.info import corpus_digest
from isoflop.corpus.overlap import Overlap, gram_hashes, sampled_one_in
from isoflop.corpus.split import Part, Parts
from isoflop.corpus.token_files import TokenDigest
from isoflop.corpus.tokenizer import BpeTokenizer, Tokenizer, token_dtype

Progress = Callable[[float], None]
"""Called with the share that is done."""
CHUNK_BYTES = 2**20
"""Text handled at a time: large enough for NumPy, small enough for a cache and for memory."""


def chunks(documents: Part, text: SpoolText) -> Iterator[list[bytes]]:
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


def write_tokens(
    path: Path,
    documents: Part,
    text: SpoolText,
    tokenizer: Tokenizer,
    each_chunk: Callable[[list[bytes]], None] | None = None,
) -> dict[str, Any]:
    """Write the token file and return its row of corpus.json: file, sha256, blocks, tokens, bytes (of text), documents.

    `each_chunk` is shown every chunk of documents before it is written.
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
    return {
        "file": path.name,
        **digest.row(),
        "tokens": tokens,
        "bytes": documents.bytes,
        "documents": documents.documents,
    }


def pack(folder: Path, parts: Parts, text: SpoolText, tokenizer: Tokenizer, progress: Progress) -> dict[str, Any]:
    """Write the token files; what corpus.json says of them."""
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
    train_row = _write_training(folder, parts.train, text, tokenizer, overlap, progress)
    shares = overlap.shares()
    for domain, row in written.items():
        row["seen_in_training"] = shares[domain]
    train_row["different_grams"] = overlap.repeats.different()
    told = {
        "name": tokenizer.name,
        "vocab_size": tokenizer.vocab_size,
        "eot_id": tokenizer.eot_id,
        "sha256": tokenizer.sha256,
        **({"end_of_text": tokenizer.end_of_text} if isinstance(tokenizer, BpeTokenizer) else {}),
    }
    return {
        "train": train_row,
        "validation": written,
        "tokenizer": told,
        "dtype": token_dtype(tokenizer.vocab_size).str,
        "digest": corpus_digest(train_row, written, tokenizer.sha256, tokenizer.vocab_size),
    }


def _write_training(
    folder: Path,
    train: Part,
    text: SpoolText,
    tokenizer: Tokenizer,
    overlap: Overlap,
    progress: Progress,
) -> dict[str, Any]:
    """Write train.bin while a second thread looks for what its text shares with validation."""
    seen_bytes = 0
    looking: Future[None] | None = None

    def show(chunk: list[bytes]) -> None:
        nonlocal seen_bytes, looking
        if looking is not None:
            looking.result()  # one chunk ahead at the most: memory holds two
        looking = beside.submit(overlap.see, chunk)
        seen_bytes += sum(map(len, chunk))
        progress(seen_bytes / max(1, train.bytes))

    with ThreadPoolExecutor(max_workers=1) as beside:
        row = write_tokens(folder / "train.bin", train, text, tokenizer, show)
        if looking is not None:
            looking.result()
    return row
