"""`isoflop corpus`: text in, token files out."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.study import corpus_options
from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import verb
from isoflop.cli.output.progress import StudyProgress
from isoflop.cli.output.tables import print_facts, print_json
from isoflop.codec import fields_to_json
from isoflop.corpus.info import DroppedText
from isoflop.study import Study, StudyFolder, begin_or_resume
from isoflop.study.before_start import check_text
from isoflop.study.training_stages import corpus as build
from isoflop.units import format_bytes, format_quantity


@verb("isoflop corpus mine --text novels/", "isoflop corpus mine --text mail.jsonl --text-key body")
@click.argument("directory", type=PATH)
@corpus_options
@click.option("--json", "as_json", is_flag=True, help="Print corpus.json on stdout and nothing else.")
def command(directory: Path, as_json: bool, **options: object) -> None:
    """Build the corpus of the study in DIRECTORY: read, remove duplicates, split, shuffle and pack the text."""
    folder = StudyFolder(directory)
    settings = begin_or_resume(folder, options, lambda _, settings: check_text(settings))
    with StudyProgress() as progress:
        built = build(Study(folder=folder, settings=settings, listener=progress))
    info = built.info
    assert info is not None, "it was read from corpus.json"
    if as_json:
        print_json(fields_to_json(info))
        return
    facts = [
        ("training", f"{format_quantity(built.train_tokens)} tokens, {format_bytes(built.train_bytes)} of text"),
        *(
            (f"validation {name}", f"{format_quantity(len(tokens))} tokens")
            for name, tokens in built.validation.items()
        ),
        ("vocabulary", f"{built.vocab_size} tokens, end-of-text included"),
        *(("left out", text) for text in _left_out(info.dropped)),
        ("digest", built.digest[:12]),
    ]
    print_facts(facts, title=str(folder.corpus))


def _left_out(dropped: DroppedText) -> list[str]:
    """What of the text is not in the corpus, one line for each kind."""
    lines = []
    if dropped.duplicate_documents:
        lines.append(f"{dropped.duplicate_documents:,} copies of whole documents")
    if dropped.duplicate_lines:
        size = format_bytes(dropped.duplicate_line_bytes)
        lines.append(
            f"{dropped.duplicate_lines:,} lines that stand in an earlier document, {size}; --keep-repeated-lines keeps "
            "them"
        )
    if dropped.empty_documents:
        lines.append(f"{dropped.empty_documents:,} documents without text")
    return lines
