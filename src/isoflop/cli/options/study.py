"""The options that define a study. Only options that were set are passed on: a resumed study needs none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from isoflop.cli.options.common import PATH, QUANTITY, SEED
from isoflop.corpus.tokenizer import is_tokenizer_file
from isoflop.corpus.user_text import suffixes_of
from isoflop.errors import InputError
from isoflop.runs.registry import ENGINES, TRACKERS

F = TypeVar("F", bound=Callable[..., Any])

engine_option = click.option(
    "--engine",
    type=click.Choice(list(ENGINES)),
    help="Where the runs train: this machine, a cluster, or OLMo-core. [local]",
)
"""Passed on as `engine`."""
log_option = click.option(
    "--log",
    multiple=True,
    type=click.Choice(list(TRACKERS)),
    help="Experiment trackers to log to. Repeatable.",
)
"""Passed on as `log`, a tuple."""
trust_option = click.option(
    "--trust", is_flag=True, help="Trust this study or plan from now on: run the commands in its [slurm] and [ray]."
)
"""Passed on as `trust`."""
sbatch_option = click.option(
    "--sbatch",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Option of sbatch for every job, such as nice=100. Repeatable.",
)
"""Passed on as `sbatch`, a tuple."""
_TEXT = [
    click.option(
        "--text",
        multiple=True,
        type=PATH,
        help="Text to train on: a text file, JSONL, Parquet, or a folder. Repeatable.",
    ),
    click.option("--text-key", help="Key of the text in JSON records, such as doc.body. [text or content]"),
    click.option(
        "--text-suffix", multiple=True, help="Also read files with this suffix in folders: .json, .py. Repeatable."
    ),
    click.option("--document-separator", help=r"Text that ends a document, such as '<|endoftext|>' or '\n\n\n'."),
    click.option(
        "--allow-skipped", is_flag=True, default=None, help="Accept a folder of which most bytes are skipped."
    ),
    click.option(
        "--keep-repeated-lines/--drop-repeated-lines",
        default=None,
        help="Whether to keep long lines that repeat an earlier document. [drop]",
    ),
    click.option("--corpus", type=click.Choice(["english", "python"]), help="Bundled text to train on. [english]"),
    click.option("--tokenizer", help="Tokenizer: bytes, bpe:4096, or a tokenizer.json file. [bytes]"),
    click.option("--end-of-text", help="End-of-document token of your tokenizer.json."),
    click.option("--seed", type=SEED, help="Random seed of the data order and the initial weights. [0]"),
]
_SWEEP = [
    click.option("--minutes", type=QUANTITY, help="Wall time of the whole study, in minutes. [15]"),
    click.option("--flops", type=QUANTITY, help="Training FLOPs of the whole study, instead of --minutes."),
    click.option("--family", help="Architecture family: llama, gopher, gpt or palm. [llama]"),
    click.option(
        "--workers", type=click.IntRange(1, 1024), help="Number of training processes, one thread each. [one per core]"
    ),
    engine_option,
    log_option,
    sbatch_option,
    click.option("--seq-len", type=click.IntRange(8, 2**20), help="Context length in tokens. [the recipe's]"),
    click.option("--budgets", type=click.IntRange(1, 100), help="Number of isoFLOP budgets of the sweep. [5]"),
    click.option("--allow-epochs", is_flag=True, default=None, help="Allow more than four epochs over the text."),
]


def study_options(function: F) -> F:
    """Adds the options of the corpus and of the sweep."""
    return _only_given(function, _TEXT + _SWEEP)


def corpus_options(function: F) -> F:
    """Adds the options of the corpus alone."""
    return _only_given(function, _TEXT)


def _only_given(function: F, options: list[Callable[[Any], Any]]) -> F:
    @wraps(function)
    def given(**values: Any) -> Any:
        text, log, suffixes, sbatch = (values.pop(name, ()) for name in ("text", "log", "text_suffix", "sbatch"))
        if text and values.get("corpus") is not None:
            raise InputError("expected --text or --corpus, not both")
        settings = {key: value for key, value in values.items() if value is not None}
        if log:
            settings["log"] = list(log)
        if suffixes:
            settings["text_suffix"] = list(suffixes_of(suffixes))
        if is_tokenizer_file(settings.get("tokenizer", "bytes")):
            settings["tokenizer"] = str(Path(settings["tokenizer"]).absolute())
        if sbatch:
            settings["sbatch"] = list(sbatch)
        if text:
            # absolute: a resumed study may be called from another folder
            settings.update(corpus="text", text=[str(path.absolute()) for path in text])
        return function(**settings)

    decorated: Any = given
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]
