"""What a logged loss was measured on, by its name: text of training, or an evaluation set and which.

The same set has the same name from every kind of log: `eval_loss`, `eval/loss`, `val_loss` are of `validation`;
`eval/c4/CrossEntropyLoss`, `loss_c4`, `c4_val_loss`, `loss[val/c4/00001.tar]` of `c4`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from isoflop.observations.loss_names import is_smoothed, loss_of
from isoflop.observations.name_parts import name_readings, words_of

Text = Literal["training", "evaluation", "unstated"]

DEFAULT_SET = "validation"
"""The evaluation set of a name that says evaluation and no more."""
UNSTATED = "loss"
"""The set of a loss of which nothing says on what text it was measured."""
_EVALUATION = frozenset({
    "eval", "evals", "evaluation", "val", "valid", "validation", "dev", "heldout", "test", "holdout",
})  # fmt: skip
_TRAINING = frozenset({"train", "training", "trn", "trainer", "tr"})
_LOSS = frozenset({
    "loss", "losses", "cross", "entropy", "crossentropy", "crossentropyloss", "xent", "ce", "nll", "lm", "language",
    "negative", "neg", "log", "likelihood", "perplexity", "ppl", "bpb", "bpt", "bpc", "bits", "nats", "per", "byte",
    "token", "char", "character", "final", "global", "avg", "average", "mean", "metrics", "metric", "epoch", "step",
    "total", "orig", "value", "set", "optim", "in", "of", "on", "the", "smooth", "smoothed", "ema", "main",
})  # fmt: skip
_EXTREME = frozenset({"min", "max", "minimum", "maximum"})
_BRACKETS = re.compile(r"[\[(](.+)[\])]\s*$")
_SHARD = re.compile(r"[^/]*\.(tar|jsonl?|npy|bin|parquet|txt|zst|gz)(\.gz)?", re.IGNORECASE)
_LONGEST = 300
_EPOCH = re.compile(r"epoch", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class LoggedLoss:
    """What the name of a logged quantity says about a loss."""

    name: str
    """As it is logged."""
    text: Text
    """What it was measured on."""
    set_path: tuple[str, ...]
    """Names that lead to the evaluation set, the outermost first; empty for a loss of training or of unstated text."""
    unit: str
    """One of `observations.LOSS_UNITS` where the name states it; else empty."""
    scale: float
    """Factor from the number to that unit: -1 where the sign is reversed."""
    logarithm: str
    """`log10`, `log2` or `ln` where the numbers are logarithms of the loss, `log` where the base is open."""
    rank: tuple[int, int]
    """Of several names of one loss the lowest is the plainest."""


@lru_cache(maxsize=4096)
def logged_loss(name: str) -> LoggedLoss | None:
    """What `name` says about a loss; None where it names none.

    >>> logged_loss("eval/c4_en-validation/CrossEntropyLoss").set_path
    ('c4_en-validation',)
    >>> logged_loss("train/loss").text, logged_loss("loss").text, logged_loss("eval/accuracy")
    ('training', 'unstated', None)
    """
    if not name or len(name) > _LONGEST:
        return None
    found = loss_of(name, name_readings(name))
    if found is None or found.rank >= 4000 or _EXTREME & set(words_of(name)):  # 4000: a letter alone
        return None
    text, path = _measured_on(name)
    lesser = 10 * is_smoothed(name) + bool(_EPOCH.search(name)) + 5 * (found.rank >= 3500)
    return LoggedLoss(
        name=name,
        text=text,
        set_path=path,
        unit=found.unit,
        scale=found.scale,
        logarithm=found.logarithm,
        rank=(lesser, found.rank),
    )


def evaluation_sets(losses: Iterable[LoggedLoss]) -> dict[str, str]:
    """{name as logged: its evaluation set}, of the losses that were measured on one.

    A set is called by the last part of its path, or by as much of it as tells it from the others.

    >>> names = ["loss[val/c4/0001.tar]", "loss[val/books/0001.tar]", "eval_loss"]
    >>> evaluation_sets(loss for loss in map(logged_loss, names) if loss)
    {'loss[val/c4/0001.tar]': 'c4', 'loss[val/books/0001.tar]': 'books', 'eval_loss': 'validation'}
    """
    paths = {loss.name: loss.set_path or (DEFAULT_SET,) for loss in losses if loss.text == "evaluation"}
    sets: dict[str, str] = {}
    for name, path in paths.items():
        others = {other for other in paths.values() if other != path}
        least = next(
            (k for k in range(1, len(path) + 1) if not any(other[-k:] == path[-k:] for other in others)), len(path)
        )
        sets[name] = "/".join(path[-least:])
    return sets


def _measured_on(name: str) -> tuple[Text, tuple[str, ...]]:
    """(text, path of the set) of a name of a loss."""
    bracket = _BRACKETS.search(name)
    if bracket is not None and not _only(words_of(bracket[1]), _LOSS):
        inside = [part for part in bracket[1].split("/") if part]
        if len(inside) > 1 and _SHARD.fullmatch(inside[-1]):
            inside = inside[:-1]
        words = frozenset(words_of(bracket[1]))
        if _only(words, _TRAINING):
            return "training", ()
        return "evaluation", () if _only(words, _EVALUATION) else tuple(inside)
    plain = name[: bracket.start()] if bracket is not None else name
    parts = [part for part in re.split(r"[/|]|(?<!\d)\.(?!\d)", plain) if part.strip()]
    words = frozenset(word for part in parts for word in _words(part))
    path = tuple(kept for part in parts if (kept := _set_of(part)))
    if words & _EVALUATION:
        test = not path and "test" in words and not words & (_EVALUATION - {"test", "eval", "evaluation"})
        return "evaluation", ("test",) if test else path
    if words & _TRAINING:
        return "training", ()
    return ("evaluation", path) if path else ("unstated", ())


def _set_of(part: str) -> str:
    """What remains of one part of a path without its words of losses and roles; a part without such is whole."""
    words = frozenset(_words(part))
    if _only(words, _LOSS | _EVALUATION | _TRAINING):
        return ""
    return _trimmed(part) if words & _LOSS else part.strip()


def _trimmed(part: str) -> str:
    """A part of a name without words of losses and roles at its two ends."""
    pieces = [piece for piece in re.split(r"([_ .\-:]+)", part.strip()) if piece]
    while pieces and (_is_sign(pieces[0]) or _only(_words(pieces[0]), _LOSS | _EVALUATION | _TRAINING)):
        pieces.pop(0)
    while pieces and (_is_sign(pieces[-1]) or _only(_words(pieces[-1]), _LOSS | _EVALUATION | _TRAINING)):
        pieces.pop()
    return "".join(pieces)


def _is_sign(piece: str) -> bool:
    return not any(char.isalnum() for char in piece)


def _only(words: Iterable[str], known: frozenset[str]) -> bool:
    return set(words) <= known


def _words(text: str) -> list[str]:
    return [word for word in words_of(text) if word.isalnum()]
