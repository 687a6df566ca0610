"""The outcomes of the approaches to one table: a fit, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from isoflop.codec import Count, JsonObject, Number, fields_to_json, to_json
from isoflop.errors import Notice, RefusedError
from isoflop.fit.resampling import LEVEL
from isoflop.fit.result.approach import Approach, degenerate, not_finite
from isoflop.fit.result.envelope import CurveEnvelope, Envelope, EnvelopeFit
from isoflop.fit.result.isoflop import IsoflopFit
from isoflop.fit.result.parametric import ParametricFit
from isoflop.laws import ChinchillaLaw

AnyFit = ParametricFit | IsoflopFit | EnvelopeFit
FitT = TypeVar("FitT", ParametricFit, IsoflopFit, EnvelopeFit)
_NOT_APPLICABLE = ("no_budgets", "no_curves")
"""Codes of refusals that mean that data of the approach's kind were not given."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Why an approach has no law."""

    approach: Approach
    code: str
    """Stable code of the refusal."""
    reason: str
    """Why, in one sentence."""
    applicable: bool = True
    """False where data of the kind that the approach needs were not given."""
    notices: tuple[Notice, ...] = ()
    curves: CurveEnvelope | None = None
    """Of approach 1: the envelope of training curves, to be drawn."""

    @classmethod
    def by(cls, approach: Approach, error: RefusedError, *, curves: CurveEnvelope | None = None) -> Refused:
        """The refusal that `error` states."""
        applicable = error.code not in _NOT_APPLICABLE
        return cls(approach=approach, code=error.code, reason=str(error), applicable=applicable, curves=curves)

    @property
    def ok(self) -> bool:
        """False: there is no law."""
        return False

    @property
    def status(self) -> Literal["refused", "not_applicable"]:
        """The word of the file and of `fit --json`."""
        return "refused" if self.applicable else "not_applicable"

    def error(self) -> RefusedError:
        """The error to raise where a law is needed."""
        return RefusedError(self.code or "no_fit", f"{self.approach} fit: {self.reason}")

    def as_json(self) -> JsonObject:
        """The object of `fit --json`."""
        return {
            "status": self.status,
            "code": self.code,
            "reason": self.reason,
            "a": None,
            "b": None,
            "intervals": {"level": LEVEL},
            "warnings": to_json(self.notices),
            "provenance": None,
            **({} if self.curves is None else fields_to_json(self.curves)),
        }


@dataclass(frozen=True, kw_only=True)
class RefusedFile:
    """What `Refused.as_json` writes; the last four keys are those of a CurveEnvelope."""

    status: Literal["refused", "not_applicable"]
    code: str
    reason: str
    warnings: tuple[Notice, ...] = ()
    curves: Count = 0
    runs_on_envelope: Count = 0
    share_in_last_15_percent: Number = 0.0
    envelope: Envelope | None = None

    def refusal(self, approach: Approach) -> Refused:
        """The refusal of `approach`."""
        curves = None
        if self.envelope is not None:
            curves = CurveEnvelope(
                curves=self.curves,
                runs_on_envelope=self.runs_on_envelope,
                share_in_last_15_percent=self.share_in_last_15_percent,
                envelope=self.envelope,
            )
        return Refused(
            approach=approach,
            code=self.code,
            reason=self.reason,
            applicable=self.status == "refused",
            notices=self.warnings,
            curves=curves,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Fits:
    """The three approaches to the same runs."""

    parametric: ParametricFit | Refused
    """Approach 3."""
    isoflop: IsoflopFit | Refused
    """Approach 2."""
    envelope: EnvelopeFit | Refused
    """Approach 1."""

    @property
    def fits(self) -> dict[Approach, AnyFit | Refused]:
        """{approach: its outcome}, in the order of APPROACHES."""
        return {"parametric": self.parametric, "isoflop": self.isoflop, "envelope": self.envelope}

    @property
    def fitted(self) -> dict[Approach, AnyFit]:
        """{approach: fit} of those that have a law."""
        return {name: fit for name, fit in self.fits.items() if not isinstance(fit, Refused)}

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What to know before using any of them."""
        return tuple(notice for fit in self.fits.values() for notice in fit.notices)

    @property
    def preferred(self) -> Approach | None:
        """The approach to take: the parametric where it identifies how the optimum grows, else 2, else 1; None if none.

        A parametric fit that does not identify it comes last.
        """
        fitted = list(self.fitted)
        if not isinstance(self.parametric, Refused):
            growth = self.parametric.verdicts.get("a")
            if growth is not None and not growth.known:
                fitted.remove("parametric")
                fitted.append("parametric")
        return fitted[0] if fitted else None

    @property
    def surface(self) -> ChinchillaLaw | None:
        """The loss surface of approach 3; None where that was refused."""
        return None if isinstance(self.parametric, Refused) else self.parametric.law


def or_refused(approach: Approach, fit: Callable[[], FitT | Refused]) -> FitT | Refused:
    """What `fit` returns, or its refusal.

    Rows that leave a number without bound, or a system of equations without a solution, are refused as
    `degenerate_rows`: they pass every check of rows, and still decide nothing.
    """
    try:
        outcome = fit()
    except RefusedError as error:
        return Refused.by(approach, error)
    except (np.linalg.LinAlgError, ArithmeticError) as error:
        return Refused.by(approach, degenerate(str(error).lower()))
    if unbounded := not_finite(outcome.as_json()):
        return Refused.by(approach, degenerate(f"{unbounded} is not finite"))
    return outcome
