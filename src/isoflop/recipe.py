"""How to train a model of any size: from a requested size and token count to a RunSpec.

A law says WHAT to train, a recipe says HOW. Every constant carries its source; "measured" means the sweeps of
bench/recipe on the default text with byte tokens, 1e11 to 1e13 FLOPs a run.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

from isoflop.arch import Architecture, family_named, flops_per_token
from isoflop.errors import InputError, Notice
from isoflop.laws.rate_trend import RateTrend
from isoflop.laws.rates import KnownRates
from isoflop.schedule import Schedule
from isoflop.spec import Optimizer, RunSpec

WIDTH_STEP = 4
"""Widths of tiny models are multiples of 4, so that sizes lie close enough for a curve; of 8 from 64 up."""
SMALLEST_WIDTH, LARGEST_WIDTH = 8, 16_384


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
    def batch_slack(self) -> float:
        """By what share the batch may be rounded so that it divides over many devices.

        An assumption: published rules for the batch of one and the same run differ by more.
        """
        return 0.1

    @abstractmethod
    def architecture(self, params: float) -> Architecture:
        """The buildable architecture nearest to `params`. Raises InputError where there is none."""

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
            z_loss=family_named(architecture.family).z_loss,
        )
        # A group is the cell without its learning rate and seed.
        return replace(spec, group=replace(spec, peak_lr=base, seed=0).run_id)


@dataclass(frozen=True, kw_only=True)
class FamilyTuning:
    """What the recipe of a family changes in that of llama, which the constants of `SmallRecipe` were measured on."""

    hidden_lr: float = 1.0
    """Peak rate of the hidden matrices over llama's."""
    embedding_lr: float = 1.0
    """Multiple of the embedding's rate over llama's multiple. A tied table is the output head too."""
    fewest_layers: int = 2
    optimum: float = 1.0
    """Parameters of the optimum over llama's, for the first guess of a sweep."""


FAMILY_TUNINGS: dict[str, FamilyTuning] = {
    "gopher": FamilyTuning(hidden_lr=0.5, embedding_lr=0.3, optimum=1.5),
    "gpt": FamilyTuning(hidden_lr=0.5),
    "palm": FamilyTuning(hidden_lr=0.5, fewest_layers=3),
}
"""Measured at 3e11 FLOPs and width 32, in nats a token; two losses are of two initial weights.

gopher: llama's rates 1.937; half the hidden rate 1.920; 0.3 of the embedding's multiple 1.919; both 1.882; 0.2 and 0.6
of the multiple with half the rate 1.886 and 1.911. Its vertices lay at 1.25 to 1.55 times llama's first guess from
1.8e11 to 7.3e11 FLOPs, and above the largest size, 2.5 times the guess, at 4.5e10 and 9.1e10.
palm: llama's rates 1.965 and 1.975; half the hidden rate 1.963 and 1.963; 0.35 of it 1.970 and 1.972; 0.3 and 2.5 of
the embedding's multiple 2.023 and 2.042. Attention and feed-forward of a layer stand side by side, so two layers are
two steps where llama's are four: at half the rate and about the same size, three layers give 1.934, two 1.963, four
1.959.
gpt: scatters by 1 to 2 %, so that width 32 decides nothing: llama's rates 2.100 and 2.096, half the hidden rate 2.121,
with 0.6 of the embedding's multiple 2.083 and 2.121. In a whole study with llama's rates half of all rates was best in
the learning-rate check at 1.8K, 14K and 40K parameters, by 0.1, 1.3 and 0.9 %.
"""


@dataclass(frozen=True, kw_only=True)
class SmallRecipe(TrainingRecipe):
    """Shape rule, batch, learning rate and decay of small models, by measurement: llama's, see FAMILY_TUNINGS."""

    family: str = "llama"
    vocab_size: int
    seq_len: int = 128
    """Context in tokens. Measured at 3e11 FLOPs: 128 ends 1.5 to 3 % below 256 (attention is cheaper, so the text is
    longer), 64 another 2 % lower; at 1e12 FLOPs 64 gains 0.3 % only."""
    head_dim: int = 16
    """Target width of a head. Measured at 3e11 FLOPs: 16 beats 32 by 0.4 %; 8 gains 0.5 to 1 % more per FLOP but runs
    at half the speed on a CPU."""
    width_per_layer: int = 48
    """d_model / n_layers that the shape rule aims at, never fewer than two layers. Measured at 1e12 FLOPs and 1e5
    parameters: two layers beat one (by 2 %), three (1 %) and four (1.6 %)."""
    reference_width: int = 64
    reference_lr: float = 8e-3
    """Peak rate of the hidden matrices at `reference_width`. Measured at 4e11 FLOPs and widths 24 and 56:
    0.6 and 1.6 times as much are 0.2 to 1.3 % worse."""
    lr_exponent: float = 0.6
    """The rate falls with this power of the width: 1.3e-2 was best at width 32, 8e-3 at 64 (measured, 1e12 FLOPs)."""
    batch_reference_tokens: float = 512.0
    """Tokens a step at `batch_reference_run` training tokens."""
    batch_reference_run: float = 1e6
    batch_exponent: float = 0.8
    """Batch grows with this power of the training tokens. Measured at 3e11 FLOPs: 384 tokens or fewer are best at 5e5
    training tokens, 1,024 at 1.5e6. Step Law (2503.04715) has 0.571, for runs above 1e9 tokens."""
    rate_trend: RateTrend | None = None
    """The result of a learning-rate check, for later runs; None: the rate as above, which all runs of a sweep have."""
    schedule: Schedule = field(default_factory=lambda: Schedule(kind="wsd", final_fraction=0.0))
    """Measured at 3e11 and 1e12 FLOPs: 1 to 1.5 % below cosine to 10 %, the schedule of Hoffmann et al. 2022."""
    optimizer: Optimizer = field(
        default_factory=lambda: Optimizer(
            beta1=0.9,
            beta2=0.95,
            eps=1e-8,
            weight_decay=0.03,
            clip_norm=1.0,
            embedding_lr=10.0,
            output_head_lr=4.0,
            vectors_lr=1.0,
        )
    )
    """Measured: decay 0.03 is 0.1 to 0.3 % below 0 and 0.1; embedding rates of 8 to 50 times are equal, 1.5 % below 1;
    a head at 1 times is 1.5 to 4 % above 4 and 10. Betas, eps and clipping: Brown et al. 2020, Touvron et al. 2023.
    The comparisons of this file were made one at a time from an earlier recipe; bench/recipe.py repeats them."""
    eval_tokens: int = 65_536
    """Validation tokens per domain: the same windows for every run, so that their noise is common to all."""

    @property
    def rates_rule(self) -> str:
        """What was measured, and what a learning-rate check moved."""
        moved = "" if self.rate_trend is None else ", the peak rate moved by the study's learning-rate check"
        return f"isoflop's recipe for small {self.family} models{moved}"

    @property
    def tuning(self) -> FamilyTuning:
        """What the family changes; nothing for a family that was not measured."""
        return FAMILY_TUNINGS.get(self.family, FamilyTuning())

    def shape(self, d_model: int, n_layers: int) -> Architecture:
        """The architecture of a width and a depth: heads near `head_dim`, feed-forward at the family's ratio.

        Positions that are learned reach as far as the context.
        """
        family = family_named(self.family)
        n_heads = max(1, round(d_model / self.head_dim))
        head_dim = max(2, 2 * round(d_model / n_heads / 2))  # even: rotary positions turn pairs
        return Architecture(
            family=self.family,
            n_layers=n_layers,
            d_model=d_model,
            n_heads=n_heads,
            n_kv_heads=1 if family.multi_query else n_heads,
            head_dim=head_dim,
            d_ff=8 * max(1, round(d_model * family.ff_ratio / 8)),
            vocab_size=self.vocab_size,
            tied_embedding=family.tied_embedding,
            n_positions=self.seq_len if family.learned_positions else None,
        )

    def layers_for(self, params: float) -> int:
        """Depth for about `params` non-embedding parameters: 12 L (w L)^2 = params at w = `width_per_layer`."""
        return max(self.tuning.fewest_layers, round(math.cbrt(params / (12 * self.width_per_layer**2))))

    def architecture(self, params: float) -> Architecture:
        """The buildable architecture nearest to `params` non-embedding parameters (in the ratio).

        The smallest buildable one where `params` is less. Raises InputError above the largest width.
        """
        layers = self.layers_for(params)
        target = math.sqrt(params / (12 * layers))
        step = WIDTH_STEP if target < 64 else 2 * WIDTH_STEP
        width = step * math.floor(target / step)
        if width >= LARGEST_WIDTH:
            what = f"no {self.family} model of {params:,.0f} parameters"
            raise InputError(f"params: {what}; the widest is {LARGEST_WIDTH}")
        nearest = self._nearest(params, layers, range(width - step, width + 3 * step, step))
        if SMALLEST_WIDTH < nearest.d_model <= width - step:
            # At the edge: a layer of gopher or palm holds 13 or 14 d^2, not 12, so its width lies further down.
            target = nearest.d_model * math.sqrt(params / nearest.params().non_embedding)
            step = WIDTH_STEP if target < 64 else 2 * WIDTH_STEP
            width = step * round(target / step)
            nearest = self._nearest(params, layers, range(width - 2 * step, width + 3 * step, step))
        return nearest

    def _nearest(self, params: float, layers: int, widths: range) -> Architecture:
        shapes = [self.shape(max(SMALLEST_WIDTH, width), layers) for width in widths]
        return min(shapes, key=lambda shape: abs(math.log(shape.params().non_embedding / params)))

    def flops_per_token(self, architecture: Architecture) -> float:
        """Training FLOPs per token, `matmul` convention, at this recipe's context."""
        return flops_per_token(architecture, self.seq_len)

    def batch_tokens(self, architecture: Architecture, tokens: float) -> int:
        """Tokens a step for a run of `tokens`, whatever the size: whole sequences, not rounded to powers of two."""
        del architecture
        target = self.batch_reference_tokens * (tokens / self.batch_reference_run) ** self.batch_exponent
        return int(self.seq_len * max(1, round(target / self.seq_len)))

    def peak_lr(self, architecture: Architecture, tokens: float) -> float:
        """Peak learning rate of the hidden matrices; the same for every number of tokens."""
        del tokens
        of_llama = self.reference_lr * (self.reference_width / architecture.d_model) ** self.lr_exponent
        return float(of_llama * self.tuning.hidden_lr * self._checked(architecture))

    def notices(self, architecture: Architecture, tokens: float) -> list[Notice]:
        """That a check moved the rate, by how much and why."""
        del tokens
        if self.rate_trend is None:
            return []
        message = f"peak rate {self._checked(architecture):.2f} times the recipe's: {self.rate_trend.reason}"
        return [Notice(code="rate_moved", message=message)]

    def _checked(self, architecture: Architecture) -> float:
        """Factor on the rate by `rate_trend`."""
        return 1.0 if self.rate_trend is None else self.rate_trend.factor(architecture.params().non_embedding)

    def run_optimizer(self) -> Optimizer:
        """The optimiser with the family's rate of the embedding."""
        return replace(self.optimizer, embedding_lr=self.optimizer.embedding_lr * self.tuning.embedding_lr)
