"""Documents -> token files: `train.bin`, one `val-<domain>.bin` each, end-of-text after every document."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from isoflop.corpus.gather import SpoolText
from isoflop.corpus.split import Documents
from isoflop.corpus.token_files import TokenDigest
from isoflop.corpus.tokenizer import Tokenizer

CHUNK_BYTES = 2**20
"""Text handled at a time: large enough for NumPy, small enough for a cache and for memory."""


def chunks(documents: Documents, text: SpoolText) -> Iterator[list[bytes]]:
    """The documents in order, about 1 MiB at a time."""
    chunk: list[bytes] = []
    size = 0
    for place in zip(documents.start.tolist(), documents.length.tolist(), strict=True):
        chunk.append(text[place])
        size += place[1]
        if size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def write_tokens(
    path: Path,
    documents: Documents,
    text: SpoolText,
    tokenizer: Tokenizer,
    each_chunk: Callable[[list[bytes]], None] | None = None,
) -> dict[str, Any]:
    """Write the token file and return its row of corpus.json: file, sha256, blocks, tokens, bytes (of text), documents.

    `each_chunk` is shown every chunk of documents after it is written.
    """
    digest = TokenDigest()
    tokens = 0
    with path.open("wb") as file:
        for chunk in chunks(documents, text):
            ids = tokenizer.encode_documents(chunk)
            data = ids.tobytes()
            file.write(data)
            digest.update(data)
            tokens += len(ids)
            if each_chunk:
                each_chunk(chunk)
        file.flush()
        os.fsync(file.fileno())
    return {
        "file": path.name,
        **digest.row(),
        "tokens": tokens,
        "bytes": documents.bytes,
        "documents": len(documents),
    }
