"""Small models in which every parameter matters, and the shapes and optimiser of several tests."""

from __future__ import annotations

import torch

from isoflop.arch import FAMILIES, Architecture
from isoflop.spec import Optimizer
from isoflop.train.model import LanguageModel, build

OPTIMIZER = Optimizer(
    beta1=0.9,
    beta2=0.95,
    eps=1e-8,
    weight_decay=0.5,
    clip_norm=1.0,
    embedding_lr=8.0,
    output_head_lr=4.0,
    vectors_lr=2.0,
)


def architecture(family: str = "llama", *, tied: bool = False, n_layers: int = 2) -> Architecture:
    """A shape of 24 wide, with keys and values shared by two heads."""
    return Architecture(
        family=family,
        n_layers=n_layers,
        d_model=24,
        n_heads=2,
        n_kv_heads=1,
        head_dim=12,
        d_ff=40,
        vocab_size=257,
        tied_embedding=tied,
        **FAMILIES[family].own_fields(64),
    )


def shaken(family: str = "llama", *, tied: bool = False, seed: int = 0) -> LanguageModel:
    """A model with perturbed initial weights: no gain is 1, and no bias or head is 0."""
    model = build(architecture(family, tied=tied), seed=seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return model
