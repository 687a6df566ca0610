"""Which logged name is which quantity of a run: steps, tokens, learning rate, losses and so on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from isoflop.logs.loss_sets import LoggedLoss, Text, evaluation_sets, logged_loss
from isoflop.observations.column_names import is_unit_of_flops
from isoflop.observations.columns import Candidate, candidates, field_named

_RATE = re.compile(r"(^|[^a-z])(lr|learning[_ ]?rate)([^a-z]|$)", re.IGNORECASE)
_NO_RATE = re.compile(r"sched|mult|scale|ratio|decay|warm|loss", re.IGNORECASE)
_HIDDEN = re.compile(r"hidden|matri|muon", re.IGNORECASE)
# Loggers' own names; letters and digits only. The calls of a logger come last: they need not be optimiser steps.
_OF_EVALUATION = re.compile(r"(^|[/_.])(eval\w*|val|valid\w*|test)[/_.]", re.IGNORECASE)
_SECONDS = ("wallseconds", "seconds", "runtime", "elapsed", "elapsedseconds", "trainseconds", "traintime",
            "trainingtime", "totaltrainingtime", "walltime", "relativetime", "wallclock", "wallclocktime",
            "totaltime")  # fmt: skip
_CALLS = "_step"
_PLANNED = frozenset({
    "horizon", "maxsteps", "totalsteps", "numiterations", "trainiters", "plannedsteps", "numtrainsteps", "maxiters",
    "numtrainingsteps", "maxtrainsteps", "totaltrainsteps", "totaliterations", "trainertrainiters", "trainmaxsteps",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Roles:
    """{role: names of what was logged}, the best first."""

    steps: tuple[Candidate, ...] = ()
    """Counts of optimiser steps; the calls of a logger last."""
    tokens: tuple[Candidate, ...] = ()
    flops: tuple[Candidate, ...] = ()
    seconds: tuple[str, ...] = ()
    rates: tuple[str, ...] = ()
    params: tuple[Candidate, ...] = ()
    batch_tokens: tuple[Candidate, ...] = ()
    training: tuple[LoggedLoss, ...] = ()
    """Losses on text of training."""
    evaluations: Mapping[str, tuple[LoggedLoss, ...]] = field(default_factory=dict)
    """{evaluation set: its loss, by each name and unit that it is logged under}."""
    unstated: tuple[LoggedLoss, ...] = ()
    """Losses whose names say nothing about the text."""

    @property
    def losses(self) -> tuple[LoggedLoss, ...]:
        """All losses."""
        return (*self.training, *self.unstated, *(loss for items in self.evaluations.values() for loss in items))

    @property
    def names(self) -> frozenset[str]:
        """Every name that has a role."""
        counted = (*self.steps, *self.tokens, *self.flops, *self.params, *self.batch_tokens)
        named = (item.column for item in counted)
        return frozenset([*named, *self.seconds, *self.rates, *(loss.name for loss in self.losses)])


def roles_of(names: Iterable[str], stated: Mapping[str, str] | None = None) -> Roles:
    """The roles of `names`; `stated` has {field: name} that overrule what the names mean.

    Raises InputError for a field that is none.
    """
    return _roles(tuple(names), tuple(sorted((stated or {}).items())))


@lru_cache(maxsize=512)
def _roles(names: tuple[str, ...], stated: tuple[tuple[str, str], ...]) -> Roles:
    chosen = {field_named(name, "--column"): column for name, column in stated if column in names}
    known = candidates(names)
    losses = [loss for name in names if (loss := logged_loss(name)) is not None]
    if "loss" in chosen:
        losses = [_stated_loss(chosen["loss"])]
    sets = evaluation_sets(losses)
    by_set: dict[str, list[LoggedLoss]] = {}
    for loss in losses:
        if loss.name in sets:
            by_set.setdefault(sets[loss.name], []).append(loss)
    counted = {name: _counted(known, chosen, name) for name in ("step", "D", "C", "N", "batch_tokens")}
    return Roles(
        steps=tuple(sorted(counted["step"], key=lambda item: item.column == _CALLS or item.column.endswith("/_step"))),
        tokens=counted["D"],
        flops=tuple(item for item in counted["C"] if not is_unit_of_flops(item.column)),  # a rate, as `tflops`
        seconds=tuple(name for name in _named(names, _SECONDS) if not _OF_EVALUATION.search(name)),
        rates=_rates(names, known, chosen),
        params=counted["N"],
        batch_tokens=counted["batch_tokens"],
        training=_by_rank(loss for loss in losses if loss.text == "training"),
        evaluations={name: _by_rank(items) for name, items in by_set.items()},
        unstated=_by_rank(loss for loss in losses if loss.text == "unstated"),
    )


def planned_steps(settings: Iterable[str]) -> tuple[str, ...]:
    """Those names of settings that state the length of a schedule in steps."""
    return tuple(name for name in settings if _plain(name) in _PLANNED or _plain(_last(name)) in _PLANNED)


def _counted(known: Mapping[str, list[Candidate]], chosen: Mapping[str, str], name: str) -> tuple[Candidate, ...]:
    items = tuple(item for item in known.get(name, []) if item.logarithm != "log" and not item.one_letter)
    if name not in chosen:
        taken = set(chosen.values())
        return tuple(item for item in items if item.column not in taken)
    return tuple(item for item in items if item.column == chosen[name]) or (Candidate(column=chosen[name]),)


def _rates(names: tuple[str, ...], known: Mapping[str, list[Candidate]], chosen: Mapping[str, str]) -> tuple[str, ...]:
    if "peak_lr" in chosen:
        return (chosen["peak_lr"],)
    found = [item.column for item in known.get("peak_lr", [])]
    found += [name for name in names if _RATE.search(name) and not _NO_RATE.search(name)]
    distinct = list(dict.fromkeys(found))
    return tuple(sorted(distinct, key=lambda name: not _HIDDEN.search(name)))


def _stated_loss(column: str) -> LoggedLoss:
    found = logged_loss(column)
    unit, scale, logarithm = (found.unit, found.scale, found.logarithm) if found else ("", 1.0, "")
    text: Text = found.text if found is not None else "evaluation"
    path = found.set_path if found is not None else (column,)
    return LoggedLoss(name=column, text=text, set_path=path, unit=unit, scale=scale, logarithm=logarithm, rank=(0, 0))


def _by_rank(losses: Iterable[LoggedLoss]) -> tuple[LoggedLoss, ...]:
    return tuple(sorted(losses, key=lambda loss: loss.rank))


def _named(names: tuple[str, ...], plain: tuple[str, ...]) -> tuple[str, ...]:
    found = {name: word for name in names if (word := _plain(_last(name))) in plain}
    return tuple(sorted(found, key=lambda name: plain.index(found[name])))


def _last(name: str) -> str:
    return re.split(r"[/.]", name)[-1]


def _plain(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())
