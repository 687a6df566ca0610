"""`isoflop export`: a trained model as files that another library loads."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.tables import print_facts, print_json
from isoflop.study.export import export_hf


@verb("isoflop export mine --to hf", "isoflop export mine --to hf --out my-model")
@click.argument("directory", metavar="STUDY|RUN", type=click.Path(path_type=Path))
@click.option(
    "--to", "library", required=True, type=click.Choice(["hf"]), help="Target library: hf, Hugging Face transformers."
)
@click.option("--out", type=click.Path(path_type=Path), help="A new or empty folder to write to. [hf/ in STUDY or RUN]")
@json_option
def command(directory: Path, library: str, out: Path | None, as_json: bool) -> None:
    """Export the model of a run folder, or the planned model of a study or plan, to another library.

    Writes weights, configuration and tokenizer, which give the same loss up to rounding. For a model that is not
    trained yet, see `isoflop plan --export`.
    """
    exported = export_hf(directory, out or directory / library)
    if as_json:
        print_json(exported.as_json())
        return
    facts = [
        ("Model", exported.model),
        ("Loss", f"{exported.result.val_loss_nats:.4f} nats a token on its validation text"),
        ("Files", ", ".join(exported.files)),
        ("Folder", str(exported.folder)),
    ]
    print_facts(facts)
