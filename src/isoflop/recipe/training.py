"""What every recipe gives: from a shape and a number of tokens to a RunSpec."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from isoflop.arch import Architecture, family_named
from isoflop.errors import InputError, Notice
from isoflop.laws.rates import KnownRates
from isoflop.schedule import Schedule
from isoflop.spec import Optimizer, RunSpec


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe(ABC):
    """How models of any size are shaped and trained: what plans and sweeps are made with.

    Subclasses give the shape, the batch and the rate; the run follows from these.
    """

    vocab_size: int
    """Tokens, end-of-text included."""
    seq_len: int
    """Context in tokens."""
    schedule: Schedule
    warmup_fraction: float = 0.05
    """Largest share of the steps for warm-up; it is never longer than N tokens (Porian et al. 2024)."""
    optimizer: Optimizer
    eval_tokens: int
    """Validation tokens per domain."""

    @property
    def masked_fraction(self) -> float:
        """Share of each batch that is masked, see `RunSpec.masked_fraction`."""
        return 0.0

    @property
    def batch_slack(self) -> float:
        """By what share the batch may be rounded so that it divides over many devices.

        An assumption: published rules for the batch of one and the same run differ by more.
        """
        return 0.1

    @abstractmethod
    def architecture(self, params: float) -> Architecture:
        """The buildable architecture nearest to `params`. Raises InputError where there is none."""

    def counted(self, architecture: Architecture, convention: str) -> int:
        """N of a shape that `architecture` gives, by that convention."""
        return architecture.params().by_convention(convention)

    @abstractmethod
    def batch_tokens(self, architecture: Architecture, tokens: float) -> int:
        """Tokens a step for a run of `tokens`: a whole number of sequences."""

    @abstractmethod
    def peak_lr(self, architecture: Architecture, tokens: float) -> float:
        """Peak learning rate of the hidden matrices in a run of `tokens`."""

    def warmup_tokens(self, architecture: Architecture, tokens: int, batch_tokens: int) -> int:
        """Tokens of warm-up: N at the most, and no larger share than `warmup_fraction`."""
        return int(min(self.warmup_fraction * tokens, max(architecture.params().non_embedding, batch_tokens)))

    def run_optimizer(self) -> Optimizer:
        """The optimiser of a run: `optimizer`, unless a recipe changes it by family."""
        return self.optimizer

    def run_z_loss(self, architecture: Architecture) -> float:
        """Weight of ln^2 Z in what a run minimises: the family's."""
        return family_named(architecture.family).z_loss

    def known_rates(self, architecture: Architecture, tokens: float) -> KnownRates | None:
        """What laws and published models say of batch and rate; None where the recipe does not rest on them."""
        del architecture, tokens
        return None

    @property
    def rates_rule(self) -> str:
        """By which rule batch and peak rate are set, in a few words."""
        return "a recipe of your own"

    def notices(self, architecture: Architecture, tokens: float) -> list[Notice]:
        """What a person should know about this recipe for such a run."""
        del architecture, tokens
        return []

    def spec(
        self,
        architecture: Architecture,
        tokens: float,
        *,
        corpus: str = "",
        seed: int = 0,
        budget_flops: float | None = None,
        lr_factor: float = 1.0,
        batch_tokens: int | None = None,
    ) -> RunSpec:
        """The run of `architecture` on about `tokens` training tokens (rounded to whole batches).

        Without a corpus it says how, and not yet on what. `batch_tokens` replaces the recipe's own. Raises InputError
        when `tokens` is less than one batch.
        """
        batch = batch_tokens or self.batch_tokens(architecture, tokens)
        steps = round(tokens / batch)
        if steps < 1:
            raise InputError(f"tokens: expected at least one batch of {batch}, got {tokens:,.0f}; raise the budget")
        whole = steps * batch
        base = self.peak_lr(architecture, tokens)
        spec = RunSpec(
            architecture=architecture,
            tokens=whole,
            batch_tokens=batch,
            seq_len=self.seq_len,
            peak_lr=base * lr_factor,
            schedule=self.schedule,
            warmup_tokens=self.warmup_tokens(architecture, whole, batch),
            optimizer=self.run_optimizer(),
            seed=seed,
            corpus=corpus,
            eval_tokens=self.eval_tokens,
            budget_flops=budget_flops,
            z_loss=self.run_z_loss(architecture),
            masked_fraction=self.masked_fraction,
        )
        # A group is the cell without its learning rate and seed.
        return replace(spec, group=replace(spec, peak_lr=base, seed=0).run_id)
