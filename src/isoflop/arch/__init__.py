"""Shapes of models, counted from the lists of their tensors."""

from isoflop.arch.activations import activation_bytes
from isoflop.arch.architecture import MOST_OF_A_SHAPE, NORM_EPS, ROTARY_BASE, Architecture
from isoflop.arch.families.table import FAMILIES, Family, family_named
from isoflop.arch.flops import FLOPS_CONVENTIONS, flops_by_convention, flops_per_token
from isoflop.arch.layout import FLOAT32, MIXED, Formats, Layout, Recompute, TrainingSetup
from isoflop.arch.memory import (
    DTYPE_BYTES,
    TrainMemory,
    kv_cache_bytes,
    memory_bytes,
    serve_bytes,
    train_memory,
)
from isoflop.arch.tensors import PARAMS_CONVENTIONS, ROLES, ParamCount, Role, TensorShape

__all__ = [
    "DTYPE_BYTES",
    "FAMILIES",
    "FLOAT32",
    "FLOPS_CONVENTIONS",
    "MIXED",
    "MOST_OF_A_SHAPE",
    "NORM_EPS",
    "PARAMS_CONVENTIONS",
    "ROLES",
    "ROTARY_BASE",
    "Architecture",
    "Family",
    "Formats",
    "Layout",
    "ParamCount",
    "Recompute",
    "Role",
    "TensorShape",
    "TrainMemory",
    "TrainingSetup",
    "activation_bytes",
    "family_named",
    "flops_by_convention",
    "flops_per_token",
    "kv_cache_bytes",
    "memory_bytes",
    "serve_bytes",
    "train_memory",
]
