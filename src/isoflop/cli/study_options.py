"""The options that decide a study. Only those that were given are passed on: a resumed study needs none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from isoflop.cli.options import QUANTITY
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
sbatch_option = click.option(
    "--sbatch", multiple=True, metavar="NAME[=VALUE]", help="An option of sbatch for each job, as --sbatch nice=100."
)
"""Passed on as `sbatch`, a tuple."""
_TEXT = [
    click.option("--text", multiple=True, type=click.Path(path_type=Path), help="Your own .txt, .jsonl or folder."),
    click.option("--corpus", type=click.Choice(["english", "python"]), help="Text that comes along. [english]"),
    click.option("--tokenizer", help="bytes, or bpe:4096. [bytes]"),
    click.option("--seed", type=click.IntRange(0), help="Of data order and weights. [0]"),
]
_SWEEP = [
    click.option("--minutes", type=QUANTITY, help="Wall time for the whole study. [15]"),
    click.option("--flops", type=QUANTITY, help="Or: training FLOPs for the whole study."),
    click.option("--family", help="Architecture: llama, gopher, gpt or palm. [llama]"),
    click.option("--workers", type=click.IntRange(1), help="Training processes of one thread. [one a core]"),
    engine_option,
    log_option,
    sbatch_option,
    click.option("--seq-len", type=click.IntRange(8), help="Context in tokens. [the recipe's]"),
    click.option("--budgets", type=click.IntRange(1), help="isoFLOP budgets of the sweep. [5]"),
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
        text, log, sbatch = (values.pop(name, ()) for name in ("text", "log", "sbatch"))
        if text and values.get("corpus") is not None:
            raise InputError("expected --text or --corpus, not both")
        wished = {key: value for key, value in values.items() if value is not None}
        if log:
            wished["log"] = list(log)
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
