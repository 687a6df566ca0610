"""`isoflop recipe`: prints the recipe in force, and checks one in a file."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

import click

from isoflop.arch import FAMILIES
from isoflop.arch.layout import HiddenOptimizer
from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.tables import print_json, print_table, print_text
from isoflop.codec import Json
from isoflop.corpus.tokenizer import ByteTokenizer
from isoflop.errors import InputError, quoted
from isoflop.recipe.file import RecipeFile, read_recipe
from isoflop.recipe.large_range import EXPLAINED, JOINT_PARAMS
from isoflop.recipe.written import as_toml, differences, in_force

_HEAD = """A recipe of isoflop: how the runs of a study are trained. Keep the lines that you change.
Check it with: isoflop recipe FILE. Train with it: isoflop study FOLDER --recipe FILE"""


@verb("isoflop recipe --show --family gpt", "isoflop recipe recipe.toml", "isoflop recipe mine")
@click.argument("file", required=False, type=PATH)
@click.option("--show", is_flag=True, help="Print every key that is in force as TOML, with units and sources.")
@click.option("--family", type=click.Choice(sorted(FAMILIES)), help="Family of the default recipe. [llama]")
@json_option
def command(file: Path | None, show: bool, family: str | None, as_json: bool) -> None:
    """Check the recipe in FILE, or of a study, and show what it changes in the default one.

    Without FILE, or with --show, print the recipe in force.
    """
    named = RecipeFile() if file is None else _of_study(file) if file.is_dir() else read_recipe(file)
    if family is not None and named.family is not None and named.family_in_force() != family:
        raise InputError(f"--family {family}: {file} says {quoted(named.family_in_force())}; leave the option out")
    # a vocabulary is of the text, and no key of a recipe depends on it
    hidden = _optimizer_of(file) if file is not None and file.is_dir() else None
    recipe = named.small_recipe(ByteTokenizer.vocab_size, family=family or "llama", hidden=hidden)
    whole = in_force(recipe, named.corpus)
    changed = differences(whole)
    if as_json:
        listed = [{"key": key, "default": before, "here": here} for key, before, here in changed]
        beyond = {"above_params": JOINT_PARAMS, "rule": EXPLAINED}
        print_json({"recipe": whole.as_json(), "differs": listed, "not_measured": beyond})
    elif file is None or show:
        click.echo(as_toml(whole, f"{_HEAD}\n{fill(EXPLAINED[0].upper() + EXPLAINED[1:] + '.', 110)}"), nl=False)
    elif not changed:
        print_text(f"{file}: the default recipe of {recipe.family}, unchanged.")
    else:
        print_text(f"{file}: what differs from the default recipe of {recipe.family}.")
        print_table(["Key", "Default", "Here"], [[key, _text(before), _text(here)] for key, before, here in changed])


def _of_study(folder: Path) -> RecipeFile:
    """The recipe of the study in `folder`, with the family, the context and the text that its options set."""
    from isoflop.study.folder import StudyFolder  # what most calls do without
    from isoflop.study.settings import read_settings

    return read_settings(StudyFolder(folder)).whole_recipe


def _optimizer_of(folder: Path) -> HiddenOptimizer | None:
    """The optimiser of the hidden matrices of a study whose recipe names none; None: the default recipe's."""
    from isoflop.study.folder import StudyFolder  # what most calls do without
    from isoflop.study.recipe_setting import optimizer_where_none_is_named
    from isoflop.study.settings import read_settings

    place = StudyFolder(folder)
    return optimizer_where_none_is_named(place, read_settings(place).engine)


def _text(value: Json) -> str:
    return "-" if value is None else str(value)
