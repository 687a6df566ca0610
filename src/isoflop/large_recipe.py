"""How to train a model of published size: shapes as in Table A9, batch and rate by a published law.

Nothing in this module was measured by isoflop: `recipe.SmallRecipe` holds what was, for small models. Constants state
their source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from isoflop.arch import Architecture, family_named
from isoflop.arch.shapes import DEFAULT_VOCAB_SIZE, nearest_shape
from isoflop.errors import InputError, Notice
from isoflop.laws.hyperparameters import HYPERPARAMETER_LAWS, STEP_LAW, HyperparameterLaw
from isoflop.laws.rates import KnownRates, known_rates
from isoflop.recipe import TrainingRecipe
from isoflop.schedule import Schedule
from isoflop.spec import Optimizer
from isoflop.units import format_number

DEFAULT_SEQ_LEN = 2_048
"""Context of Hoffmann et al. 2022, for the memory and FLOPs of a shape when none is given."""

CHINCHILLA_RATIO = 20
"""Tokens a parameter of a run of which only the shape is known (Hoffmann et al. 2022, Table 3: 20.2 at 1B)."""

# Batches keep this many leading bits, so that many numbers of devices divide them: at most 13 % off the target.
_LEADING_BITS = 3
# A batch this much above the target is reported; rounding to leading bits stays below.
_REPORTED_EXCESS = 0.2


@dataclass(frozen=True, kw_only=True)
class LargeRecipe(TrainingRecipe):
    """Shape rule, batch, learning rate and decay of models from some millions of parameters up."""

    family: str = "llama"
    vocab_size: int = DEFAULT_VOCAB_SIZE
    seq_len: int = DEFAULT_SEQ_LEN
    """Context in tokens."""
    params_convention: str = "total"
    """What `architecture` counts; see `arch.PARAMS_CONVENTIONS`."""
    without: tuple[str, ...] = ()
    """Optional parts of the family that the shapes lack; see `Architecture.without`."""
    tied: bool | None = None
    """Whether the output head is the embedding; None: as usual in the family."""
    counted_vocab: int | None = None
    """Vocabulary of one tied table with which N is counted in place of the shape's own tables; None: with its own."""
    rates: HyperparameterLaw = STEP_LAW
    """Batch and peak rate, kept within what published runs of the size had (`KnownRates`)."""
    given_batch: float | None = None
    """Tokens a step that were asked for; None: by the law of `rates`."""
    schedule: Schedule = field(default_factory=Schedule)
    """Cosine to 10 % (Hoffmann et al. 2022, App. B)."""
    warmup_steps: int = 2_000
    """Most steps of warm-up (Touvron et al. 2023, section 2.2; Li et al. 2025)."""
    least_warmup_steps: int = 130
    """Fewest steps of warm-up, where they are at most `warmup_fraction` of the run. N tokens, the rule of Porian et al.
    2024, were 129 steps of their smallest model and batch (5e6 / (2048 x 0.00037 x 5e6^0.703)), 600 of their largest;
    where the batch is large for the size, N tokens alone would be a step or two."""
    optimizer: Optimizer = field(
        default_factory=lambda: Optimizer(
            beta1=0.9,
            beta2=0.95,
            eps=1e-8,
            weight_decay=0.1,
            clip_norm=1.0,
            embedding_lr=1.0,
            output_head_lr=1.0,
            vectors_lr=1.0,
        )
    )
    """Betas, eps, clipping and decay: Brown et al. 2020, Touvron et al. 2023. One rate for all, as the laws have it."""
    eval_tokens: int = 2**20
    """Validation tokens per domain: at a spread of 3 nats between tokens their noise is below .003 nats."""

    def __post_init__(self) -> None:
        """Raises InputError where there is no such family, or it has no such part to lack."""
        optional = family_named(self.family).optional
        if unknown := sorted(set(self.without) - set(optional)):
            known = ", ".join(optional) or "nothing"
            raise InputError(f"without: a {self.family} model may lack {known}; got {', '.join(unknown)}")

    def architecture(self, params: float) -> Architecture:
        """`nearest_shape` to `params`, counted by `params_convention`. Raises InputError where there is none."""
        own = self.counted_vocab is None
        shape = nearest_shape(
            params,
            family=self.family,
            vocab_size=self.vocab_size if self.counted_vocab is None else self.counted_vocab,
            seq_len=self.seq_len,
            convention=self.params_convention,
            tied=self.tied if own else True,
        )
        tied = family_named(self.family).tied_embedding if self.tied is None else self.tied
        return replace(shape, without=self.without, vocab_size=self.vocab_size, tied_embedding=tied)

    def counted(self, architecture: Architecture, convention: str) -> int:
        """N by that convention, with the table of `counted_vocab` where that is set."""
        if self.counted_vocab is not None:
            architecture = replace(architecture, vocab_size=self.counted_vocab, tied_embedding=True)
        return super().counted(architecture, convention)

    def batch_tokens(self, architecture: Architecture, tokens: float) -> int:
        """Tokens a step, as given or by `rates`: whole sequences, so many that many devices divide them.

        By the law no more than published runs of the size had (`KnownRates.batch_tokens`), up to that rounding.

        >>> recipe = LargeRecipe()
        >>> recipe.batch_tokens(recipe.architecture(70e9), 1.4e12) // recipe.seq_len
        2560
        """
        if self.given_batch is not None:
            return self.seq_len * max(1, round(self.given_batch / self.seq_len))
        sequences = self.known_rates(architecture, tokens).batch_tokens(self.rates) / self.seq_len
        step: int = 1 << max(0, math.floor(math.log2(max(1.0, sequences))) - _LEADING_BITS + 1)
        return self.seq_len * step * max(1, round(sequences / step))

    @property
    def batch_slack(self) -> float:
        """As in any recipe; 5 % for a requested batch, as people write 4M for 2^22."""
        return super().batch_slack if self.given_batch is None else 0.05

    def peak_lr(self, architecture: Architecture, tokens: float) -> float:
        """Peak rate by the law of `rates`, held at its runs and within what published runs of the size had."""
        return self.known_rates(architecture, tokens).peak_lr(self.rates)

    def known_rates(self, architecture: Architecture, tokens: float) -> KnownRates:
        """The laws of batch and rate side by side, and published models of this size: of the parameters of a token."""
        laws = {law.name: law for law in (*HYPERPARAMETER_LAWS.values(), self.rates)}
        return known_rates(architecture.active_params().by_convention, tokens, tuple(laws.values()))

    @property
    def rates_rule(self) -> str:
        """The law of `rates`, and a batch that was given."""
        law = (
            f"{self.rates.name} ({self.rates.paper}), held at its runs and within what published models of the size had"
        )
        return law if self.given_batch is None else f"{law}; the batch as given"

    def warmup_tokens(self, architecture: Architecture, tokens: int, batch_tokens: int) -> int:
        """Tokens of warm-up: N, yet `least_warmup_steps` at least and `warmup_steps` at the most.

        Whatever these say, no larger share than `warmup_fraction`: of a short run that decides.
        """
        least, most = self.least_warmup_steps * batch_tokens, self.warmup_steps * batch_tokens
        target = min(max(architecture.params().non_embedding, least), most)
        return int(min(target, self.warmup_fraction * tokens))

    def notices(self, architecture: Architecture, tokens: float) -> list[Notice]:
        """Where batch and rate leave the runs that their law was fitted to."""
        notices, batch, known = [], self.batch_tokens(architecture, tokens), self.known_rates(architecture, tokens)
        target = self.given_batch or known.batch_tokens(self.rates)
        if batch > target * (1 + _REPORTED_EXCESS):
            message = f"a step has one sequence, {batch:,} tokens, where {target:,.0f} is the target; shorten --seq-len"
            notices.append(Notice(code="batch_above_wish", message=message))
        rates = known.of(self.rates)
        if not rates.outside:
            return notices
        low, high = known.lr_range
        had = (
            f"the {format_number(low, 2)}"
            if low == high
            else f"the {format_number(low, 2)} to {format_number(high, 2)}"
        )
        message = (
            f"batch and learning rate by {self.rates.paper}, outside its runs: {rates.outside}. Its formula's peak "
            f"rate of {format_number(rates.formula_lr)} is held at its runs to {format_number(rates.peak_lr)}, and "
            "kept within "
            f"{had} of published runs of this size: {format_number(known.peak_lr(self.rates))}; take it as the middle "
            "of a check at three rates on smaller models"
        )
        return [*notices, Notice(code="rates_extrapolated", message=message)]
