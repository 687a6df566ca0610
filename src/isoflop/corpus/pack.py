"""Documents -> token files: `train.bin`, one `val-<domain>.bin` each, end-of-text after every document."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from isoflop.corpus.gather import SpoolText
from isoflop.corpus.split import Part
from isoflop.corpus.tokenizer import Tokenizer

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
    """Write the token file and return its row of corpus.json: file, sha256, tokens, bytes (of text), documents.

    `each_chunk` is shown every chunk of documents before it is written.
    """
    digest = hashlib.sha256()
    tokens = 0
    with path.open("wb") as file:
        for chunk in chunks(documents, text):
            if each_chunk:
                each_chunk(chunk)
            ids = tokenizer.encode_documents(chunk)
            data = memoryview(ids).cast("B")
            file.write(data)
            digest.update(data)
            tokens += len(ids)
        file.flush()
        os.fsync(file.fileno())
    return {
        "file": path.name,
        "sha256": digest.hexdigest(),
        "tokens": tokens,
        "bytes": documents.bytes,
        "documents": documents.documents,
    }
