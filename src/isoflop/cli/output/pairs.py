"""A comparison by training in the terminal: its progress on stderr, and why it stopped."""

from __future__ import annotations

from pathlib import Path

from isoflop.cli.output.progress import StudyProgress
from isoflop.compare import Comparison
from isoflop.errors import RefusedError
from isoflop.study.pairs.decisions import Decisions
from isoflop.study.pairs.run import PairsOutcome
from isoflop.study.pairs.start import PairsRequest, compare_recipes, compare_with_study

_STOPPED = {
    "verdict": "stopped, since the verdict stands",
    "pairs": "all pairs are trained",
    "minutes": "stopped, since the minutes are spent: the same command with more of them continues",
    "diverged": "stopped, since a side diverged",
}


def compared_by_training(old: Path, new: Path, into: Path | None, request: PairsRequest) -> Comparison:
    """Trains what is missing of the comparison of the recipe in `new` with that in `old`, in the folder `into`, and
    returns it; without `into`, `old` is a study.

    Raises RefusedError `no_pairs` where no pair ended well: there is nothing to compare yet.
    """
    with StudyProgress() as progress:
        if into is None:
            outcome = compare_with_study(old, new, request, listener=progress)
        else:
            outcome = compare_recipes(old, new, into, request, listener=progress)
        progress.say(_stopped(outcome))
    if outcome.comparison is None:
        raise RefusedError("no_pairs", f"nothing is compared yet: {_why_nothing(outcome.decisions)}")
    return outcome.comparison


def _stopped(outcome: PairsOutcome) -> str:
    decided = outcome.decisions
    assert decided.stopped is not None, "a comparison that returned has stopped"
    count = len(decided.pairs)
    pairs = f"{count} of {outcome.design.most} pairs"
    return f"{pairs}; {_STOPPED[decided.stopped]}; runs and decisions are kept in {outcome.folder}"


def _why_nothing(decided: Decisions) -> str:
    if decided.stopped == "minutes":
        return "the minutes were spent before a pair was trained; the same command with more --minutes continues"
    if decided.stopped == "diverged":
        return "a side diverged at every learning rate that was tried; lower the rates in its recipe"
    return "in every pair a run diverged; lower the rates in that recipe"
