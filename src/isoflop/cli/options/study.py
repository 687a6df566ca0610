"""The options that define a study. Only options that were set are passed on: a resumed study needs none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import click
import cloup
from cloup import option_group

from isoflop.cli.options.types import PATH, PERCENT, QUANTITY, SEED, WholeNumber
from isoflop.corpus.tokenizer import is_tokenizer_file
from isoflop.corpus.user_text import suffixes_of
from isoflop.errors import InputError
from isoflop.runs.registry import ENGINES, TRACKERS

F = TypeVar("F", bound=Callable[..., object])
_Decorator: TypeAlias = Callable[[Callable[..., object]], Callable[..., object]]

engine_option = cloup.option(
    "--engine",
    type=click.Choice(list(ENGINES)),
    help="Where the runs train: this machine, a cluster, or OLMo-core. [local]",
)
"""Passed on as `engine`."""
log_option = cloup.option(
    "--log",
    multiple=True,
    type=click.Choice(list(TRACKERS)),
    help="Experiment trackers to log to. Repeatable.",
)
"""Passed on as `log`, a tuple."""
trust_option = cloup.option(
    "--trust", is_flag=True, help="Trust this study or plan from now on: run the commands in its [slurm] and [ray]."
)
"""Passed on as `trust`."""
sbatch_option = cloup.option(
    "--sbatch",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Option of sbatch for every job, such as nice=100. Repeatable.",
)
"""Passed on as `sbatch`, a tuple."""
_TEXT = [
    option_group(
        "Text and tokens",
        cloup.option(
            "--text",
            multiple=True,
            type=PATH,
            help="Text to train on: a text file, JSONL, Parquet, or a folder. Repeatable.",
        ),
        cloup.option("--corpus", type=click.Choice(["english", "python"]), help="Bundled text to train on. [english]"),
        cloup.option("--text-key", help="Key of the text in JSON records, such as doc.body. [text or content]"),
        cloup.option(
            "--text-suffix", multiple=True, help="Also read files with this suffix in folders: .json, .py. Repeatable."
        ),
        cloup.option("--document-separator", help=r"Text that ends a document, such as '<|endoftext|>' or '\n\n\n'."),
        cloup.option(
            "--allow-skipped", is_flag=True, default=None, help="Accept a folder of which most bytes are skipped."
        ),
        cloup.option(
            "--keep-repeated-lines/--drop-repeated-lines",
            default=None,
            help="Whether to keep long lines that repeat an earlier document. [drop]",
        ),
        cloup.option("--tokenizer", help="Tokenizer: bytes, bpe:4096, or a tokenizer.json file. [bytes]"),
        cloup.option("--end-of-text", help="End-of-document token of your tokenizer.json."),
    ),
]
_SEED = [
    cloup.option("--seed", type=SEED, help="Random seed of the data order and the initial weights. [0]"),
]
_STUDY = [
    option_group(
        "Size of the study",
        cloup.option("--minutes", type=QUANTITY, help="Wall time of the whole study, in minutes. [15]"),
        cloup.option("--flops", type=QUANTITY, help="Training FLOPs of the whole study, instead of --minutes."),
        cloup.option(
            "--for", "target_flops", type=QUANTITY, help="FLOPs of the planned run; the sweep is then a share of it."
        ),
        cloup.option(
            "--design",
            type=click.Choice(["adaptive", "isoflop"]),
            help="Batches that the results decide, or a grid of isoFLOP budgets. [adaptive; with --budgets isoflop]",
        ),
        cloup.option("--adaptive", is_flag=True, default=None, help="The same as --design adaptive."),
        cloup.option(
            "--tolerance", type=PERCENT, help="Expected waste at which an adaptive sweep ends, such as 1%. [1%]"
        ),
        cloup.option("--budgets", type=WholeNumber(1, 100), help="Number of isoFLOP budgets of the sweep. [5]"),
        *_SEED,
    ),
    option_group(
        "Models and training",
        cloup.option("--family", help="Architecture family: llama, gopher, gpt, gpt-rope, palm or moe. [llama]"),
        cloup.option("--recipe", type=PATH, help="Recipe to train by, a TOML file; see isoflop recipe --show."),
        cloup.option("--seq-len", type=WholeNumber(8, 2**20), help="Context length in tokens. [the recipe's]"),
        cloup.option("--allow-epochs", is_flag=True, default=None, help="Allow more than four epochs over the text."),
    ),
    option_group(
        "Where it runs",
        engine_option,
        cloup.option(
            "--workers", type=WholeNumber(1, 1024), help="Number of training processes, one thread each. [one per core]"
        ),
        cloup.option(
            "--devices", metavar="auto|cpu|cuda|0,1", help="GPUs that runs may go to, where they end sooner. [auto]"
        ),
        log_option,
        sbatch_option,
    ),
]


def study_options(function: F) -> F:
    """Adds the options of the corpus and of the sweep."""
    return _only_given(function, [*_TEXT, *_STUDY])


def corpus_options(function: F) -> F:
    """Adds the options of the corpus alone."""
    return _only_given(function, [*_TEXT, *_SEED])


def _only_given(function: F, options: list[_Decorator]) -> F:
    @wraps(function)
    def given(**values: Any) -> object:
        """Calls the verb with the options that were set, paths absolute."""
        text, log, suffixes, sbatch = (values.pop(name, ()) for name in ("text", "log", "text_suffix", "sbatch"))
        if text and values.get("corpus") is not None:
            raise InputError("expected --text or --corpus, not both")
        settings = {key: value for key, value in values.items() if value is not None}
        if settings.pop("adaptive", False):
            if settings.get("design", "adaptive") != "adaptive":
                raise InputError("expected --adaptive or --design isoflop, not both")
            settings["design"] = "adaptive"
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

    decorated: Callable[..., object] = given
    for option in reversed(options):
        decorated = option(decorated)
    return cast(F, decorated)
