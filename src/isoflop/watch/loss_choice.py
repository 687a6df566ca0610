"""Which loss a run and the finished ones are held against each other by: one that all of them have along the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isoflop.errors import InputError, Notice, RefusedError
from isoflop.logs.loss_sets import DEFAULT_SET, UNSTATED
from isoflop.logs.run import LoggedRun
from isoflop.watch.curve import TRAINING

ALONG = 8
"""Points of an evaluation from which a finished run has a curve of it, and not only its end."""
_LISTED = 5


@dataclass(frozen=True, kw_only=True)
class LossChoice:
    """The names of two losses: evaluation sets, or TRAINING."""

    along: str
    """Along the run."""
    final: str
    """Of its end, which a forecast is about."""
    notices: tuple[Notice, ...] = ()


def choose_loss(run: LoggedRun, like: Sequence[LoggedRun], stated: str | None) -> LossChoice:
    """The losses to use: `stated` along the way, else the set that the fit of a table would read, else training.

    A set must have points along finished runs; those without are left out. Raises InputError where the stated set is
    missing, and RefusedError `no_curve` where the run has no loss along the way that the others have.
    """
    along = _along(run, like)
    notices: list[Notice] = []
    if stated is not None:
        known = [*run.evaluations, *([TRAINING] if run.training is not None else [])]
        if stated not in known:
            raise InputError(f"{run.name}: expected a loss of {', '.join(known) or 'none'}, got {stated!r}")
        chosen = stated
    elif along:
        chosen = _plainest(along)
        others = [name for name in along if name != chosen]
        if others and chosen not in (DEFAULT_SET, UNSTATED):
            shown = ", ".join(others[:_LISTED]) + (f" and {len(others) - _LISTED} more" if others[_LISTED:] else "")
            text = f"the loss is that of {chosen!r}; there are others along the way: {shown}"
            notices.append(Notice(code="one_of_several_losses", message=text))
    elif run.training is not None and (not like or any(other.training is not None for other in like)):
        chosen = TRAINING
    else:
        raise RefusedError(
            "no_curve",
            f"{run.name}: expected a loss along the way that the finished runs have too, found "
            f"{', '.join(run.evaluations) or 'none'}",
        )
    if chosen != TRAINING:
        return LossChoice(along=chosen, final=chosen, notices=tuple(notices))
    ends = _common_ends(run, like)
    final = _plainest(ends) if ends else TRAINING
    text = "losses along the way are those of training batches, which are smoothed"
    if final == TRAINING:
        text += "; the final loss is their mean over the last 5 % of the steps"
    else:
        text += f"; the final loss is that of {final!r}"
    return LossChoice(
        along=chosen, final=final, notices=(*notices, Notice(code="watched_by_training_loss", message=text))
    )


def _along(run: LoggedRun, like: Sequence[LoggedRun]) -> list[str]:
    """Evaluation sets along as many finished runs as any, with points of this run too; of a run alone, its own."""
    if not like:
        return [name for name, series in run.evaluations.items() if len(series) >= 2]
    counts = {
        name: sum(name in other.evaluations and len(other.evaluations[name]) >= ALONG for other in like)
        for name in run.evaluations
    }
    most = max(counts.values(), default=0)
    with_training = sum(other.training is not None and len(other.training) >= ALONG for other in like)
    if most == 0 or (run.training is not None and 2 * most < with_training):
        return []
    return [name for name, count in counts.items() if count == most]


def _common_ends(run: LoggedRun, like: Sequence[LoggedRun]) -> list[str]:
    """Evaluation sets that all finished runs have; without any, those of the run."""
    if not like:
        return list(run.evaluations)
    first = like[0].evaluations
    return [name for name in first if all(name in other.evaluations for other in like)]


def _plainest(names: Sequence[str]) -> str:
    return next((name for name in (DEFAULT_SET, UNSTATED) if name in names), names[0])
