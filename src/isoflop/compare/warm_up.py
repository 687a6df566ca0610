"""Runs that ended in their warm-up, or at the peak of a rate that decayed in the others: no points of a recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from isoflop.logs.roles import roles_of
from isoflop.logs.run import LoggedRun, Setting
from isoflop.units import format_number

_WARM_UP = re.compile(
    r"(lr|num|learningrate)?warmup(steps|iters|iterations|tokens|samples|ratio|fraction)?|numwarmupsteps|warmupnumsteps"
)
_SEQUENCES = ("globalbatchsize", "batchsize", "globalbs", "bs", "batch", "trainbatchsize")
_LENGTHS = ("seqlen", "seqlength", "sequencelength", "contextlength", "context", "blocksize", "maxseqlen", "maxlength")
_AT_PEAK, _DECAYED = 0.99, 0.5
"""Shares of its own peak at which a rate ended: of a run that did not decay, and of one that did."""
_FEWEST_DECAYED = 2
_RISE = 0.02
"""Share of the peak by which a rate has to rise over the last tenth of the run to be in its warm-up."""


def share_of_peak(run: LoggedRun) -> float | None:
    """The last learning rate over the highest; None where fewer than two were logged."""
    rate = run.learning_rate
    if rate is None or len(rate) < 2 or not np.isfinite(rate.values).all() or rate.values.max() <= 0:
        return None
    return float(rate.values[-1] / rate.values.max())


def in_warm_up(run: LoggedRun, runs: Sequence[LoggedRun]) -> str:
    """Why a run is no final point of its recipe, of which `runs` are all; empty where it is one, or nothing tells."""
    stated = _of_settings(run)
    if stated:
        return stated
    rate = run.learning_rate
    share = share_of_peak(run)
    if rate is None or share is None or share < _AT_PEAK:
        return ""
    steps, values = rate.steps, rate.values
    before = float(np.interp(steps[-1] - 0.1 * (steps[-1] - steps[0]), steps, values))
    if values[-1] - before > _RISE * values.max():
        return "it ended in its warm-up: its learning rate was still rising"
    shares = [found for other in runs if (found := share_of_peak(other)) is not None]
    decayed = sum(found <= _DECAYED for found in shares)
    if decayed >= _FEWEST_DECAYED and decayed > len(shares) / 2:
        return f"its learning rate ended at its peak, and that of {decayed} other runs decayed"
    return ""


def _of_settings(run: LoggedRun) -> str:
    """What the stated warm-up says, in steps or tokens; a share of the schedule is never longer than it."""
    done, tokens = _steps_done(run), None if run.tokens is None else float(run.tokens.values[-1])
    for name, value in run.settings.items():
        plain = "".join(char for char in name.rsplit(".", 1)[-1].lower() if char.isalnum())
        if _WARM_UP.fullmatch(plain) is None or not isinstance(value, float | int) or isinstance(value, bool):
            continue
        if value <= 1 or plain.endswith(("samples", "ratio", "fraction")):
            continue
        reached, unit = (tokens, "tokens") if plain.endswith("tokens") else (done, "steps")
        if reached is not None and reached <= value:
            words = f"{format_number(reached, 4)} of {format_number(float(value), 4)} {unit}"
            return f"it ended in its warm-up: {words} ({name})"
    return ""


def _steps_done(run: LoggedRun) -> float | None:
    """Optimiser steps: as logged; of a run with tokens alone these over the tokens of a step, where settings say."""
    ends = [float(series.steps[-1]) for series in (*run.evaluations.values(), run.training) if series is not None]
    tokens = None if run.tokens is None else float(run.tokens.values[-1])
    last = max(ends, default=None)
    if run.progress == "steps" and last is not None and last != tokens:
        return last
    each = _tokens_per_step(run.settings)
    return None if tokens is None or each is None else tokens / each


def _tokens_per_step(settings: Mapping[str, Setting]) -> float | None:
    for item in roles_of(settings).batch_tokens:
        value = settings[item.column]
        if isinstance(value, float | int) and not isinstance(value, bool) and value > 0:
            return float(value) * item.scale
    sequences, length = _number(settings, _SEQUENCES), _number(settings, _LENGTHS)
    return None if sequences is None or length is None else sequences * length


def _number(settings: Mapping[str, Setting], names: Sequence[str]) -> float | None:
    by_name = {"".join(char for char in key.rsplit(".", 1)[-1].lower() if char.isalnum()): key for key in settings}
    for name in names:
        value = settings.get(by_name.get(name, ""))
        if isinstance(value, float | int) and not isinstance(value, bool) and value > 0:
            return float(value)
    return None
