"""A shape as OLMo-core's model, and that model under our parameter names.

What is fused in ours is separate there, as in a run of several processes: its parameters are the slices of
`tensor_parallel.py`, each under another name. So its checkpoints are those of our trainer, and either resumes from the
other's.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from olmo_core.nn.feed_forward import FeedForwardConfig
from olmo_core.nn.transformer import TransformerConfig
from olmo_core.optim import AdamWConfig, OptimGroupOverride
from olmo_core.train.train_module import TransformerTrainModule
from torch import Tensor, nn

from isoflop.arch import NORM_EPS, ROTARY_BASE, Architecture
from isoflop.errors import InputError
from isoflop.runs.engines.olmo import OLMO_FAMILIES
from isoflop.spec import RunSpec
from isoflop.train.attention import KeyValueCache
from isoflop.train.blocks import Positions
from isoflop.train.model import LanguageModel, initial_tensors
from isoflop.train.optim import decays, lr_multiplier
from isoflop.train.parallel import fill
from isoflop.train.tensor_parallel import slices_of

_THEIRS = {
    "embedding": "embeddings.weight",
    "attention_norm": "attention_norm.weight",
    "attention_in_query": "attention.w_q.weight",
    "attention_in_key": "attention.w_k.weight",
    "attention_in_value": "attention.w_v.weight",
    "query_norm": "attention.q_norm.weight",
    "key_norm": "attention.k_norm.weight",
    "attention_out": "attention.w_out.weight",
    "feed_forward_norm": "feed_forward_norm.weight",
    "feed_forward_in_gate": "feed_forward.w1.weight",
    "feed_forward_in_up": "feed_forward.w3.weight",
    "feed_forward_out": "feed_forward.w2.weight",
    "final_norm": "lm_head.norm.weight",
    "output_head": "lm_head.w_out.weight",
}
"""{last part of a slice's name: the parameter's name in a block or in the model}."""
_RECOMPUTED = "_checkpoint_wrapped_module."
"""What PyTorch inserts into the names of a layer that is recomputed in the backward pass."""


def their_name(part: str, inserted: str = "") -> str:
    """OLMo-core's name of the parameter that holds a slice, with `inserted` before its name within the layer.

    >>> their_name("blocks.3.attention_in_query")
    'blocks.3.attention.w_q.weight'
    """
    block, _, last = part.rpartition(".")
    return f"{block}.{inserted}{_THEIRS[last]}" if block else _THEIRS[last]


def model_config(arch: Architecture) -> TransformerConfig:
    """The shape as OLMo-core's configuration.

    Raises InputError for a family that OLMo-core does not have, or where the two count different parameters.
    """
    if arch.family not in OLMO_FAMILIES:
        expected = ", ".join(OLMO_FAMILIES)
        raise InputError(
            f"family: OLMo-core has no {arch.family}; expected {expected}: take another --family, or --engine local"
        )
    normed = "query_key_norm" not in arch.without
    config = TransformerConfig.llama_like(
        d_model=arch.d_model,
        vocab_size=arch.vocab_size,
        n_layers=arch.n_layers,
        n_heads=arch.n_heads,
        n_kv_heads=arch.n_kv_heads,
        head_dim=arch.head_dim,
        # per head, as ours; OLMo-core's default is a norm over the whole width
        qk_norm=normed,
        use_head_qk_norm=normed,
        layer_norm_eps=NORM_EPS,
        rope_theta=round(ROTARY_BASE),
        feed_forward=FeedForwardConfig(hidden_size=arch.d_ff, bias=False),
        tie_word_embeddings=arch.tied_embedding,
    )
    ours, theirs = arch.params().total, int(config.num_params)
    if ours != theirs:
        raise InputError(f"architecture: expected {ours:,} parameters, OLMo-core's model has {theirs:,}")
    return config


def optimizer_config(spec: RunSpec) -> AdamWConfig:
    """AdamW with a group for each pair of learning rate and weight decay of the spec, at the peak of its schedule.

    Raises InputError for another optimiser.
    """
    arch, rates = spec.architecture, spec.optimizer
    if rates.hidden != "adamw":
        raise InputError(f"optimizer.hidden: this engine trains with adamw, got {rates.hidden}; take --engine local")
    groups: dict[tuple[float, float], list[str]] = {}
    for tensor in arch.tensors():
        key = (lr_multiplier(tensor.role, rates), rates.weight_decay if decays(tensor) else 0.0)
        # the star matches what PyTorch inserts into the names of a recomputed layer
        groups.setdefault(key, []).extend(their_name(part.name, "*") for part in slices_of(arch, tensor, 1))
    return AdamWConfig(
        lr=spec.peak_lr,
        betas=(rates.beta1, rates.beta2),
        eps=rates.eps,
        fused=True,
        group_overrides=[
            OptimGroupOverride(
                params=names,
                opts={"lr": spec.peak_lr * multiplier, "lr_multiplier": multiplier, "weight_decay": decay},
            )
            for (multiplier, decay), names in groups.items()
        ],
    )


class OlmoModel(LanguageModel):
    """OLMo-core's model with the interface that the trainer uses: names, tokens to logits, nats."""

    def __init__(self, arch: Architecture, module: TransformerTrainModule, seed: int) -> None:
        nn.Module.__init__(self)
        self.arch = arch
        self.module = module
        self.transformer: nn.Module = module.model
        slices = [part.name for tensor in arch.tensors() for part in slices_of(arch, tensor, 1)]
        self._ours = {their_name(name): name for name in slices}
        with torch.no_grad():
            for tensor, values in initial_tensors(arch, seed):
                for part in slices_of(arch, tensor, 1):
                    fill(self.get_parameter(part.name), values[part.start : part.stop])

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """OLMo-core's parameters by the names of our slices."""
        for name, parameter in self.transformer.named_parameters(prefix, recurse, remove_duplicate):
            yield self._ours[name.replace(_RECOMPUTED, "")], parameter

    def get_parameter(self, target: str) -> nn.Parameter:
        """The parameter that holds the slice `target`."""
        return dict(self.named_parameters())[target]

    def positions(self, start: int, end: int, device: torch.device) -> Positions:
        """Nothing: OLMo-core has its own tables."""
        del start, end, device
        return ()

    def logits(self, tokens: Tensor, caches: list[KeyValueCache] | None = None) -> Tensor:
        """(batch, T) token ids -> (batch, T, vocab_size)."""
        assert caches is None, "text is generated from the exported weights, not with this model"
        logits: Tensor = self.transformer(tokens)
        return logits
