"""Peak rate and batch of one run by every law, and those of published models of its size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from isoflop.codec import JsonObject, to_json
from isoflop.laws.hyperparameters import HYPERPARAMETER_LAWS, HyperparameterLaw
from isoflop.laws.practice import TrainedModel, trained_at


@dataclass(frozen=True, kw_only=True)
class LawValue:
    """Peak rate and batch of a run by one law."""

    law: HyperparameterLaw
    peak_lr: float
    """No higher than at the edge of the law's runs (`Power.held`)."""
    batch_tokens: float
    """Tokens a step, held in the same way."""
    formula_lr: float
    """Value of its formula at this size and length, inside its runs or not."""
    formula_batch: float
    """Its formula for the tokens a step."""
    outside: str
    """Where the run lies outside of the law's runs, in words; empty inside."""
    has_size: bool
    """Whether the law's runs had models of about this size."""

    def as_json(self) -> JsonObject:
        """The values, with the law's name, source and domain."""
        return {
            "law": self.law.name,
            "paper": self.law.paper,
            "domain": to_json(self.law.domain),
            "outside": self.outside,
            "peak_lr": self.peak_lr,
            "batch_tokens": self.batch_tokens,
            "formula_peak_lr": self.formula_lr,
            "formula_batch_tokens": self.formula_batch,
        }


@dataclass(frozen=True, kw_only=True)
class KnownRates:
    """Every law's value, and the training of published models of the size."""

    laws: tuple[LawValue, ...]
    models: tuple[TrainedModel, ...]
    """Within a factor of two in size, or of the nearest size."""

    @property
    def lr_range(self) -> tuple[float, float]:
        """Lowest and highest peak rate of published runs of the size: models, and sweeps that a law was fitted to."""
        rates = [model.peak_lr for model in self.models] + [value.peak_lr for value in self.laws if value.has_size]
        return min(rates), max(rates)

    @property
    def largest_batch(self) -> float:
        """Most tokens a step in published runs of the size; infinite where none of them printed it."""
        batches = [model.batch_tokens for model in self.models if model.batch_tokens is not None]
        return max([*batches, *(value.batch_tokens for value in self.laws if value.has_size)], default=float("inf"))

    def of(self, law: HyperparameterLaw) -> LawValue:
        """The value of `law`, one of those in `laws`."""
        return next(value for value in self.laws if value.law == law)

    def peak_lr(self, law: HyperparameterLaw) -> float:
        """The rate of `law`, moved to the nearest one that published runs of the size had."""
        low, high = self.lr_range
        return min(max(self.of(law).peak_lr, low), high)

    def batch_tokens(self, law: HyperparameterLaw) -> float:
        """The formula of `law`, and no more than published runs of the size had.

        Not held at the edge of the law's runs: at the tokens of Llama 2 7B (2e12) Step Law's formula is 1.5 times what
        that model had and 0.65 of what DeepSeek LLM 7B had; held at 1e11 tokens it is a quarter of the lesser.
        """
        return min(self.of(law).formula_batch, self.largest_batch)

    def as_json(self) -> JsonObject:
        """{laws, models, peak_lr_range, largest_batch_tokens}."""
        most = self.largest_batch
        return {
            "laws": to_json(self.laws),
            "models": to_json(self.models),
            "peak_lr_range": list(self.lr_range),
            "largest_batch_tokens": None if most == float("inf") else most,
        }


def known_rates(
    params: Callable[[str], int], tokens: float, laws: tuple[HyperparameterLaw, ...] | None = None
) -> KnownRates:
    """Rates and batches of a run on `tokens` by `laws` (all by default), and of published models of its size.

    `params` gives the shape's parameters by convention: each law counts its own, published models are counted whole.
    """
    values = []
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
        values.append(value)
    return KnownRates(laws=tuple(values), models=trained_at(params("total")))
