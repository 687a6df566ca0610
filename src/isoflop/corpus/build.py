"""build_corpus: text in, token files and corpus.json out."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isoflop.corpus.corpus import Corpus, load_corpus
from isoflop.corpus.folder import built_whole
from isoflop.corpus.gather import MIN_LINE_CHARACTERS, Spool, SpoolText
from isoflop.corpus.info import INFO_FILE, SCHEMA, corpus_digest
from isoflop.corpus.overlap import GRAM_WORDS, Overlap, gram_hashes
from isoflop.corpus.pack import chunks, write_tokens
from isoflop.corpus.read import ReadingLog
from isoflop.corpus.sources import CorpusSources, Domain, fingerprint, unpinned
from isoflop.corpus.split import Documents, cut_long, documents_of, shuffled, split
from isoflop.corpus.tokenizer import BpeTokenizer, ByteTokenizer, Tokenizer, bpe_vocabulary, token_dtype, train_bpe
from isoflop.errors import InputError

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole build that is done."""

TEXT_RULES = 1
"""Version of the rules that clean, drop, split and order text; raise it when one changes, and corpora are rebuilt."""
VAL_FRACTION = 0.03
"""Share of documents for validation: 0.75 MB of the default text."""
_SPOOL = "documents.spool"
# Shares of a build's time, measured on the default text.
_READ, _PACKED = 0.6, 0.98


def _fingerprint(sources: CorpusSources, domains: list[Domain], settings: dict[str, Any]) -> str:
    decides = {
        "files": fingerprint(domains),
        "kind": sources.kind,
        "max_bytes_per_domain": sources.max_bytes_per_domain,
        "schema": SCHEMA,
        "text_rules": TEXT_RULES,
        **settings,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _read(sources: CorpusSources, domains: list[Domain], spool: Spool, log: ReadingLog, progress: Progress) -> None:
    """Take all documents of all domains into the spool."""
    total, done = max(1, sum(len(domain.files) for domain in domains)), 0
    most = math.inf if sources.max_bytes_per_domain is None else sources.max_bytes_per_domain
    for number, domain in enumerate(domains):
        taken = 0
        for file in domain.files:
            progress(f"reading {domain.name}", _READ * done / total)
            done += 1
            if taken >= most:
                continue
            for text in file.reader(file.path, log):
                taken += spool.add(text, number)
                if taken >= most:
                    break
    log.check()


def _split(
    domains: list[Domain], spool: Spool, text: SpoolText, val_fraction: float
) -> tuple[list[Documents], dict[str, Documents]]:
    """Training documents of each domain, and validation documents by domain. All domains' problems are told at once."""
    train: list[Documents] = []
    validation: dict[str, Documents] = {}
    problems: list[str] = []
    for number, domain in enumerate(domains):
        documents = cut_long(documents_of(spool, number), text, val_fraction)
        try:
            part, validation[domain.name] = split(documents, val_fraction)
            train.append(part)
        except InputError as error:
            problems.append(f"{domain.name}: {error}")
    if problems:
        raise InputError.gathered("corpus", problems)
    return train, validation


def _tokenizer(name: str, train: Documents, text: SpoolText, folder: Path) -> Tokenizer:
    vocabulary = bpe_vocabulary(name)
    if vocabulary is None:
        return ByteTokenizer()
    learned: BpeTokenizer = train_bpe((d.decode() for chunk in chunks(train, text) for d in chunk), vocabulary)
    learned.save(folder)
    return learned


def _pack(
    folder: Path, train: Documents, validation: dict[str, Documents], text: SpoolText, name: str, progress: Progress
) -> dict[str, Any]:
    """Write the token files; what corpus.json says of them."""
    progress("learning the tokenizer" if name != "bytes" else "packing", _READ)
    tokenizer = _tokenizer(name, train, text, folder)
    overlap = Overlap(
        {domain: [gram_hashes(chunk) for chunk in chunks(part, text)] for domain, part in validation.items()}
    )
    written = {
        domain: write_tokens(folder / f"val-{domain}.bin", part, text, tokenizer) for domain, part in validation.items()
    }
    seen_bytes = 0

    def after(chunk: list[bytes]) -> None:
        nonlocal seen_bytes
        overlap.see(chunk)
        seen_bytes += sum(map(len, chunk))
        progress("packing", _READ + (_PACKED - _READ) * seen_bytes / max(1, train.bytes))

    train_row = write_tokens(folder / "train.bin", train, text, tokenizer, after)
    shares = overlap.shares()
    for domain, row in written.items():
        row["seen_in_training"] = shares[domain]
    told = {
        "name": tokenizer.name,
        "vocab_size": tokenizer.vocab_size,
        "eot_id": tokenizer.eot_id,
        "sha256": tokenizer.sha256,
    }
    return {
        "train": train_row,
        "validation": written,
        "tokenizer": told,
        "dtype": token_dtype(tokenizer.vocab_size).str,
        "digest": corpus_digest(train_row, written, tokenizer.sha256, tokenizer.vocab_size),
    }


def _write_info(path: Path, info: dict[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(info, file, sort_keys=True, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def _standing(directory: Path, key: str) -> Corpus | None:
    """The corpus in `directory` if it was built from the same files with the same settings and is whole."""
    if not (directory / INFO_FILE).is_file():
        return None
    try:
        corpus = load_corpus(directory)
    except InputError:
        return None  # half, or of another version: built anew
    return corpus if corpus.info.get("fingerprint") == key else None


def build_corpus(
    directory: Path,
    sources: CorpusSources,
    *,
    tokenizer: str = "bytes",
    seed: int = 0,
    val_fraction: float = VAL_FRACTION,
    progress: Progress | None = None,
) -> Corpus:
    """The corpus of `sources` in `directory`, built unless it stands there already.

    `tokenizer` is `bytes` or `bpe:N` (learned from the training part only); `seed` orders the training documents and
    does not touch the split. Same files, same settings: nothing is read again. A build that is killed leaves the
    folder as it was. Raises InputError for text that cannot be read or is too little, a folder with other things in
    it, a full or read-only disk.
    """
    directory = Path(os.path.abspath(directory))
    bpe_vocabulary(tokenizer)
    if not 0 < val_fraction <= 0.5:
        raise InputError(f"val_fraction: expected above 0 and at most 0.5, got {val_fraction}")
    domains = sources.domains()
    key = _fingerprint(sources, domains, {"seed": seed, "tokenizer": tokenizer, "val_fraction": val_fraction})
    standing = _standing(directory, key)
    if standing is not None:
        return standing
    report: Progress = progress or (lambda _what, _share: None)
    report("reading", 0.0)
    with built_whole(directory, INFO_FILE) as folder:
        log = ReadingLog(notices=unpinned(domains))
        with (folder / _SPOOL).open("wb") as file:
            spool = Spool(file)
            _read(sources, domains, spool, log, report)
        text = SpoolText(folder / _SPOOL)
        train, validation = _split(domains, spool, text, val_fraction)
        packed = _pack(folder, shuffled(train, seed), validation, text, tokenizer, report)
        text.close()
        (folder / _SPOOL).unlink()
        info = {
            **packed,
            "schema": SCHEMA,
            "kind": sources.kind,
            "seed": seed,
            "val_fraction": val_fraction,
            "domains": {
                d.name: {"files": len(d.files), "train_bytes": t.bytes, "train_documents": len(t)}
                for d, t in zip(domains, train, strict=True)
            },
            "dropped": dict(spool.dropped),
            "duplicate_line_characters": MIN_LINE_CHARACTERS,
            "gram_words": GRAM_WORDS,
            "notices": [notice.as_json() for notice in log.notices],
            "fingerprint": key,
            "built": time.time(),
        }
        _write_info(folder / INFO_FILE, info)
    report("done", 1.0)
    return load_corpus(directory)
