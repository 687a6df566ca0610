"""One run that is there twice: its program wrote to two trackers, or its log was copied."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.errors import Notice
from isoflop.logs.run import LoggedRun, Series

_FEWEST = 3
"""Losses that are equal at the same steps, from which two runs are one: seeds differ in the fourth digit."""
_LISTED = 5


def copies(runs: Sequence[LoggedRun]) -> list[Notice]:
    """Returns a notice that names the runs with the very same losses at the same steps; none where there are none."""
    copied: dict[tuple[bytes, bytes], list[str]] = {}
    for run in runs:
        curve = _longest(run)
        if curve is not None and len(curve) >= _FEWEST:
            copied.setdefault((curve.steps.tobytes(), curve.values.tobytes()), []).append(run.name)
    groups = [names for names in copied.values() if len(names) > 1]
    if not groups:
        return []
    shown = "; ".join(", ".join(names[:_LISTED]) for names in groups[:_LISTED])
    text = (
        f"{len(groups)} runs are there more than once, with the same losses at the same steps ({shown}): each counts "
        "as a run of its own here, which makes intervals too narrow; name one log of each"
    )
    return [Notice(code="run_logged_twice", message=text)]


def _longest(run: LoggedRun) -> Series | None:
    """The loss with the most points."""
    losses = [each for each in (run.training, *run.evaluations.values()) if each is not None]
    return max(losses, key=len, default=None)
