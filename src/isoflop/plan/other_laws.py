"""The best use of a budget by published laws, and how far outside their runs it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.codec import JsonObject, to_json
from isoflop.errors import InputError, Notice
from isoflop.laws import Law, Provenance, published_law, published_names
from isoflop.plan.intervals import domain_notices
from isoflop.plan.law_source import LawSource


@dataclass(frozen=True, kw_only=True)
class LawAtBudget:
    """A law's best use of a budget with C = 6 N D, N as the law counts it."""

    flops: float
    """The budget C."""
    params: float
    """N."""
    tokens: float
    """D."""
    loss: float | None
    """In the law's unit; None where the law has no loss."""
    extrapolation_factor: float | None
    """C over the largest that the law was fitted to, at least 1; None where that is not known."""
    beyond: float | None
    """How many times C lies outside the law's runs, or, where these are not known by C, N and D at most; at least 1."""
    law: Provenance
    notices: tuple[Notice, ...]
    """`extrapolation`, `caution`."""

    def as_json(self) -> JsonObject:
        """The fields but the law itself, with tokens per parameter; notices under `warnings`."""
        return {
            "params": self.params,
            "tokens": self.tokens,
            "tokens_per_param": self.tokens / self.params,
            "loss": self.loss,
            "extrapolation_factor": self.extrapolation_factor,
            "beyond": self.beyond,
            "warnings": to_json(self.notices),
        }


def law_at_budget(law: Law, flops: float) -> LawAtBudget:
    """The optimum of `law` at `flops` training FLOPs. Raises InputError unless `flops` is a positive number.

    >>> from isoflop.laws import published_law
    >>> optimum = law_at_budget(published_law("besiroglu2024"), 5.76e23)
    >>> f"{optimum.params:.4g} {optimum.loss:.4f} {optimum.beyond:.3g}"
    '7.225e+10 1.9744 44.4'
    """
    if not (np.isfinite(flops) and flops > 0):
        raise InputError(f"flops: expected a positive number of FLOPs, got {flops!r}")
    N, D = (float(value) for value in law.optimum(flops))
    notices = domain_notices(law, params=N, tokens=D, flops=flops, has_draws=True)
    return LawAtBudget(
        flops=flops,
        params=N,
        tokens=D,
        loss=float(law.loss(N, D)) if law.has_loss else None,
        extrapolation_factor=law.provenance.extrapolation_factor(flops),
        beyond=_beyond(law.provenance, {"flops": flops, "params": N, "tokens": D}),
        law=law.provenance,
        notices=tuple(notice for notice in notices if notice.code != "no_loss"),
    )


def other_laws(source: LawSource, flops: float) -> tuple[LawAtBudget, ...]:
    """The optima of all published laws but the plan's own at `flops`; none where a token does not cost 6 N."""
    if not source.cost.is_six_n:
        return ()
    names = (name for name in published_names() if name != source.law.provenance.name)
    return tuple(law_at_budget(published_law(name), flops) for name in names)


def _beyond(law: Provenance, values: dict[str, float]) -> float | None:
    known = ["flops"] if "flops" in law.domain else list(law.domain)
    if not known:
        return None
    ends = [(values[name], *law.domain[name]) for name in known]
    return max(1.0, *(max(value / high, low / value) for value, low, high in ends))
