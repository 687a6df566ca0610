"""What a caller may state about logs that they do not tell themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from isoflop.errors import InputError
from isoflop.observations.options import LOSS_UNITS


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """Everything that may be stated about logs; None and empty where nothing was."""

    params: Mapping[str, float] = field(default_factory=dict)
    """{name of a run, or a pattern such as `190M-*`: its parameters}; the first that matches decides."""
    tokens_per_step: Mapping[str, float] = field(default_factory=dict)
    """{name of a run, or a pattern: training tokens of one step}; `*` is all runs."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """{field: the column or key that holds it}, such as step, tokens, params, run_id, peak_lr; overrules names."""
    loss_unit: str | None = None
    """One of LOSS_UNITS, for losses whose names state none; also which losses are read, where a log has several."""
    params_convention: str | None = None
    """What `params` and columns of sizes count."""

    def __post_init__(self) -> None:
        if self.loss_unit is not None and self.loss_unit not in LOSS_UNITS:
            raise InputError(f"loss unit: expected one of {', '.join(LOSS_UNITS)}, got {self.loss_unit!r}")

    def params_of(self, run: str) -> float | None:
        """The parameters that are stated for `run`; None where none are."""
        return _stated(self.params, run)

    def tokens_per_step_of(self, run: str) -> float | None:
        """The tokens of a step that are stated for `run`; None where none are."""
        return _stated(self.tokens_per_step, run)


def _stated(values: Mapping[str, float], run: str) -> float | None:
    if run in values:
        return values[run]
    return next((value for pattern, value in values.items() if fnmatchcase(run, pattern)), None)
