"""What is known of the peak rate and the batch of one run: every law's own value, and published models of its size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from isoflop.laws.hyperparameters import HYPERPARAMETER_LAWS, HyperparameterLaw
from isoflop.laws.practice import TrainedModel, trained_at


@dataclass(frozen=True, kw_only=True)
class LawValue:
    """What one law says of a run."""

    law: HyperparameterLaw
    peak_lr: float
    """No higher than at the edge of the law's runs (`Power.held`)."""
    batch_tokens: float
    """Likewise."""
    formula_lr: float
    """What its formula comes to at this size and length, wherever that is."""
    formula_batch: float
    """Likewise."""
    outside: str
    """Where the run leaves the law's runs, in words; empty within them."""
    has_size: bool
    """Whether the law's runs had models of about this size."""

    def as_json(self) -> dict[str, Any]:
        """The values, with the law's name, source and domain."""
        return {
            "law": self.law.name,
            "paper": self.law.paper,
            "domain": {name: list(ends) for name, ends in self.law.domain.items()},
            "outside": self.outside,
            "peak_lr": self.peak_lr,
            "batch_tokens": self.batch_tokens,
            "formula_peak_lr": self.formula_lr,
            "formula_batch_tokens": self.formula_batch,
        }


@dataclass(frozen=True, kw_only=True)
class KnownRates:
    """Laws side by side, and what published models of the size were trained with."""

    laws: tuple[LawValue, ...]
    models: tuple[TrainedModel, ...]
    """Within a factor of two in size, or of the nearest size."""

    @property
    def lr_range(self) -> tuple[float, float]:
        """Lowest and highest peak rate of published runs of the size: models, and sweeps that a law was fitted to."""
        rates = [model.peak_lr for model in self.models] + [said.peak_lr for said in self.laws if said.has_size]
        return min(rates), max(rates)

    @property
    def largest_batch(self) -> float:
        """Most tokens a step in published runs of the size; infinite where none of them printed it."""
        batches = [model.batch_tokens for model in self.models if model.batch_tokens is not None]
        return max([*batches, *(said.batch_tokens for said in self.laws if said.has_size)], default=float("inf"))

    def of(self, law: HyperparameterLaw) -> LawValue:
        """What `law` says, whether it is one of `laws` or not."""
        return next(said for said in self.laws if said.law == law)

    def peak_lr(self, law: HyperparameterLaw) -> float:
        """What `law` says, moved to the nearest rate that published runs of the size had."""
        low, high = self.lr_range
        return min(max(self.of(law).peak_lr, low), high)

    def batch_tokens(self, law: HyperparameterLaw) -> float:
        """What the formula of `law` comes to, and no more than published runs of the size had.

        Not held at the edge of the law's runs: at the tokens of Llama 2 7B (2e12) Step Law's formula is 1.5 times what
        that model had and 0.65 of what DeepSeek LLM 7B had; held at 1e11 tokens it is a quarter of the lesser.
        """
        return min(self.of(law).formula_batch, self.largest_batch)

    def as_json(self) -> dict[str, Any]:
        """{laws, models, peak_lr_range, largest_batch_tokens}."""
        most = self.largest_batch
        return {
            "laws": [said.as_json() for said in self.laws],
            "models": [model.as_json() for model in self.models],
            "peak_lr_range": list(self.lr_range),
            "largest_batch_tokens": None if most == float("inf") else most,
        }


def known_rates(
    params: Callable[[str], int], tokens: float, laws: tuple[HyperparameterLaw, ...] | None = None
) -> KnownRates:
    """What `laws` (all by default) and published models say of a run on `tokens`.

    `params` gives the shape's parameters by convention: each law counts its own, published models are counted whole.
    """
    said = []
    for law in laws or tuple(HYPERPARAMETER_LAWS.values()):
        N = params(law.params_convention)
        value = LawValue(
            law=law,
            peak_lr=law.held_lr(N, tokens),
            batch_tokens=law.held_batch(N, tokens),
            formula_lr=law.peak_lr(N, tokens),
            formula_batch=law.batch_tokens(N, tokens),
            outside=law.outside(N, tokens),
            has_size=law.has_size(N),
        )
        said.append(value)
    return KnownRates(laws=tuple(said), models=trained_at(params("total")))
