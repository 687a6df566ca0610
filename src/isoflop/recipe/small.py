"""The recipe of small models: shape rule, batch, learning rate and decay, by measurement.

Every constant carries its source; "measured" means the sweeps of bench/recipe on the default text with byte tokens,
1e11 to 1e13 FLOPs a run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from isoflop.arch import Architecture, family_named, flops_per_token
from isoflop.arch.layout import HiddenOptimizer
from isoflop.errors import InputError, Notice
from isoflop.laws.rate_trend import RateTrend
from isoflop.recipe.large_range import EXPLAINED, beyond_joint, head_target, largest_batch, rate_factor
from isoflop.recipe.training import TrainingRecipe
from isoflop.recipe.tunings import FAMILY_TUNINGS, FamilyTuning
from isoflop.schedule import Schedule
from isoflop.spec import Optimizer

WIDTH_STEP = 4
"""Widths of tiny models are multiples of 4, so that sizes lie close enough for a curve; of 8 from 64 up."""
SMALLEST_WIDTH, LARGEST_WIDTH = 8, 16_384
MUON_RATE = 1.0
"""Peak rate of hidden matrices under Muon, with `match_rms_adamw`, over AdamW's.

Measured in nats a token, AdamW in brackets. Width 24 and 1e11 FLOPs: half the rate 1.977 (2.015), the rate 1.967
(2.005), twice 1.976 (2.014), four times 2.056; at the rate a weight decay of 0 1.967, of 0.1 1.990. Width 24 and 4e11
FLOPs: half 1.848, twice 1.832, and at the rate, three seeds, 1.829, 1.831, 1.838 (1.855, 1.852, 1.853); with half and
twice the rates of all else 1.828 and 1.835. Width 40 and 4e11 FLOPs: 1.806, 1.806 and 1.809 at half, once and twice
(1.828). Other families: FAMILY_TUNINGS. A step takes 1.49, 1.36, 1.23 and 1.13 times AdamW's at widths 24, 40, 64 and
96 on one core."""

WIDTH_PER_LAYER: Mapping[HiddenOptimizer, int] = {"adamw": 48, "muon": 24}
"""d_model / n_layers by the optimiser of the hidden matrices: with Muon two layers up to 108K parameters and four from
296K on.

Measured in nats with two, three and four layers (two seeds up to 2e12 FLOPs), Muon: 57K parameters and 8e11 FLOPs
1.714, 1.722, 1.729; 124K and 2e12 FLOPs 1.614, 1.604, 1.614 (six layers 1.623, one layer 1.663); 200K and 6e12 FLOPs
1.517, 1.494, 1.501. Two layers at every size would have a sweep forecast a loss that its planned run does not reach.
AdamW: at 1e12 FLOPs and 1e5 parameters two layers beat one (by 2 %), three (1 %) and four (1.6 %)."""


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
    width_per_layer: int | None = None
    """d_model / n_layers that the shape rule aims at, never fewer than two layers; None: WIDTH_PER_LAYER."""
    n_layers: int | None = None
    """Layers of every size; None: by `width_per_layer`."""
    reference_width: int = 64
    reference_lr: float = 8e-3
    """Peak rate of the hidden matrices at `reference_width`. Measured at 4e11 FLOPs and widths 24 and 56:
    0.6 and 1.6 times as much are 0.2 to 1.3 % worse. With Muon at 8e12 FLOPs and 150K parameters half of it gives 1.474
    and 1.474 nats, for 1.472 and 1.467."""
    hidden_lr: float | None = None
    """Peak rate of the hidden matrices at `reference_width`; None: `reference_lr`, by family and optimiser."""
    lr_exponent: float = 0.6
    """The rate falls with this power of the width: 1.3e-2 was best at width 32, 8e-3 at 64 (measured, 1e12 FLOPs)."""
    embedding_multiple: float | None = None
    """Rate of the embedding over that of the hidden matrices; None: `optimizer.embedding_lr`, by family."""
    batch_reference_tokens: float = 512.0
    """Tokens a step at `batch_reference_run` training tokens."""
    batch_reference_run: float = 1e6
    batch_exponent: float = 0.8
    """Batch grows with this power of the training tokens. Measured at 3e11 FLOPs: 384 tokens or fewer are best at 5e5
    training tokens, 1,024 at 1.5e6; with Muon at 8e12 FLOPs and 150K parameters (6.3e6 tokens) the rule's 2,176 gives
    1.472 and 1.467 nats, half of it 1.473, a quarter 1.492. Step Law (2503.04715) has 0.571, for runs above
    1e9 tokens."""
    batch_multiple: float = 1.0
    """Batch over that of the rule above."""
    fixed_batch: int | None = None
    """Tokens a step of every run, to whole sequences; None: by the rule above."""
    z_loss: float | None = None
    """Weight of ln^2 Z, see `RunSpec.z_loss`; None: the family's."""
    masked_fraction: float = 0.0
    """Share of each batch that is masked, see `RunSpec.masked_fraction`."""
    rate_trend: RateTrend | None = None
    """The result of a learning-rate check, for later runs; None: the rate as above, which all runs of a sweep have."""
    schedule: Schedule = field(default_factory=lambda: Schedule(kind="wsd", final_fraction=0.0))
    """Measured at 3e11 and 1e12 FLOPs: 1 to 1.5 % below cosine to 10 %, the schedule of Hoffmann et al. 2022, which
    with Muon needs 1.09, 1.13 and 1.07 times the compute for the same loss (bench/compare/decisions.md)."""
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
            hidden="muon",
        )
    )
    """Measured: decay 0.03 is 0.1 to 0.3 % below 0 and 0.1; embedding rates of 8 to 50 times are equal, 1.5 % below 1;
    a head at 1 times is 1.5 to 4 % above 4 and 10. Muon for the hidden matrices: AdamW needs 1.53, 1.41 and 1.39 times
    the compute for its loss, of three seeds each interval above 1 (bench/compare/decisions.md). Betas, eps and
    clipping: Brown et al. 2020, Touvron et al. 2023.
    The comparisons of this file were made one at a time from an earlier recipe; bench/recipe.py repeats them. Repeated
    with Muon at 4e11 FLOPs and width 32, means of two seeds: the recipe 1.803, AdamW for all 1.854; decay 0 1.801, 0.1
    1.819; embedding at .3 and 3 times its rate 1.805 and 1.809; a head at 1 and 10 times 1.806 and 1.803; batch at
    half and twice 1.803 and 1.808; cooldown of 40 % 1.801, cosine to 10 % 1.812; context 64 1.797; heads of 8 1.806.
    At 2e12 FLOPs and width 72 half, once and twice the rate 1.625, 1.620 and 1.620, AdamW 1.653."""
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
        target = head_target(12 * n_layers * d_model**2, self.head_dim)
        n_heads = max(1, round(d_model / target))
        # even, since rotary positions turn pairs
        head_dim = target if target != self.head_dim else max(2, 2 * round(d_model / n_heads / 2))
        step = 8 if family.experts is None else 4  # experts are narrow: eights would double them from one to the next
        return Architecture(
            family=self.family,
            n_layers=n_layers,
            d_model=d_model,
            n_heads=n_heads,
            n_kv_heads=1 if family.multi_query else n_heads,
            head_dim=head_dim,
            d_ff=step * max(1, round(family.usual_d_ff(d_model) / step)),
            vocab_size=self.vocab_size,
            tied_embedding=family.tied_embedding,
            **family.own_fields(self.seq_len),
        )

    def layers_for(self, params: float) -> int:
        """Depth for about `params` non-embedding parameters: 12 L (w L)^2 = params at w = `aimed_width_per_layer`."""
        if self.n_layers is not None:
            return self.n_layers
        return max(self.tuning.fewest_layers, round(math.cbrt(params / (12 * self.aimed_width_per_layer**2))))

    @property
    def aimed_width_per_layer(self) -> int:
        """d_model / n_layers that the shape rule aims at."""
        return self.width_per_layer or WIDTH_PER_LAYER[self.optimizer.hidden]

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
        """Tokens a step for a run of `tokens`, whatever the size: whole sequences, not rounded to powers of two.

        Those of them that are not masked are the batch of a run of as many tokens as are not masked.
        """
        del architecture
        kept = 1 - self.masked_fraction
        by_rule = self.batch_reference_tokens * (kept * tokens / self.batch_reference_run) ** self.batch_exponent
        by_rule = min(by_rule, largest_batch(kept * tokens))
        target = by_rule * self.batch_multiple if self.fixed_batch is None else kept * self.fixed_batch
        return round(self.seq_len * max(1, round(target / self.seq_len)) / kept)

    def warmup_tokens(self, architecture: Architecture, tokens: int, batch_tokens: int) -> int:
        """As in any recipe, and as many steps of it as without the masked tokens."""
        kept = 1 - self.masked_fraction
        if kept == 1:
            return super().warmup_tokens(architecture, tokens, batch_tokens)
        return int(super().warmup_tokens(architecture, round(kept * tokens), round(kept * batch_tokens)) / kept)

    def peak_lr(self, architecture: Architecture, tokens: float) -> float:
        """Peak learning rate of the hidden matrices; the same for every number of tokens."""
        del tokens
        width = (self.reference_width / architecture.d_model) ** self.lr_exponent
        beyond = rate_factor(architecture.params().non_embedding, self.lr_exponent)
        return float(self.hidden_rate * width * beyond * self._checked(architecture))

    @property
    def hidden_rate(self) -> float:
        """Peak rate of the hidden matrices at `reference_width`."""
        if self.hidden_lr is not None:
            return self.hidden_lr
        muon = MUON_RATE if self.optimizer.hidden == "muon" else 1.0
        return self.reference_lr * self.tuning.hidden_lr * muon

    def notices(self, architecture: Architecture, tokens: float) -> list[Notice]:
        """That a check moved the rate, by how much and why; and what was not measured at this size."""
        del tokens
        notices = []
        if self.rate_trend is not None:
            message = f"peak rate {self._checked(architecture):.2f} times the recipe's: {self.rate_trend.reason}"
            notices.append(Notice(code="rate_moved", message=message))
        if beyond_joint(architecture.params().non_embedding):
            notices.append(Notice(code="recipe_not_measured", message=f"the recipe is {EXPLAINED}"))
        return notices

    def _checked(self, architecture: Architecture) -> float:
        """Factor on the rate by `rate_trend`."""
        return 1.0 if self.rate_trend is None else self.rate_trend.factor(architecture.params().non_embedding)

    def run_optimizer(self) -> Optimizer:
        """The optimiser with the family's rate of the embedding, or the recipe's own."""
        if self.embedding_multiple is not None:
            return replace(self.optimizer, embedding_lr=self.embedding_multiple)
        muon = self.tuning.muon_embedding_lr if self.optimizer.hidden == "muon" else 1.0
        return replace(self.optimizer, embedding_lr=self.optimizer.embedding_lr * self.tuning.embedding_lr * muon)

    def run_z_loss(self, architecture: Architecture) -> float:
        """The recipe's own weight of ln^2 Z, or the family's."""
        return super().run_z_loss(architecture) if self.z_loss is None else self.z_loss
