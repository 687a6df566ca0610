"""`isoflop generate`: text from a trained model."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from isoflop.cli.options import PATH, SEED
from isoflop.errors import InputError
from isoflop.study import StudyFolder
from isoflop.study.planned import run_and_corpus
from isoflop.study.trainer import run_trainers
from isoflop.sweep import Design


@click.command()
@click.argument("directory", type=PATH)
@click.option("--prompt", default="", help="Text to go on from. [the start of a document]")
@click.option("--tokens", type=click.IntRange(1, 1_000_000), default=300, show_default=True, help="Tokens at the most.")
@click.option("--temperature", type=click.FloatRange(0, 1000), default=0.8, show_default=True, help="0: the likeliest.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the sampling.")
def command(directory: Path, prompt: str, tokens: int, temperature: float, seed: int) -> None:
    """Generate text with the model of a run folder, or with the planned model of a study or plan."""
    place = [str(directory)] if (directory / "spec.json").exists() else _planned(directory)
    # a process of its own: PyTorch lives in the trainer's room only
    command_line = [sys.executable, "-P", "-m", "isoflop.train.generate", *place, "--prompt", prompt]
    command_line += ["--tokens", str(tokens), "--temperature", str(temperature), "--seed", str(seed)]
    click.echo(run_trainers([command_line])[0], nl=False)


def _planned(directory: Path) -> list[str]:
    """The run of the planned model and, where it lies elsewhere, its corpus, as the trainer's program takes them."""
    if (directory / "plan.toml").exists():
        run, corpus = run_and_corpus(directory)
        return [str(run), "--corpus", str(corpus)]
    folder = StudyFolder(directory)
    if not folder.contest.exists():
        raise InputError(
            f"{directory}: neither a run folder nor a study with a plan; go on with `isoflop study {directory}`"
        )
    return [str(folder.runs / Design.load(folder.contest).specs[0].run_id)]
