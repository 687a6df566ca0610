"""The fit of approach 1: a power law along the lower envelope of finished runs; the envelope of curves to draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Predicate

from isoflop.arrays import Array
from isoflop.codec import Count, Number, Positive, renamed
from isoflop.fit.result.approach import Approach, FittedLaw, Frontier, columns_of_one_length
from isoflop.fit.result.isoflop import FrontierLawFile
from isoflop.laws import ComputeCost, FrontierLaw


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """The least loss at each compute and the size that has it; without runs where it lies between the sizes."""

    json_if_set: ClassVar = ("run_id",)

    flops: tuple[Positive, ...]
    loss: tuple[Positive, ...]
    params: tuple[Positive, ...]
    run_id: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CurveEnvelope:
    """The lower envelope of training curves. They are of runs under way, so it is drawn and has no exponent."""

    curves: Count
    """Runs with a curve."""
    runs_on_envelope: Count
    share_in_last_15_percent: Number
    """Share of the envelope's points that lie in the last 15 % of their run's compute."""
    envelope: Annotated[Envelope, Predicate(columns_of_one_length)]


@dataclass(frozen=True, kw_only=True, eq=False)
class EnvelopeEvidence:
    """What approach 1 knows besides its law. The fields are keys of the file of a fit, but that it calls `asymmetry`
    `lean`."""

    __pydantic_config__: ClassVar = renamed(asymmetry="lean")

    ends: Count
    """Ends of finished runs that were used."""
    sizes: Count
    """Sizes that they are of."""
    noise: Number
    """Relative standard deviation of a finished loss."""
    sharpness: Number
    """Of L = L* + s sharpness u^2 (1 + asymmetry u), u = ln N - ln N_opt, s = -dL* / d ln C: (alpha + beta) / 2."""
    asymmetry: Number
    """(beta - alpha) / 3."""
    envelope: Annotated[Envelope, Predicate(columns_of_one_length)]
    frontier: Annotated[Frontier, Predicate(columns_of_one_length)]
    """From the smallest compute of the envelope to ten times the largest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EnvelopeFit(EnvelopeEvidence, FittedLaw[FrontierLaw]):
    """Approach 1 of Hoffmann et al. 2022 (section 3.1), fitted to ends of finished runs."""

    approach: ClassVar[Approach] = "envelope"

    law: FrontierLaw
    draws: FrontierLaw | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class EnvelopeFile(EnvelopeEvidence, FrontierLawFile):
    """What `EnvelopeFit.as_json` writes."""

    def fit(self, draws: Array | None, cost: ComputeCost) -> EnvelopeFit:
        """The fit with its `draws` (draws, constants) and the cost of a token, which stand elsewhere."""
        return self.of_kind(EnvelopeFit, EnvelopeEvidence, draws, cost)
