"""study.toml held against the runs that were designed from it: edited afterwards, it would mix two studies."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from isoflop.digest import check_digest
from isoflop.errors import InputError
from isoflop.files import read_json
from isoflop.sweep import Design

_ROUNDING = 0.02
"""Budgets are rounded to three digits, so that their ratio is known to about a per cent."""


def check_settings(values: Mapping[str, Any], *, file: Path, sweep: Path, contest: Path, free: set[str]) -> None:
    """Raises InputError that lists the `values` with which the designs in `sweep` and `contest` were not made, and
    where the design itself was changed.

    Nothing where there is no design yet. Settings named in `free` decide no number of a run. `file` is study.toml, for
    the message.
    """
    made, same = _designed_with(sweep, contest)
    problems = [
        f"{name}: the runs of this study were designed with {shown(was)}, and the file says {shown(values[name])}"
        for name, was in sorted(made.items())
        if name in values and name not in free and not same(name, was, values[name])
    ]
    if problems:
        last = problems.pop()
        advice = "set it back to go on with this study, or begin another in another folder"
        raise InputError.gathered(str(file), [*problems, f"{last}; {advice}"])


def shown(value: Any) -> str:
    """A setting in a message, and as it is compared."""
    return "nothing" if value is None else json.dumps(value, default=str, ensure_ascii=False)


def _designed_with(sweep: Path, contest: Path) -> tuple[dict[str, Any], Callable[[str, Any, Any], bool]]:
    """({setting: what the runs were designed with}, as far as the designs say; how it is compared)."""
    if not sweep.exists():
        return {}, _same
    value = read_json(sweep)
    check_digest(sweep, value)
    try:
        asked = value.get("asked") if isinstance(value, dict) else None
        if isinstance(asked, dict):
            return asked, _same
        return _from_specs(Design.load(sweep), contest), _about_same
    except (InputError, KeyError, TypeError):
        return {}, _same  # whoever needs the design says what is wrong with it


def _from_specs(design: Design, contest: Path) -> dict[str, Any]:
    """What specs tell of the settings: designs of earlier versions do not name these."""
    specs, budgets = design.specs, design.budgets
    if not specs or not budgets:
        return {}
    found: dict[str, Any] = {
        "family": specs[0].architecture.family,
        "seed": specs[0].seed,
        "seq_len": specs[0].seq_len,
        "budgets": len(budgets),
    }
    if len(budgets) > 1:
        found["budget_ratio"] = (budgets[-1] / budgets[0]) ** (1 / (len(budgets) - 1))
    final = Design.load(contest).specs[0].budget_flops if contest.exists() else None
    if final is not None:
        found["final_ratio"] = final / budgets[-1]
    return found


def _same(name: str, was: Any, now: Any) -> bool:
    del name
    # compared as JSON: a tuple of paths and a list of paths are the same wish
    return shown(was) == shown(now)


def _about_same(name: str, was: Any, now: Any) -> bool:
    """Whether a setting may have made what its specs show."""
    if name == "seq_len" and now is None:
        return True  # the recipe's, whatever that is
    if name in ("budget_ratio", "final_ratio") and isinstance(was, float) and isinstance(now, int | float):
        return math.isclose(was, now, rel_tol=_ROUNDING)
    return _same(name, was, now)
