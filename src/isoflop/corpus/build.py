"""Build a corpus: text in, token files and corpus.json out."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from isoflop.codec import Json, JsonObject, to_json
from isoflop.corpus.corpus import Corpus, load_corpus
from isoflop.corpus.deduplicate import deduplicate, repeated_lines_notice
from isoflop.corpus.document_store import MIN_LINE_CHARACTERS, DocumentStore, StoredText
from isoflop.corpus.documents import Domain, ReadingLog
from isoflop.corpus.folder import built_whole
from isoflop.corpus.info import INFO_FILE, SCHEMA, CorpusInfo, DomainRow, DroppedText
from isoflop.corpus.overlap import GRAM_WORDS, overlap_notices
from isoflop.corpus.pack import chunks, pack
from isoflop.corpus.sources import CorpusSources, fingerprint, unpinned
from isoflop.corpus.split import Part, divide
from isoflop.corpus.tokenizer import (
    OWN_FILE,
    BpeTokenizer,
    ByteTokenizer,
    Tokenizer,
    bpe_vocabulary,
    is_tokenizer_file,
    train_bpe,
)
from isoflop.corpus.tokenizer_file import load_tokenizer_file, tokenizer_notices
from isoflop.errors import InputError
from isoflop.files import write_json_atomically

Progress = Callable[[str, float], None]
"""Called with the current step in words, and the share of the whole build that is done, 0 to 1."""

TEXT_RULES = 1
"""Version of the rules that clean, drop, split and order text. When one changes, raise it: corpora are then rebuilt."""
VAL_FRACTION = 0.03
"""Share of documents for validation: 0.75 MB of the default text."""
_WORK = "work"
"""Folder of what is needed only while a corpus is built: documents, their hashes and places."""
# Shares of a build's time, measured on the default text.
_READ, _PACKED = 0.6, 0.98


def _fingerprint(sources: CorpusSources, domains: list[Domain], settings: JsonObject) -> str:
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


def _read(
    sources: CorpusSources, domains: list[Domain], store: DocumentStore, log: ReadingLog, progress: Progress
) -> None:
    """Add the documents of all domains to the store."""
    total, done = max(1, sum(len(domain.files) for domain in domains)), 0
    # Count markers of an end of text where no separator is stated. Only text of the user's own may hold them.
    count_markers = sources.kind == "text" and sources.document_separator is None
    most = math.inf if sources.max_bytes_per_domain is None else sources.max_bytes_per_domain
    for number, domain in enumerate(domains):
        taken = 0
        for file in domain.files:
            progress(f"reading {domain.name}", _READ * done / total)
            done += 1
            if taken >= most:
                continue
            for text in file.reader(file.path, log):
                if count_markers:
                    log.count_markers(text)
                taken += store.add(text, number)
                if taken >= most:
                    break
    log.check()


@dataclass(frozen=True, kw_only=True)
class _TokenizerChoice:
    """The requested tokenizer."""

    name: str
    own: BpeTokenizer | None = None
    """The one in a file of the user's own."""

    @classmethod
    def of(cls, name: str, end_of_text: str | None) -> _TokenizerChoice:
        """The choice that `name` stands for. Raises InputError for a name or file that is no tokenizer."""
        if is_tokenizer_file(name):
            return cls(name=OWN_FILE, own=load_tokenizer_file(Path(name), end_of_text))
        if end_of_text is not None:
            raise InputError("--end-of-text is about a tokenizer of your own; give its file with --tokenizer")
        bpe_vocabulary(name)
        return cls(name=name)

    @property
    def decides(self) -> Json:
        """What of the tokenizer decides the corpus, for the fingerprint."""
        return self.name if self.own is None else [self.own.sha256, self.own.end_of_text]

    def tokenizer(self, train: Part, text: StoredText) -> Tokenizer:
        """The requested tokenizer, learned from the training part if it is a BPE."""
        if self.own is not None:
            return self.own
        vocabulary = bpe_vocabulary(self.name)
        if vocabulary is None:
            return ByteTokenizer()
        return train_bpe((d.decode() for chunk in chunks(train, text) for d in chunk), vocabulary)


def _existing(directory: Path, key: str) -> Corpus | None:
    """The corpus in `directory` if it is complete and was built from the same files with the same settings."""
    if not (directory / INFO_FILE).is_file():
        return None
    try:
        corpus = load_corpus(directory)
    except InputError:
        return None  # incomplete, or of another version: it is built again
    return corpus if corpus.info is not None and corpus.info.fingerprint == key else None


def build_corpus(
    directory: Path,
    sources: CorpusSources,
    *,
    tokenizer: str = "bytes",
    seed: int = 0,
    val_fraction: float = VAL_FRACTION,
    end_of_text: str | None = None,
    progress: Progress | None = None,
) -> Corpus:
    """The corpus of `sources` in `directory`, built unless the same one exists there already.

    `tokenizer` is `bytes`, `bpe:N` (learned from the training part only) or the path of a tokenizer.json, whose token
    `end_of_text` ends documents (None: the usual one that it has); `seed` decides the order of the training documents,
    not the split. A build that is killed leaves the folder as it was.
    Raises InputError for text that cannot be read or is too short, a folder with other content, a full or read-only
    disk; RefusedError `validation_is_training` where all validation text stands in the training text too.
    """
    directory = Path(os.path.abspath(directory))
    choice = _TokenizerChoice.of(tokenizer, end_of_text)
    if not 0 < val_fraction <= 0.5:
        raise InputError(f"val_fraction: expected above 0 and at most 0.5, got {val_fraction}")
    domains = sources.domains()
    settings: JsonObject = {"seed": seed, "tokenizer": choice.decides, "val_fraction": val_fraction}
    key = _fingerprint(sources, domains, settings)
    existing = _existing(directory, key)
    if existing is not None:
        return existing
    report: Progress = progress or (lambda _what, _share: None)
    report("reading", 0.0)
    with built_whole(directory, INFO_FILE) as folder:
        info = _built(folder, sources, domains, choice, seed=seed, val_fraction=val_fraction, report=report)
        write_json_atomically(folder / INFO_FILE, to_json(replace(info, fingerprint=key, built=time.time())))
    report("done", 1.0)
    return load_corpus(directory)


def _built(
    folder: Path,
    sources: CorpusSources,
    domains: list[Domain],
    choice: _TokenizerChoice,
    *,
    seed: int,
    val_fraction: float,
    report: Progress,
) -> CorpusInfo:
    """Build everything but corpus.json in `folder`; returns its content without fingerprint and time."""
    log = ReadingLog(notices=[*unpinned(domains), *(notice for domain in domains for notice in domain.notices)])
    work = folder / _WORK
    work.mkdir()
    store = DocumentStore(work, keep_repeated_lines=sources.keep_repeated_lines)
    _read(sources, domains, store, log, report)
    store.close()
    unique = deduplicate(store)
    store.by_line.clear()
    text = StoredText(store.path)
    parts = divide(work, [domain.name for domain in domains], unique, text, val_fraction, seed, sources.weights)
    report("learning the tokenizer" if choice.name != "bytes" else "packing", _READ)
    tokenizer = choice.tokenizer(parts.train, text)
    tokenizer.save(folder)
    packed = pack(folder, parts, text, tokenizer, lambda share: report("packing", _READ + (_PACKED - _READ) * share))
    log.notices += overlap_notices({name: row.seen_in_training for name, row in packed.validation.items()})
    if choice.own is not None:
        log.notices += tokenizer_notices(choice.own, next(chunks(parts.train, text), []))
    if sources.kind == "text":
        log.notices += [*log.summary(sources.document_separator), *repeated_lines_notice(store, unique)]
    text.close()
    shutil.rmtree(work)
    return CorpusInfo(
        digest=packed.digest,
        dtype=packed.dtype,
        train=packed.train,
        validation=packed.validation,
        tokenizer=packed.tokenizer,
        notices=tuple(log.notices),
        kind=sources.kind,
        seed=seed,
        val_fraction=val_fraction,
        weights=dict(sources.weights),
        domains={
            domain.name: DomainRow(files=len(domain.files), train_bytes=size, train_documents=documents)
            for domain, (documents, size) in zip(domains, parts.trained, strict=True)
        },
        dropped=DroppedText(**store.dropped),
        duplicate_line_characters=MIN_LINE_CHARACTERS,
        gram_words=GRAM_WORDS,
    )
