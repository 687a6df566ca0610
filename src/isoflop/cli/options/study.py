"""The options that decide a study. Only those that were given are passed on: a resumed study needs none."""

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

F = TypeVar("F", bound=Callable[..., Any])

engine_option = click.option(
    "--engine",
    type=click.Choice(["local", "slurm", "ray", "olmo"]),
    help="Who trains: this machine, a cluster, or OLMo-core. [local]",
)
"""Passed on as `engine`."""
log_option = click.option(
    "--log", multiple=True, type=click.Choice(["tensorboard", "wandb", "mlflow"]), help="Trackers to tell of the runs."
)
"""Passed on as `log`, a tuple."""
trust_option = click.option(
    "--trust", is_flag=True, help="The study or plan is mine: run the commands of its [slurm] and [ray], from now on."
)
"""Passed on as `trust`."""
sbatch_option = click.option(
    "--sbatch", multiple=True, metavar="NAME[=VALUE]", help="An option of sbatch for each job, as --sbatch nice=100."
)
"""Passed on as `sbatch`, a tuple."""
_TEXT = [
    click.option("--text", multiple=True, type=PATH, help="Your own text, JSONL or folder."),
    click.option("--text-key", help="Key of JSON records that holds the text, such as doc.body. [text or content]"),
    click.option("--text-suffix", multiple=True, help="Files to read in folders too: .json, .py. Repeatable."),
    click.option("--document-separator", help=r"Ends a document inside a text: '<|endoftext|>', '\n\n\n'."),
    click.option("--allow-skipped", is_flag=True, default=None, help="Read a folder of which most bytes are skipped."),
    click.option(
        "--keep-repeated-lines/--drop-repeated-lines",
        default=None,
        help="Lines of 60 characters or more of earlier documents. [drop]",
    ),
    click.option("--corpus", type=click.Choice(["english", "python"]), help="Text that comes along. [english]"),
    click.option("--tokenizer", help="bytes, bpe:4096, or your own tokenizer.json. [bytes]"),
    click.option("--end-of-text", help="Token of your own tokenizer that ends a document."),
    click.option("--seed", type=SEED, help="Of data order and weights. [0]"),
]
_SWEEP = [
    click.option("--minutes", type=QUANTITY, help="Wall time for the whole study. [15]"),
    click.option("--flops", type=QUANTITY, help="Or: training FLOPs for the whole study."),
    click.option("--family", help="Architecture: llama, gopher, gpt or palm. [llama]"),
    click.option("--workers", type=click.IntRange(1, 1024), help="Training processes of one thread. [one a core]"),
    engine_option,
    log_option,
    sbatch_option,
    click.option("--seq-len", type=click.IntRange(8, 2**20), help="Context in tokens. [the recipe's]"),
    click.option("--budgets", type=click.IntRange(1, 100), help="isoFLOP budgets of the sweep. [5]"),
    click.option("--allow-epochs", is_flag=True, default=None, help="Repeat the text more than four times."),
]


def study_options(function: F) -> F:
    """Options of the corpus and of the sweep."""
    return _only_given(function, _TEXT + _SWEEP)


def corpus_options(function: F) -> F:
    """Options of the corpus alone."""
    return _only_given(function, _TEXT)


def _only_given(function: F, options: list[Callable[[Any], Any]]) -> F:
    @wraps(function)
    def given(**values: Any) -> Any:
        text, log, suffixes, sbatch = (values.pop(name, ()) for name in ("text", "log", "text_suffix", "sbatch"))
        if text and values.get("corpus") is not None:
            raise InputError("expected --text or --corpus, not both")
        wished = {key: value for key, value in values.items() if value is not None}
        if log:
            wished["log"] = list(log)
        if suffixes:
            wished["text_suffix"] = list(suffixes_of(suffixes))
        if is_tokenizer_file(wished.get("tokenizer", "bytes")):
            wished["tokenizer"] = str(Path(wished["tokenizer"]).absolute())
        if sbatch:
            wished["sbatch"] = list(sbatch)
        if text:
            # absolute: a resumed study may be called from another folder
            wished.update(corpus="text", text=[str(path.absolute()) for path in text])
        return function(**wished)

    decorated: Any = given
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]
