"""build_corpus: text in, token files and corpus.json out."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.corpus.corpus import INFO_FILE, SCHEMA, Corpus, load_corpus
from isoflop.corpus.folder import built_whole
from isoflop.corpus.deduplicate import Kept, deduplicate, repeated_lines_notice
from isoflop.corpus.gather import MIN_LINE_CHARACTERS, Spool, SpoolText
from isoflop.corpus.overlap import GRAM_WORDS, Overlap, gram_hashes, sampled_one_in
from isoflop.corpus.pack import chunks, write_tokens
from isoflop.corpus.log import ReadingLog
from isoflop.corpus.records import Buckets
from isoflop.corpus.domain import Domain
from isoflop.corpus.sources import CorpusSources, fingerprint, unpinned
from isoflop.corpus.split import PLACE, Part, check_enough, cut_long, longest_document, new_part, split
from isoflop.corpus.tokenizer import BpeTokenizer, ByteTokenizer, Tokenizer, bpe_vocabulary, token_dtype, train_bpe
from isoflop.errors import InputError

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole build that is done."""

TEXT_RULES = 1
"""Version of the rules that clean, drop, split and order text; raise it when one changes, and corpora are rebuilt."""
VAL_FRACTION = 0.03
"""Share of documents for validation: 0.75 MB of the default text."""
_WORK = "work"
"""Folder of what is needed while a corpus is built: documents, their hashes and places."""
# Shares of a build's time, measured on the default text.
_READ, _PACKED = 0.6, 0.98


def _fingerprint(sources: CorpusSources, domains: list[Domain], settings: dict[str, Any]) -> str:
    decides = {
        "files": fingerprint(domains),
        "kind": sources.kind,
        "max_bytes_per_domain": sources.max_bytes_per_domain,
        "schema": SCHEMA,
        "text_rules": TEXT_RULES,
        **sources.choices(),
        **settings,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _read(sources: CorpusSources, domains: list[Domain], spool: Spool, log: ReadingLog, progress: Progress) -> None:
    """Take all documents of all domains into the spool."""
    total, done = max(1, sum(len(domain.files) for domain in domains)), 0
    # markers that no separator was given for; code and dictionaries of our own hold none that matter
    look = sources.kind == "text" and sources.document_separator is None
    most = math.inf if sources.max_bytes_per_domain is None else sources.max_bytes_per_domain
    for number, domain in enumerate(domains):
        taken = 0
        for file in domain.files:
            progress(f"reading {domain.name}", _READ * done / total)
            done += 1
            if taken >= most:
                continue
            for text in file.reader(file.path, log):
                if look:
                    log.look(text)
                taken += spool.add(text, number)
                if taken >= most:
                    break
    log.check()


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """The documents of a corpus on their sides."""

    train: Part
    validation: dict[str, Part]
    trained: list[tuple[int, int]]
    """(documents, bytes) of each domain in `train`."""


def _split(folder: Path, domains: list[Domain], kept: Kept, text: SpoolText, val_fraction: float, seed: int) -> _Parts:
    """Every document on its side. All domains' problems are told at once."""
    problems = []
    for number, domain in enumerate(domains):
        try:
            check_enough(kept.bytes_of[number])
        except InputError as error:
            problems.append(f"{domain.name}: {error}")
    if problems:
        raise InputError.gathered("corpus", problems)
    longest = [longest_document(kept.bytes_of[number], val_fraction) for number in range(len(domains))]
    pieces = [Buckets(folder, f"pieces-{number}", PLACE) for number in range(len(domains))]
    for records in kept.documents:
        for number in np.unique(records["domain"]).tolist():
            own = records[records["domain"] == number]
            pieces[number].add(cut_long(own, text, longest[number]))
    train = new_part(folder, "train", ordered=True)
    validation: dict[str, Part] = {}
    trained = []
    for number, domain in enumerate(domains):
        validation[domain.name] = new_part(folder, f"validation-{number}")
        trained.append(split(pieces[number], val_fraction, validation[domain.name], train, seed))
        pieces[number].clear()
    return _Parts(train=train, validation=validation, trained=trained)


def _tokenizer(name: str, train: Part, text: SpoolText, folder: Path) -> Tokenizer:
    vocabulary = bpe_vocabulary(name)
    if vocabulary is None:
        return ByteTokenizer()
    learned: BpeTokenizer = train_bpe((d.decode() for chunk in chunks(train, text) for d in chunk), vocabulary)
    learned.save(folder)
    return learned


def _pack(folder: Path, parts: _Parts, text: SpoolText, tokenizer: Tokenizer, progress: Progress) -> dict[str, Any]:
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
    }
    return {
        "train": train_row,
        "validation": written,
        "tokenizer": told,
        "dtype": token_dtype(tokenizer.vocab_size).str,
        "digest": _digest(train_row, written, tokenizer),
    }


def _write_training(
    folder: Path, train: Part, text: SpoolText, tokenizer: Tokenizer, overlap: Overlap, progress: Progress
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
        progress("packing", _READ + (_PACKED - _READ) * seen_bytes / max(1, train.bytes))

    with ThreadPoolExecutor(max_workers=1) as beside:
        row = write_tokens(folder / "train.bin", train, text, tokenizer, show)
        if looking is not None:
            looking.result()
    return row


def _digest(train: dict[str, Any], validation: dict[str, dict[str, Any]], tokenizer: Tokenizer) -> str:
    decides = {
        "schema": SCHEMA,
        "train": train["sha256"],
        "validation": {domain: row["sha256"] for domain, row in validation.items()},
        "tokenizer": tokenizer.sha256,
        "vocab_size": tokenizer.vocab_size,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


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
        log = ReadingLog(notices=[*unpinned(domains), *(notice for domain in domains for notice in domain.notices)])
        work = folder / _WORK
        work.mkdir()
        spool = Spool(work, keep_repeated_lines=sources.keep_repeated_lines)
        _read(sources, domains, spool, log, report)
        spool.close()
        kept = deduplicate(spool)
        spool.by_line.clear()
        text = SpoolText(spool.path)
        parts = _split(work, domains, kept, text, val_fraction, seed)
        report("learning the tokenizer" if tokenizer != "bytes" else "packing", _READ)
        packed = _pack(folder, parts, text, _tokenizer(tokenizer, parts.train, text, folder), report)
        text.close()
        shutil.rmtree(work)
        if sources.kind == "text":
            log.notices += [*log.found(sources.document_separator), *repeated_lines_notice(spool, kept)]
        info = {
            **packed,
            "schema": SCHEMA,
            "kind": sources.kind,
            "seed": seed,
            "val_fraction": val_fraction,
            "domains": {
                domain.name: {"files": len(domain.files), "train_bytes": size, "train_documents": documents}
                for domain, (documents, size) in zip(domains, parts.trained, strict=True)
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
