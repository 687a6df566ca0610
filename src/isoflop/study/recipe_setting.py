"""The recipe of a study: the table [recipe] of study.toml, copied from the file that was given when it began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from isoflop.arch.layout import HiddenOptimizer
from isoflop.errors import InputError
from isoflop.recipe.file import RecipeFile, read_recipe, recipe_of
from isoflop.recipe.tables import CorpusTable
from isoflop.runs.registry import ENGINES
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design


def with_recipe(existing: Mapping[str, object], requested: Mapping[str, object]) -> dict[str, object]:
    """`requested` settings in which a recipe, or the path of one, is the plain values of its keys.

    What the recipe names and a study has settings for becomes one of them, where they are not requested themselves;
    what only the recipe of the `existing` settings named goes back to its default.
    Raises InputError as `read_recipe` does.
    """
    changed = dict(requested)
    recipe = changed.get("recipe")
    if isinstance(recipe, str | Path):
        recipe = read_recipe(Path(recipe))
    if not isinstance(recipe, RecipeFile):
        return changed
    # which text is read is a setting of the study, which may be moved; the weights of its domains are the recipe's
    text, given = recipe.corpus, {"corpus", "text"} & changed.keys()
    if given and (text.name or text.text):
        raise InputError(f"--{min(given)}: the recipe names its text, {text.name or ', '.join(text.text or ())}")
    if text.text:
        changed |= {"corpus": "text", "text": list(text.text)}
    elif text.name:
        changed["corpus"] = text.name
    changed["recipe"] = replace(recipe, corpus=CorpusTable(weights=text.weights)).as_json()
    named = {"family": recipe.family and recipe.family_in_force(), "seq_len": recipe.context}
    before, _ = read_recipe_table(existing.get("recipe"))
    left: dict[str, object] = {}
    if before is not None:
        left |= {"family": "llama"} if before.family is not None else {}
        left |= {"seq_len": None} if before.context is not None else {}
    return left | {name: value for name, value in named.items() if value is not None} | changed


def read_recipe_table(value: object) -> tuple[RecipeFile | None, list[str]]:
    """(the recipe in the table [recipe], what is wrong with it, a line each); None where there is no table."""
    if value is None or isinstance(value, RecipeFile):
        return value, []
    if not isinstance(value, Mapping):
        return None, ["recipe: expected a table, [recipe]"]
    try:
        return recipe_of(value, "recipe"), []
    except InputError as error:
        lines = str(error).splitlines()
        return None, lines if len(lines) == 1 else [f"recipe: {line.removeprefix('  - ')}" for line in lines[1:]]


def against_recipe(recipe: RecipeFile | None, *, family: str, seq_len: int | None, engine: str) -> list[str]:
    """Where the settings of a study and its recipe contradict each other, a line each."""
    if recipe is None:
        return []
    problems = []
    if recipe.family is not None and recipe.family_in_force() != family:
        problems.append(f"family: the recipe says {recipe.family_in_force()}, got {family}; leave --family out")
    if recipe.context is not None and recipe.context != seq_len:
        problems.append(f"seq_len: the recipe says context = {recipe.context}, got {seq_len}; leave --seq-len out")
    if recipe.optimizer.hidden == "muon" and ENGINES[engine].settings.families is not None:
        problems.append(f"recipe.optimizer.hidden: the engine {engine} trains with adamw only; take local")
    return problems


def optimizer_where_none_is_named(folder: StudyFolder, engine: str) -> HiddenOptimizer | None:
    """The optimiser of the hidden matrices in a study whose recipe names none; None: the default recipe's.

    It is that of the runs that are designed, so that a study begun when the default was another continues with it; and
    AdamW for an engine that has no other.
    """
    if folder.sweep.exists():
        return Design.load(folder.sweep).specs[0].optimizer.hidden
    return "adamw" if ENGINES[engine].settings.families is not None else None
