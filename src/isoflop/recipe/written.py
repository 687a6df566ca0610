"""A recipe as TOML with comments: every number with its unit, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import tomli_w

from isoflop.arch import family_named
from isoflop.codec import Json
from isoflop.recipe.file import POSITIONS, RecipeFile
from isoflop.recipe.small import SmallRecipe
from isoflop.recipe.tables import BatchTable, CorpusTable, OptimizerTable, RatesTable, ScheduleTable, ShapeTable

_COMMENTS: Mapping[str, str] = {
    "family": "llama, gopher, gpt, gpt-rope, palm or moe",
    "positions": "rope, relative or learned: what the family has; gpt has learned or rope",
    "context": "tokens of a sequence; measured",
    "z_loss": "weight of ln^2 Z in what is minimised (Chowdhery et al. 2022); 1e-4 in palm",
    "masked_fraction": "share of each batch that is counted and not learnt from: wastes that share of the compute",
    "shape.layers": "layers of every size; leave it out for width_per_layer to decide",
    "shape.width_per_layer": "d_model / n_layers that is aimed at; measured",
    "shape.head_dim": "width of a head; measured",
    "optimizer.hidden": "adamw or muon, for the hidden matrices; embedding, head and vectors have AdamW",
    "optimizer.momentum": "Nesterov momentum of Muon (Jordan et al. 2024)",
    "optimizer.beta1": "of AdamW (Brown et al. 2020)",
    "optimizer.beta2": "of AdamW (Brown et al. 2020)",
    "optimizer.eps": "of AdamW (Brown et al. 2020)",
    "optimizer.weight_decay": "a step shrinks hidden matrices by rate x this; measured",
    "optimizer.clip_norm": "largest norm of the whole gradient (Brown et al. 2020)",
    "rates.hidden": "peak rate of the hidden matrices at d_model 64; measured",
    "rates.width_exponent": "the rate falls with this power of d_model; measured",
    "rates.embedding": "over the rate of the hidden matrices; measured",
    "rates.output_head": "over the rate of the hidden matrices; measured",
    "rates.vectors": "over the rate of the hidden matrices",
    "schedule.kind": "wsd (constant, then a cooldown), cosine or constant; measured",
    "schedule.final_fraction": "rate at the last token over the peak",
    "schedule.cooldown_fraction": "share of the tokens that the cooldown takes (Hagele et al. 2024)",
    "schedule.warmup_fraction": "largest share of the tokens for warm-up, N tokens at the most (Porian et al. 2024)",
    "batch.multiple": "of the default rule, 512 tokens a step x (run's tokens / 1e6)^0.8; measured",
    "corpus.name": "english or python, text that comes with isoflop's extras and this machine",
    "corpus.text": "files and folders, each a domain",
    "corpus.weights": "weight of each domain in the training text, by bytes",
    "batch.tokens": "tokens a step, in every run",
}
"""{key: its unit, and where its default comes from; "measured" is bench/recipe.py on the default text}."""


_ANY_VOCABULARY = 257
"""A vocabulary is of the text; no key of a recipe depends on it."""
_ANY_TEXT = CorpusTable()


def in_force(recipe: SmallRecipe, corpus: CorpusTable = _ANY_TEXT) -> RecipeFile:
    """Every key that `recipe` trains by, also those that nobody named, and the text that was named.

    It reads back to the same recipe.
    """
    optimizer, schedule, muon = recipe.run_optimizer(), recipe.schedule, recipe.optimizer.hidden == "muon"
    family = family_named(recipe.family)
    named, positions = _family_and_positions(recipe.family)
    return RecipeFile(
        family=named,
        positions=positions,
        context=recipe.seq_len,
        z_loss=family.z_loss if recipe.z_loss is None else recipe.z_loss,
        masked_fraction=recipe.masked_fraction,
        shape=ShapeTable(
            layers=recipe.n_layers,
            width_per_layer=recipe.aimed_width_per_layer if recipe.n_layers is None else None,
            head_dim=recipe.head_dim,
        ),
        optimizer=OptimizerTable(
            hidden=optimizer.hidden,
            momentum=optimizer.momentum if muon else None,
            beta1=optimizer.beta1,
            beta2=optimizer.beta2,
            eps=optimizer.eps,
            weight_decay=optimizer.weight_decay,
            clip_norm=optimizer.clip_norm,
        ),
        rates=RatesTable(
            hidden=recipe.hidden_rate,
            width_exponent=recipe.lr_exponent,
            embedding=optimizer.embedding_lr,
            output_head=None if family.tied_embedding else optimizer.output_head_lr,
            vectors=optimizer.vectors_lr,
        ),
        schedule=ScheduleTable(
            kind=schedule.kind,
            final_fraction=None if schedule.kind == "constant" else schedule.final_fraction,
            cooldown_fraction=schedule.cooldown_fraction if schedule.kind == "wsd" else None,
            warmup_fraction=recipe.warmup_fraction,
        ),
        batch=BatchTable(
            multiple=recipe.batch_multiple if recipe.fixed_batch is None else None, tokens=recipe.fixed_batch
        ),
        corpus=corpus,
    )


def _family_and_positions(family: str) -> tuple[str, Literal["rope", "relative", "learned"] | None]:
    """The keys that name a family: gpt with rotary positions is a family of its own; None where no table has it."""
    kinds: tuple[Literal["rope", "relative", "learned"], ...] = ("rope", "relative", "learned")
    found = [(name, kind) for name, has in POSITIONS.items() for kind in kinds if has.get(kind) == family]
    return found[0] if found else (family, None)


def as_toml(recipe: RecipeFile, head: str = "") -> str:
    """The keys of `recipe` that are set as TOML, each with its comment; `head` are lines above them."""
    values = recipe.as_json()
    lines = [f"# {line}" for line in head.splitlines()]
    lines += _lines("", {name: value for name, value in values.items() if not isinstance(value, dict)})
    for name, value in values.items():
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *_lines(f"{name}.", value)]
    return "\n".join(lines) + "\n"


def _lines(place: str, values: Mapping[str, Json]) -> list[str]:
    written = {name: _pair(name, value) for name, value in values.items()}
    widest = max(map(len, written.values()), default=0)
    return [
        f"{text:{widest}}  # {_COMMENTS[place + name]}" if place + name in _COMMENTS else text
        for name, text in written.items()
    ]


def _pair(name: str, value: Json) -> str:
    """`name = value` on one line, whatever the value is."""
    if not isinstance(value, dict | list):
        return tomli_w.dumps({name: value}).strip()
    parts = [_pair(key, part) for key, part in value.items()] if isinstance(value, dict) else map(_inline, value)
    return (
        f"{name} = {'{' if isinstance(value, dict) else '['}{', '.join(parts)}{'}' if isinstance(value, dict) else ']'}"
    )


def _inline(value: Json) -> str:
    return _pair("value", value).removeprefix("value = ")


def differences(whole: RecipeFile) -> list[tuple[str, Json, Json]]:
    """(key, in the default recipe of the family, here) of each key of a recipe in force that differs."""
    here = _flat(whole.as_json())
    default = _flat(in_force(SmallRecipe(family=whole.family_in_force(), vocab_size=_ANY_VOCABULARY)).as_json())
    names = dict.fromkeys([*default, *here])
    return [(name, default.get(name), here.get(name)) for name in names if default.get(name) != here.get(name)]


def _flat(values: Mapping[str, Json], place: str = "") -> dict[str, Json]:
    flat: dict[str, Json] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{place}{name}.") if isinstance(value, dict) else {place + name: value}
    return flat
