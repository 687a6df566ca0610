"""Fit: what an approach found, with draws, intervals, verdicts and warnings. A value, not a fitter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.errors import Notice, RefusedError
from isoflop.fit.resampling import percentile_interval
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, FrontierLaw, Provenance

Array = NDArray[np.float64]
Approach = Literal["parametric", "isoflop", "envelope"]
AnyLaw = ChinchillaLaw | FrontierLaw

LEVEL = 0.9
"""Level of every interval unless another is asked for."""
CONSTANTS = {
    "parametric": ("E", "A", "B", "alpha", "beta"),
    "isoflop": ("params_coefficient", "a", "tokens_coefficient", "b"),
    "envelope": ("params_coefficient", "a", "tokens_coefficient", "b"),
}
"""Names of the constants of each approach's law, in the order of the saved draws."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """The outcome of one approach. `law` and `draws` are None unless status is `ok`."""

    approach: Approach
    """`envelope` (approach 1), `isoflop` (2) or `parametric` (3) of Hoffmann et al. 2022."""
    status: Literal["ok", "refused", "not_applicable"] = "ok"
    """`refused`: the data cannot answer; `not_applicable`: data of this kind were not given."""
    code: str = ""
    """Stable code of the refusal."""
    reason: str = ""
    """Why not, in one sentence; empty for `ok`."""
    law: AnyLaw | None = None
    """The fitted law."""
    draws: AnyLaw | None = None
    """The same law with arrays of resampled constants."""
    cost: ComputeCost = SIX_N
    """FLOPs per token against N of these runs."""
    exponents: tuple[float, float] | None = None
    """(a, b) of N_opt ~ C^a, D_opt ~ C^b; where the cost is not 6 N, over the data's range of C."""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """{name: (low, high)} at LEVEL."""
    warnings: tuple[Notice, ...] = ()
    """What to know before using it."""
    details: dict[str, Any] = field(default_factory=dict)
    """JSON values of this approach alone. Approach 3: objective, delta, gradient, starts {tried, at_best}, draws {kept,
    lost, method, checked, moved}, residual_sd, residuals (of a large table some), residuals_of, centre, at_centre,
    identified and identified_because {name:}, params_opt [{flops, over_largest, params, interval, identified}],
    correlations, frontier."""

    @classmethod
    def refused(cls, approach: Approach, error: RefusedError, *, not_applicable: bool = False) -> Fit:
        """The outcome of an approach that could not be fitted."""
        status: Literal["refused", "not_applicable"] = "not_applicable" if not_applicable else "refused"
        return cls(approach=approach, status=status, code=error.code, reason=str(error))

    @property
    def ok(self) -> bool:
        """True where there is a law."""
        return self.status == "ok"

    def require(self) -> AnyLaw:
        """The law. Raises RefusedError with this fit's reason where there is none."""
        if self.law is None:
            raise RefusedError(self.code or "no_fit", f"{self.approach} fit: {self.reason}")
        return self.law

    def interval(self, f: Callable[[Any], ArrayLike], level: float = LEVEL) -> tuple[float, float]:
        """Percentile interval over the draws of f(law), f working on a law with arrays of constants.

        Raises RefusedError where there is no fit or it was made without draws.
        """
        self.require()
        if self.draws is None:
            raise RefusedError("no_draws", f"{self.approach} fit: no intervals without draws; fit with draws above 0")
        return percentile_interval(f(self.draws), level)

    def optimum(self, C: float) -> tuple[float, float]:
        """(N, D) at C FLOPs by the fitted law and this data's cost. Raises RefusedError where there is no fit."""
        N, D = self.require().optimum(C, self.cost)
        return float(N), float(D)

    def report(self) -> str:
        """One line for a person: status, exponents with intervals, number of warnings."""
        if not self.ok or self.exponents is None:
            return f"{self.approach}: {self.status}: {self.reason}"
        parts = []
        for name, value in zip(("a", "b"), self.exponents, strict=True):
            low, high = self.intervals.get(name, (np.nan, np.nan))
            parts.append(f"{name} = {value:.3f} ({low:.3f} to {high:.3f})")
        return f"{self.approach}: {', '.join(parts)}" + (f", {len(self.warnings)} warnings" if self.warnings else "")

    def as_json(self) -> dict[str, Any]:
        """The object of `fit --json`: status, reason, a, b, constants, intervals, warnings, and the details."""
        a, b = self.exponents or (None, None)
        constants = self.law.constants() if self.law is not None else {}
        return {
            **constants,
            "status": self.status,
            "code": self.code,
            "reason": self.reason,
            "a": a,
            "b": b,
            "intervals": {"level": LEVEL, **{name: list(pair) for name, pair in self.intervals.items()}},
            "warnings": [notice.as_json() for notice in self.warnings],
            "provenance": self.law.provenance.as_json() if self.law is not None else None,
            **self.details,
        }

    def draws_array(self) -> Array | None:
        """Draws as (draws, constants), in the order of CONSTANTS, for saving."""
        if self.draws is None:
            return None
        return np.stack([np.asarray(getattr(self.draws, name)) for name in CONSTANTS[self.approach]], axis=1)

    @classmethod
    def from_json(cls, approach: Approach, data: dict[str, Any], draws: Array | None, cost: ComputeCost) -> Fit:
        """The fit that `as_json` and `draws_array` wrote."""
        known = {"status", "code", "reason", "a", "b", "intervals", "warnings", "provenance", *CONSTANTS[approach]}
        law, drawn = None, None
        if data["status"] == "ok":
            source = Provenance.from_json(data["provenance"])
            law = make_law(approach, {name: float(data[name]) for name in CONSTANTS[approach]}, source)
            if draws is not None:
                drawn = make_law(approach, dict(zip(CONSTANTS[approach], draws.T, strict=True)), source)
        intervals = {
            name: (float(pair[0]), float(pair[1])) for name, pair in data["intervals"].items() if name != "level"
        }
        return cls(
            approach=approach,
            status=data["status"],
            code=data["code"],
            reason=data["reason"],
            law=law,
            draws=drawn,
            cost=cost,
            exponents=None if data["a"] is None else (float(data["a"]), float(data["b"])),
            intervals=intervals,
            warnings=tuple(Notice(**notice) for notice in data["warnings"]),
            details={key: value for key, value in data.items() if key not in known},
        )


_NOT_APPLICABLE = ("no_budgets", "no_curves")
"""Codes of refusals that mean that data of the approach's kind were not given."""


def or_refused(approach: Approach, fit: Callable[[], Fit]) -> Fit:
    """What `fit` returns, or its refusal as a fit.

    Rows that leave a number without bound, or a system of equations without a solution, are refused as
    `degenerate_rows`: they pass every check of rows, and still decide nothing.
    """
    try:
        made = fit()
    except RefusedError as error:
        return Fit.refused(approach, error, not_applicable=error.code in _NOT_APPLICABLE)
    except (np.linalg.LinAlgError, ArithmeticError) as error:
        return Fit.refused(approach, _degenerate(str(error).lower()))
    if unbounded := not_finite(made.as_json()):
        return Fit.refused(approach, _degenerate(f"{unbounded} is not finite"))
    return made


def _degenerate(why: str) -> RefusedError:
    return RefusedError("degenerate_rows", f"the rows decide no fit: {why}; see that each column holds what it is for")


class _Written(Protocol):
    def as_json(self) -> dict[str, Any]: ...


_Part = TypeVar("_Part", bound=_Written)


def finite_or_none(part: _Part) -> _Part | None:
    """`part` of a report where every number that it writes is finite, else None."""
    return None if not_finite(part.as_json()) else part


def finite_parts(parts: Mapping[str, Any]) -> dict[str, Any]:
    """`parts` of a report by name, None for those with a number that is not finite."""
    return {name: part if isinstance(part, str | None) else finite_or_none(part) for name, part in parts.items()}


def not_finite(value: Any, name: str = "") -> str:
    """Where in a JSON value the first number is that is not finite, as `intervals.a.0`; empty where all are."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else name or "it"
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    found = (not_finite(part, f"{name}.{key}" if name else str(key)) for key, part in parts)
    return next(filter(None, found), "")


def make_law(approach: Approach, constants: dict[str, Any], provenance: Provenance) -> AnyLaw:
    """A law of the form that `approach` fits, from numbers or arrays of draws."""
    if approach == "parametric":
        return ChinchillaLaw(**constants, provenance=provenance)
    return FrontierLaw(**constants, provenance=provenance)


def frontier_bands(fit: Fit, low: float, high: float, points: int = 25) -> dict[str, list[float]]:
    """N_opt, D_opt (and the loss) with intervals at log-spaced FLOPs, as lists for drawing."""
    flops = np.geomspace(low, high, points)
    law = fit.require()
    bands: dict[str, list[float]] = {"flops": flops.tolist()}
    columns: list[tuple[str, Array, Array | None]] = []
    N, D = law.optimum(flops, fit.cost)
    drawn_N, drawn_D, drawn_loss = None, None, None
    if fit.draws is not None:
        arrays = {name: np.asarray(getattr(fit.draws, name))[:, None] for name in CONSTANTS[fit.approach]}
        draws = make_law(fit.approach, arrays, law.provenance)
        drawn_N, drawn_D = draws.optimum(flops, fit.cost)
        drawn_loss = draws.loss(drawn_N, drawn_D) if law.has_loss else None
    columns += [("params", N, drawn_N), ("tokens", D, drawn_D)]
    if law.has_loss:
        columns.append(("loss", law.loss(N, D), drawn_loss))
    for name, values, drawn in columns:
        bands[name] = values.tolist()
        if drawn is not None:
            edges = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
            bands[f"{name}_low"], bands[f"{name}_high"] = edges[0].tolist(), edges[1].tolist()
    return bands
