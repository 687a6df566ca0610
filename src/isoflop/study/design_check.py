"""study.toml held against the runs that were designed from it: edited afterwards, it would mix two studies."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from isoflop.digest import check_digest
from isoflop.errors import InputError
from isoflop.files import read_json
from isoflop.sweep import Design

_ROUNDING = 0.02
"""Budgets are rounded to three digits, so that their ratio is known to about one per cent."""

_Comparison = Callable[[str, object, object], bool]
"""(setting, what the runs were designed with, what the file says) -> whether they agree."""


def check_settings(
    values: Mapping[str, object], *, file: Path, sweep: Path, final_design: Path, free: Collection[str]
) -> None:
    """Raises InputError that lists the `values` with which the designs in `sweep` and `final_design` were not made,
    and where a design itself was changed.

    Does nothing where there is no design yet. Settings named in `free` decide no number of a run. `file` is study.toml,
    for the message.
    """
    designed, agree = _designed_with(sweep, final_design)
    problems = [
        f"{name}: the runs of this study were designed with {setting_text(before)}, and the file says "
        f"{setting_text(values[name])}"
        for name, before in sorted(designed.items())
        if name in values and name not in free and not agree(name, before, values[name])
    ]
    if problems:
        last = problems.pop()
        advice = "set it back to continue this study, or begin another in another folder"
        raise InputError.gathered(str(file), [*problems, f"{last}; {advice}"])


def setting_text(value: object) -> str:
    """A setting as messages show it, and as it is compared: tuples and lists are the same, keys have no order."""
    return "nothing" if value is None else json.dumps(value, default=str, ensure_ascii=False, sort_keys=True)


def _designed_with(sweep: Path, final_design: Path) -> tuple[Mapping[str, object], _Comparison]:
    """({setting: what the runs were designed with}, as far as the designs say; how a setting is compared)."""
    if not sweep.exists():
        return {}, _same
    value = read_json(sweep)
    check_digest(sweep, value)
    try:
        requested = value.get("asked") if isinstance(value, dict) else None
        if isinstance(requested, dict):
            return {"recipe": None, **requested}, _same  # older designs name none: they had the default recipe
        return _from_specs(Design.load(sweep), final_design), _about_same
    except (InputError, KeyError, TypeError):
        return {}, _same  # the stage that needs the design says what is wrong with it


def _from_specs(design: Design, final_design: Path) -> dict[str, object]:
    """The settings that specs reveal: designs of earlier versions do not name them."""
    specs, budgets = design.specs, design.budgets
    if not specs or not budgets:
        return {}
    settings: dict[str, object] = {
        "recipe": None,
        "family": specs[0].architecture.family,
        "seed": specs[0].seed,
        "seq_len": specs[0].seq_len,
        "budgets": len(budgets),
    }
    if len(budgets) > 1:
        settings["budget_ratio"] = (budgets[-1] / budgets[0]) ** (1 / (len(budgets) - 1))
    final = Design.load(final_design).specs[0].budget_flops if final_design.exists() else None
    if final is not None:
        settings["final_ratio"] = final / budgets[-1]
    return settings


def _same(name: str, before: object, now: object) -> bool:
    del name
    return setting_text(before) == setting_text(now)


def _about_same(name: str, before: object, now: object) -> bool:
    """Whether a setting may have led to what the specs show."""
    if name == "seq_len" and now is None:
        return True  # the recipe's, whatever that is
    if name in ("budget_ratio", "final_ratio") and isinstance(before, float) and isinstance(now, int | float):
        return math.isclose(before, now, rel_tol=_ROUNDING)
    return _same(name, before, now)
