"""What must be equal between two recipes, and what is: listed before any number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

from isoflop.compare.cells import SAME_LENGTH, Cell
from isoflop.compare.result import Audit
from isoflop.compare.sides import FinalRun, Side
from isoflop.logs.run import Setting, setting_text
from isoflop.units import format_number

UNKNOWN = "unknown"
_RATES = ("lr", "learning_rate", "max_lr", "peak_lr")
_REPEATS = ("epochs", "num_train_epochs", "max_epochs", "data_epochs")
_FREELY_REPEATED = 4.0
_SAME_DECAY = 0.05
"""Of the peak: rates that end closer than this count as the same decay."""
_FEWEST_DIGITS, _SMALL_COUNT = 3, 1e6


def audit(a: Side, b: Side, cells: Sequence[Cell]) -> tuple[Audit, ...]:
    """Everything that has to be equal, in order of weight, then the settings in which the recipes differ."""
    return (
        _same("tokenizer", a.tokenizer, b.tokenizer, must=True, remark="their losses per token do not compare"),
        _evaluation(a, b),
        _same("loss unit", a.loss_unit, b.loss_unit, must=True, remark="losses of two units do not compare"),
        _same("FLOPs", a.flops_convention or "6ND", b.flops_convention or "6ND", remark="count both by one convention"),
        _same("params convention", a.params_convention, b.params_convention, remark="count both by one convention"),
        _tokens(a, b, cells),
        _schedule(a, b),
        _rates(a, b),
        _decay(a, b),
        _labels(a, b),
        _repeats(a, b),
        *_settings(a, b),
    )


def _same(what: str, a: str | None, b: str | None, *, must: bool = False, remark: str = "") -> Audit:
    equal = a is not None and a == b
    return Audit(what=what, a=a or UNKNOWN, b=b or UNKNOWN, equal=equal, must=must, remark="" if equal else remark)


def _evaluation(a: Side, b: Side) -> Audit:
    """Equal where both name the same bytes of each common set; sets that one side lacks are named."""
    common = [name for name in a.sets if name in b.sets]
    stated = [name for name in common if name in a.evaluation and name in b.evaluation]
    differ = [name for name in stated if a.evaluation[name] != b.evaluation[name]]
    if differ:
        words = [", ".join(f"{name}: {side.evaluation[name]}" for name in differ) for side in (a, b)]
        remark = "losses on different bytes do not compare"
        return Audit(what="evaluation bytes", a=words[0], b=words[1], equal=False, must=True, remark=remark)
    lists = [_listed(side.sets) for side in (a, b)]
    same = set(a.sets) == set(b.sets)
    if same and len(stated) == len(common):
        return Audit(what="evaluation bytes", a=lists[0], b=lists[1], equal=True, must=True)
    remark = "" if same else f"compared on {_listed(common)}"
    remark = remark or "the sets have the same names; whether their bytes are the same is not stated"
    return Audit(what="evaluation sets", a=lists[0], b=lists[1], equal=same, remark=remark)


def _tokens(a: Side, b: Side, cells: Sequence[Cell]) -> Audit:
    what = "tokens" if any(run.tokens is not None for run in (*a.runs, *b.runs)) else "steps"
    digits = _digits({run.length for side in (a, b) for run in side.runs if run.length is not None})
    lengths = [_listed(_numbers((run.length for run in side.runs), digits)) for side in (a, b)]
    equal = bool(cells) and all(cell.same_length for cell in cells)
    remark = "" if equal else f"the baseline's slope brings the losses to equal {what}"
    used = {run.name for cell in cells for run in (*cell.a.runs, *cell.b.runs)}
    left = sum(run.name not in used for run in (*a.runs, *b.runs))
    if equal and left:
        remark = f"{left} runs have no partner of their size and length"
    return Audit(what=what, a=lengths[0], b=lengths[1], equal=equal, remark=remark)


def _schedule(a: Side, b: Side) -> Audit:
    """Equal where every run of both came to the end of its own schedule."""
    words, equal = [], True
    for side in (a, b):
        ended = [run.finished for run in side.runs]
        unfinished = sum(each is False for each in ended)
        unknown = sum(each is None for each in ended)
        equal = equal and not unfinished and not unknown
        words.append(f"{unfinished} of {len(ended)} unfinished" if unfinished else UNKNOWN if unknown else "ended")
    remark = "" if equal else "a loss from the middle of a schedule does not rank recipes"
    return Audit(what="schedule run to its end", a=words[0], b=words[1], equal=equal, remark=remark)


def _rates(a: Side, b: Side) -> Audit:
    """The learning rates; equal where both sides tried at least three at one cell, so that each can have its best."""
    tried = [sorted({rate for run in side.runs if (rate := _rate(run)) is not None}) for side in (a, b)]
    words = [_listed(_numbers(rates)) or UNKNOWN for rates in tried]
    equal = all(tried) and tried[0] == tried[1]
    remark = "whether each side has its own best rate is not known from these runs; an under-tuned baseline makes gains"
    return Audit(what="learning rate", a=words[0], b=words[1], equal=equal, remark=remark)


def _decay(a: Side, b: Side) -> Audit:
    """Where the learning rates ended, as shares of their peaks: a schedule that does not decay ends higher."""
    ends = [[run.last_lr_share for run in side.runs if run.last_lr_share is not None] for side in (a, b)]
    words = [UNKNOWN if not each else _share_words(each) for each in ends]
    equal = all(ends) and abs(median(ends[0]) - median(ends[1])) <= _SAME_DECAY
    remark = "" if equal or not all(ends) else "a rate that ends near its peak costs the loss that the decay brings"
    return Audit(what="learning rate at the end", a=words[0], b=words[1], equal=equal, remark=remark)


def _share_words(shares: Sequence[float]) -> str:
    low, high = (format_number(100 * end, 2) for end in (min(shares), max(shares)))
    return f"{low} % of its peak" if low == high else f"{low} to {high} % of its peak"


def _rate(run: FinalRun) -> float | None:
    """As set, else the highest that was logged."""
    stated = _setting(run, _RATES)
    return run.peak_lr if stated is None else stated


def _labels(a: Side, b: Side) -> Audit:
    """Seeds: equal where both share them or neither tells."""
    labels = [{run.label for run in side.runs if run.label is not None} for side in (a, b)]
    words = [_listed(sorted(each)) if each else UNKNOWN for each in labels]
    equal = labels[0] == labels[1]
    remark = "" if equal else "seeds that one side alone repeats make its runs more similar than the other's"
    return Audit(what="seeds", a=words[0], b=words[1], equal=equal, remark=remark)


def _repeats(a: Side, b: Side) -> Audit:
    most = [
        max((value for run in side.runs if (value := _setting(run, _REPEATS)) is not None), default=None)
        for side in (a, b)
    ]
    words = [UNKNOWN if value is None else format_number(value) for value in most]
    many = any(value is not None and value > _FREELY_REPEATED for value in most)
    remark = "text repeated more than four times counts less than fresh text" if many else ""
    return Audit(what="epochs", a=words[0], b=words[1], equal=most[0] is not None and most[0] == most[1], remark=remark)


def _settings(a: Side, b: Side) -> list[Audit]:
    """The settings in which the recipes differ: what is compared, and what should not have changed with it."""
    names = sorted(set(a.settings) | set(b.settings))
    return [
        Audit(what=name, a=_value(a.settings.get(name)), b=_value(b.settings.get(name)), equal=False)
        for name in names
        if a.settings.get(name) != b.settings.get(name)
    ]


def _value(setting: Setting) -> str:
    """As people write it: whole numbers without a point, whatever a table made of them."""
    return UNKNOWN if setting is None else setting_text(setting)


def _setting(run: FinalRun, names: Sequence[str]) -> float | None:
    for key, value in run.settings.items():
        if key.rsplit(".", 1)[-1].lower() in names and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return None


def _numbers(values: Iterable[float | None], digits: int = 3) -> list[str]:
    return [format_number(value, digits) for value in sorted({value for value in values if value is not None})]


def _digits(values: set[float]) -> int:
    """As many as tell the values apart, up to what tells lengths apart at all; all of small counts."""
    most = 1 - round(math.log10(SAME_LENGTH))
    if max(values, default=0) < _SMALL_COUNT:
        return most
    for digits in range(_FEWEST_DIGITS, most):
        if len({format_number(value, digits) for value in values}) == len(values):
            return digits
    return most


def _listed(words: Sequence[str], most: int = 6) -> str:
    return ", ".join(words) if len(words) <= most else f"{', '.join(words[:most])} and {len(words) - most} more"
