"""Begins: that the first steps of a run are those of another run, from whose checkpoint it continues.

>>> Begins(run="0123456789ab", step=400).as_json()
{'run': '0123456789ab', 'step': 400}
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from isoflop.codec import JsonObject
from isoflop.errors import InputError, quoted

MOST_STEPS = 2**53
"""Steps above this are no whole numbers to every reader of JSON."""
_RUN_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Begins:
    """Which run took the first steps, and how many."""

    run: str
    """Id of the other run, the parent: a folder next to this run's."""
    step: int
    """Optimiser steps that the parent has taken where this run continues."""

    def __post_init__(self) -> None:
        problems = []
        if not isinstance(self.run, str) or not _RUN_ID.fullmatch(self.run):  # it becomes the name of a folder
            problems.append(f"begins.run: expected the id of a run, 12 of 0-9 and a-f, got {quoted(self.run)}")
        whole = isinstance(self.step, int) and not isinstance(self.step, bool)
        if not whole or not 1 <= self.step <= MOST_STEPS:
            problems.append(f"begins.step: expected a whole number of at least 1, got {quoted(self.step)}")
        if problems:
            raise InputError.gathered("spec", problems)

    def as_json(self) -> JsonObject:
        """A JSON object that `from_json` reads back."""
        return {"run": self.run, "step": self.step}

    @classmethod
    def from_json(cls, value: object) -> Begins:
        """What `as_json` wrote. Raises InputError for anything else."""
        if not isinstance(value, dict) or value.keys() != {"run", "step"}:
            raise InputError(f"spec: begins: expected an object of run and step, got {quoted(value)}")
        return cls(run=value["run"], step=value["step"])
