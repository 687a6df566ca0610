"""What columns are called, by field: whole names, and the words that names of counts are made of."""

from __future__ import annotations

import re

from isoflop.observations.aliases import ALIASES
from isoflop.observations.name_parts import words_of
from isoflop.observations.unit_words import plain_text

LETTERS = {"n": "N", "d": "D", "c": "C", "l": "loss"}
"""A letter alone is the weakest name of all: L may be layers, and D a width."""
ONE_LETTER = 4000

CHINCHILLA_RATIO = 20.0
"""Tokens a parameter that names such as `chinchilla_multiple` are multiples of (Hoffmann et al. 2022)."""
_CHINCHILLA = frozenset(
    {"multiple", "multiples", "multiplier", "ratio", "factor", "x", "multiplicity", "scale", "units"}
)

# The head of a count and the words that may stand beside it: "num_total_training_tokens" is tokens.
_HEADS = {
    "N": ("params", "param", "parameters", "parameter"),
    "D": ("tokens", "token"),
    "C": ("flops", "flop", "flos", "compute"),
    "step": ("steps", "iterations", "iters", "updates"),
}
_BESIDE = {
    "N": frozenset({
        "n", "num", "nr", "number", "of", "the", "count", "counts", "total", "model", "size", "active",
        "activated", "trainable", "non", "no", "without", "excl", "excluding", "with", "incl", "including",
        "embedding", "embeddings", "embed", "emb", "embs", "nonembedding", "nonembed", "nonemb", "precise",
        "exact", "approx", "all", "dense", "llm", "lm", "our", "#", "and",
    }),
    "D": frozenset({
        "n", "num", "nr", "number", "of", "the", "count", "total", "train", "training", "trained", "seen",
        "consumed", "processed", "input", "cumulative", "cum", "global", "all", "so", "far", "d", "budget",
        "data", "dataset", "size", "elapsed", "used", "target", "planned", "pretrain", "pretraining",
        "pretrained", "final", "actual", "#", "end", "at", "text",
    }),
    "C": frozenset({
        "n", "num", "nr", "number", "of", "the", "count", "total", "train", "training", "model",
        "cumulative", "cum", "used", "spent", "est", "estimated", "estimate", "actual", "theoretical",
        "exact", "all", "final", "pretrain", "pretraining", "c", "#", "floating", "point", "operations", "6", "nd",
    }),
    "step": frozenset({
        "n", "num", "number", "of", "total", "train", "training", "trained", "max", "optimizer", "optim",
        "global", "completed",
    }),
}  # fmt: skip
_EMBEDDING = frozenset({
        "embedding", "embeddings", "embed", "emb", "embs",
})  # fmt: skip
_WITHOUT = frozenset({
    "non", "no", "without", "excl", "excluding", "with", "incl", "including", "and",
})  # fmt: skip
_NOT_ALL = {"active": 30, "activated": 30, "non": 40, "no": 40, "without": 40, "excl": 40, "excluding": 40,
            "nonembedding": 40, "nonembed": 40, "nonemb": 40, "trainable": 10, "precise": 5}  # fmt: skip
_OPERATIONS = ("floating", "point", "operations")


def fields_of(words: tuple[str, ...], path: tuple[str, ...], *, ratio: bool = False) -> list[tuple[str, int]]:
    """(field, rank) of a name in `words`, lowest best: from 0 whole names, 200 made of known words, 1000 ends of a
    tracker's path, 4000 one letter.

    A name that divides one quantity by another (`ratio`) is no count.
    """
    plain = "".join(word for word in words if word.isalnum())
    if ratio:
        whole = "".join([*(word for word in path[-1:] if word.isalnum()), plain])
        return [("tokens_per_param", 0)] if whole in ALIASES["tokens_per_param"] else []
    if _is_chinchilla_ratio(words):
        return [("tokens_per_param", 10)]
    if path[-1:] == ("time",) and plain in ("token", "batch", "sample"):  # Composer
        return [({"token": "D", "batch": "step", "sample": "samples"}[plain], 1100)]
    joined = "".join(char for piece in (*path, *words) for char in piece if char.isalnum())
    found = [(field, names.index(joined)) for field, names in ALIASES.items() if joined in names]
    if found:
        return found
    later = 1000 if path else 0
    found = [
        (field, later + names.index(plain))
        for field, names in ALIASES.items()
        if plain in names and len(plain) > 1 and not (field in ("failure_reason", "failed") and path)
    ]
    found = found or [(field, later + 200 + rank) for field, rank in _composed(words, path)]
    if not found and not path and plain in LETTERS:
        found = [(LETTERS[plain], ONE_LETTER)]
    return found


def is_chinchilla_ratio(words: tuple[str, ...]) -> bool:
    """Whether the words name a multiple of 20 tokens a parameter: "chinchilla_multiple", "xC"."""
    return _is_chinchilla_ratio(words)


def _is_chinchilla_ratio(words: tuple[str, ...]) -> bool:
    rest = set(words) - {"of", "optimal", "the", "tokens", "data"}
    if words in (("x", "c"), ("xc",), ("x", "chinchilla"), ("chinchilla",)):
        return words != ("chinchilla",)
    return "chinchilla" in rest and bool(rest & _CHINCHILLA) and not rest - _CHINCHILLA - {"chinchilla"}


def _composed(words: tuple[str, ...], path: tuple[str, ...]) -> list[tuple[str, int]]:
    given = set(words)
    if (
        words[:1] == ("n",)
        and len(words) > 1
        and given <= _BESIDE["N"]
        and not (given & _EMBEDDING and not given & _WITHOUT)
    ):
        return [("N", len(words) + sum(_NOT_ALL.get(word, 0) for word in given))]  # "N (non-emb)", "N (total)"
    if given >= set(_OPERATIONS) and given <= _BESIDE["C"]:
        return [("C", len(words))]
    for field, heads in _HEADS.items():
        head = given & set(heads)
        rest = given - head
        if not head or rest - _BESIDE[field] or given == {"token"}:
            continue
        if field == "N" and rest & _EMBEDDING and not rest & _WITHOUT:
            return []  # parameters of the embedding alone
        if field == "C" and path and path[-1].startswith("throughput") and "total" not in rest:
            return []  # a rate
        return [(field, len(words) + sum(_NOT_ALL.get(word, 0) for word in rest))]
    return []


_OF_FLOPS = re.compile(r"[kmgtpezy]?flo(p|ps|s)|compute|isoflops?|budget|[pez]f")
_RATES = frozenset({
    "per", "s", "sec", "second", "utilization", "mfu", "hfu", "throughput", "ratio", "time", "peak",
    "gpu", "device", "rate", "dtype",
})  # fmt: skip


def speaks_of_flops(name: str) -> bool:
    """Whether a name speaks of an amount of compute; a rate or a share is none."""
    words = set(words_of(plain_text(name)))
    return any(_OF_FLOPS.fullmatch(word) for word in words) and not words & (_RATES | {"tokens", "token", "params"})


def is_unit_of_flops(name: str) -> bool:
    """Whether the last part of a name is a unit of FLOPs that rates have too, as TFLOPs is."""
    return bool(re.fullmatch(r"[kmgtp]flops?", "".join(words_of(plain_text(name).rpartition("/")[2]))))
