"""recipe.toml: what somebody trains otherwise than the default recipe. Only what it names differs.

>>> recipe = recipe_of({"optimizer": {"hidden": "muon"}, "batch": {"multiple": 0.5}}, "recipe.toml")
>>> recipe.small_recipe(vocab_size=257).optimizer.hidden
'muon'
>>> recipe_of({"shedule": {}}, "recipe.toml")
Traceback (most recent call last):
isoflop.errors.InputError: recipe.toml: shedule: no key of a recipe; did you mean schedule?
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, cast, get_type_hints

from annotated_types import Ge, Le

from isoflop.arch import FAMILIES
from isoflop.arch.layout import HiddenOptimizer
from isoflop.codec import Json, JsonObject, from_json, to_json
from isoflop.errors import InputError, close_names, printable, quoted
from isoflop.json_values import toml_value
from isoflop.recipe.small import SmallRecipe
from isoflop.recipe.tables import (
    BatchTable,
    CorpusTable,
    OptimizerTable,
    RatesTable,
    ScheduleTable,
    ShapeTable,
    Weight,
)
from isoflop.regular_files import read_through_links

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

D = TypeVar("D", bound="DataclassInstance")
T = TypeVar("T")
POSITIONS: Mapping[str, Mapping[str, str]] = {
    "llama": {"rope": "llama"},
    "gopher": {"relative": "gopher"},
    "gpt": {"learned": "gpt", "rope": "gpt-rope"},
    "gpt-rope": {"rope": "gpt-rope", "learned": "gpt"},
    "palm": {"rope": "palm"},
}
"""{family: {positions that it may have: the family that has them}}."""
SCHEMA = 1
"""Version of recipe.toml. Raise it when a key changes its meaning."""
_ALSO_CALLED = {
    "context": ("seq_len", "sequence_length", "block_size"),
    "shape.layers": ("n_layers", "num_layers", "depth"),
    "rates.hidden": ("lr", "peak_lr", "learning_rate", "matrix_lr"),
    "rates.embedding": ("embedding_lr", "embed_lr"),
    "rates.output_head": ("output_head_lr", "head_lr"),
    "rates.vectors": ("vectors_lr", "scalar_lr"),
    "optimizer.hidden": ("optimiser", "type"),
    "optimizer.clip_norm": ("grad_clip", "clip", "max_grad_norm"),
    "schedule.final_fraction": ("min_lr", "min_lr_fraction"),
    "schedule.warmup_fraction": ("warmup", "warmup_steps"),
    "batch.tokens": ("batch_size", "batch_tokens"),
}
"""{key of a recipe: what others call it}."""


@dataclass(frozen=True, kw_only=True)
class RecipeFile:
    """The content of recipe.toml; what is None is as in the default recipe."""

    schema: int = SCHEMA
    family: str | None = None
    positions: Literal["rope", "relative", "learned"] | None = None
    context: Annotated[int, Ge(8), Le(2**20)] | None = None
    z_loss: Weight | None = None
    masked_fraction: Annotated[float, Ge(0), Le(0.99)] | None = None
    shape: ShapeTable = field(default_factory=ShapeTable)
    optimizer: OptimizerTable = field(default_factory=OptimizerTable)
    rates: RatesTable = field(default_factory=RatesTable)
    schedule: ScheduleTable = field(default_factory=ScheduleTable)
    batch: BatchTable = field(default_factory=BatchTable)
    corpus: CorpusTable = field(default_factory=CorpusTable)

    def as_json(self) -> JsonObject:
        """Its keys that are set, table by table: what `recipe_of` reads back."""
        return {name: part for name, part in _set_fields(self).items() if name != "schema"}

    def problems(self) -> list[str]:
        """What is wrong with keys that are right one by one, a line each."""
        problems = []
        if self.schema != SCHEMA:
            problems.append(f"schema: this version of isoflop reads {SCHEMA}, got {self.schema}")
        if self.family is not None and self.family not in FAMILIES:
            problems.append(f"family: no family {self.family!r}; did you mean {close_names(self.family, FAMILIES)}?")
        elif self.family is not None:
            problems += self._family_problems(self.family)
        if self.batch.multiple is not None and self.batch.tokens is not None:
            problems.append("batch: expected multiple or tokens, not both")
        if self.corpus.name is not None and self.corpus.text is not None:
            problems.append("corpus: expected name or text, not both")
        if self.corpus.text == ():
            problems.append("corpus.text: expected files or folders, got none")
        if self.optimizer.momentum is not None and self.optimizer.hidden == "adamw":
            problems.append('optimizer.momentum: expected with hidden = "muon"; AdamW has beta1')
        if self.schedule.kind == "constant" and self.schedule.final_fraction is not None:
            problems.append("schedule.final_fraction: a constant rate has none")
        if self.schedule.kind in ("cosine", "constant") and self.schedule.cooldown_fraction is not None:
            problems.append('schedule.cooldown_fraction: expected with kind = "wsd"')
        return problems

    def _family_problems(self, family: str) -> list[str]:
        """What of it the `family` cannot have, a line each."""
        problems = []
        if self.positions is not None and self.positions not in (has := POSITIONS.get(family, {})):
            problems.append(f"positions: {family} has {' or '.join(has) or 'its own'}, got {self.positions}")
        if FAMILIES[family].tied_embedding and self.rates.output_head is not None:
            problems.append(f"rates.output_head: the head of {family} is its embedding; set rates.embedding")
        return problems

    def family_in_force(self, family: str = "llama") -> str:
        """The family that is trained, `family` where it names none: gpt with rotary positions is gpt-rope."""
        named = self.family or family
        return named if self.positions is None else POSITIONS.get(named, {}).get(self.positions, named)

    def small_recipe(
        self,
        vocab_size: int,
        *,
        family: str = "llama",
        seq_len: int | None = None,
        hidden: HiddenOptimizer | None = None,
    ) -> SmallRecipe:
        """The recipe of models of any size for a vocabulary.

        `family`, `seq_len` and `hidden`, the optimiser of the hidden matrices, hold where it names none.

        Raises InputError for what the family cannot have, and for a fixed batch that is no whole number of sequences.
        """
        if problems := self._family_problems(self.family or family):
            raise InputError.gathered("recipe", problems)
        base = SmallRecipe(family=self.family_in_force(family), vocab_size=vocab_size)
        base = replace(base, seq_len=self.context or seq_len or base.seq_len)
        if self.batch.tokens is not None:
            # what is masked need not be whole sequences, what is left has to be, to a token
            kept = 1 - (self.masked_fraction or 0.0)
            nearest = round(base.seq_len * max(1, round(kept * self.batch.tokens / base.seq_len)) / kept)
            if nearest != self.batch.tokens:
                raise InputError(
                    f"batch.tokens: expected whole sequences of {base.seq_len} tokens"
                    f"{' without the masked ones' if kept < 1 else ''}, got {self.batch.tokens}; take {nearest}"
                )
        rates = {f"{name}_lr": getattr(self.rates, name) for name in ("output_head", "vectors")}
        changes: dict[str, object] = {
            "n_layers": self.shape.layers,
            "width_per_layer": self.shape.width_per_layer,
            "head_dim": self.shape.head_dim,
            "hidden_lr": self.rates.hidden,
            "lr_exponent": self.rates.width_exponent,
            "embedding_multiple": self.rates.embedding,
            "batch_multiple": self.batch.multiple,
            "fixed_batch": self.batch.tokens,
            "z_loss": self.z_loss,
            "masked_fraction": self.masked_fraction,
            "warmup_fraction": self.schedule.warmup_fraction,
            "schedule": _changed(base.schedule, {**vars(self.schedule), "warmup_fraction": None}),
            "optimizer": _changed(base.optimizer, {"hidden": hidden, **_named(self.optimizer), **rates}),
        }
        return _changed(base, changes)


def read_recipe(path: Path) -> RecipeFile:
    """The recipe in a file of TOML, paths in it absolute.

    Raises InputError that lists every problem of the file at once.
    """
    try:
        value = toml_value(read_through_links(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; `isoflop recipe --show` prints a recipe to begin with") from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; expected a recipe in TOML") from error
    except ValueError as error:
        raise InputError(f"{path}: not TOML ({error}); `isoflop recipe --show` prints a recipe") from error
    recipe = recipe_of(value, str(path))
    if recipe.corpus.text is None:
        return recipe
    text = tuple(os.path.abspath(path.parent / part) for part in recipe.corpus.text)
    return replace(recipe, corpus=replace(recipe.corpus, text=text))


def recipe_of(value: Mapping[str, object], what: str) -> RecipeFile:
    """The recipe that plain values state; `what` names them. Raises InputError that lists every problem."""
    problems: list[str] = []
    recipe = _table(RecipeFile, value, "", problems)
    if problems := problems + recipe.problems():
        raise InputError.gathered(what, problems)
    return recipe


def _table(kind: type[T], value: Mapping[str, object], place: str, problems: list[str]) -> T:
    """The table of `kind` with those of its keys that are right; the others are added to `problems`, a line each."""
    hints = get_type_hints(kind, include_extras=True)
    right: dict[str, object] = {}
    for key, part in value.items():
        name = f"{place}{printable(key)[:60]}"
        if key not in hints:
            problems.append(f"{name}: no key of a recipe; {_meant(key, list(hints))}")
        elif is_dataclass(hints[key]):
            if isinstance(part, Mapping):
                right[key] = _table(cast(type, hints[key]), part, f"{key}.", problems)
            else:
                problems.append(f"{name}: expected a table, [{key}], got {quoted(part)}")
        else:
            try:
                right[key] = from_json(hints[key], part, name)
            except InputError as error:
                problems += _within(name, error)
            except TypeError:  # TOML has dates, JSON has none
                problems.append(f"{name}: expected a number or text, got {quoted(str(part))}")
    return kind(**right)


def _within(name: str, error: InputError) -> list[str]:
    """The problems that reading the value of the key `name` gave, a line each with its place."""
    first, *others = str(error).removeprefix(f"{name}: ").splitlines()
    lines = [line.removeprefix("  - ") for line in others] or [first]
    return [f"{name}: {line.removeprefix('it: ')}" if line.startswith("it: ") else f"{name}.{line}" for line in lines]


def _meant(key: str, names: list[str]) -> str:
    """What somebody may have meant by a word that is no key of the table with `names`."""
    called = {word: [name] for name, words in _ALSO_CALLED.items() for word in words}
    elsewhere = called.get(key.lower()) or [name for name in _KEYS if name.rpartition(".")[2] == key]
    near = elsewhere or get_close_matches(key.lower(), names, n=2) or get_close_matches(key.lower(), _KEYS, n=2)
    return f"did you mean {' or '.join(near)}?" if near else f"expected {', '.join(names)}"


def _keys(kind: type, place: str = "") -> Iterator[str]:
    """Every key that a recipe may have, with its table, and every table."""
    for name, hint in get_type_hints(kind).items():
        yield place + name
        if is_dataclass(hint):
            yield from _keys(cast(type, hint), f"{name}.")


_KEYS = tuple(_keys(RecipeFile))


def _set_fields(table: DataclassInstance) -> JsonObject:
    """The fields of a table that are set; of tables in it those that have any."""
    written: JsonObject = {}
    for part in fields(table):
        value = getattr(table, part.name)
        inner: Json = _set_fields(value) if is_dataclass(value) and not isinstance(value, type) else to_json(value)
        if inner is not None and inner != {}:
            written[part.name] = inner
    return written


def _changed(value: D, changes: Mapping[str, object]) -> D:
    """`value` with those of `changes` that are not None."""
    return replace(value, **{name: change for name, change in changes.items() if change is not None})


def _named(table: OptimizerTable) -> dict[str, object]:
    """The keys of a table that are set, with their values."""
    return {name: value for name, value in vars(table).items() if value is not None}
