"""Shapes of models, counted from the list of tensors that they are made of."""

from isoflop.arch.account import (
    FLOPS_CONVENTIONS,
    activation_bytes,
    flops_by_convention,
    flops_per_token,
    kv_cache_bytes,
    serve_bytes,
    train_state_bytes,
)
from isoflop.arch.architecture import PARAMS_CONVENTIONS, ROLES, Architecture, ParamCount, Role, TensorShape
from isoflop.arch.families import FAMILIES, Family, family_named

__all__ = [
    "FAMILIES",
    "FLOPS_CONVENTIONS",
    "PARAMS_CONVENTIONS",
    "ROLES",
    "Architecture",
    "Family",
    "ParamCount",
    "Role",
    "TensorShape",
    "activation_bytes",
    "family_named",
    "flops_by_convention",
    "flops_per_token",
    "kv_cache_bytes",
    "serve_bytes",
    "train_state_bytes",
]
