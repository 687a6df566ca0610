"""`isoflop generate`: text from a trained model."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from isoflop.cli.options.types import PATH, SEED, WholeNumber
from isoflop.cli.options.verb import verb
from isoflop.study.trained_run import trained_run
from isoflop.study.trainer import run_trainers


@verb("isoflop generate mine --prompt 'The sea'", "isoflop generate mine --temperature 0 --tokens 100")
@click.argument("directory", type=PATH)
@click.option("--prompt", default="", help="Text to continue. [the start of a document]")
@click.option("--tokens", type=WholeNumber(1, 1_000_000), default=300, help="Maximum number of tokens. [300]")
@click.option(
    "--temperature",
    type=click.FloatRange(0, 1000),
    default=0.8,
    help="Sampling temperature; 0 takes the most likely token. [0.8]",
)
@click.option("--seed", type=SEED, default=0, help="Random seed of the sampling. [0]")
def command(directory: Path, prompt: str, tokens: int, temperature: float, seed: int) -> None:
    """Generate text with the model of a run folder, or with the planned model of a study or plan."""
    run, corpus = trained_run(directory)
    place = [str(run), "--corpus", str(corpus)]
    # a process of its own: PyTorch lives in the trainer's room only
    command_line = [sys.executable, "-P", "-m", "isoflop.train.generate", *place, "--prompt", prompt]
    command_line += ["--tokens", str(tokens), "--temperature", str(temperature), "--seed", str(seed)]
    click.echo(run_trainers([command_line])[0], nl=False)
