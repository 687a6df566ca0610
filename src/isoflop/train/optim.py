"""AdamW with learning rates by role."""

from __future__ import annotations

import torch

from isoflop.arch import Role, TensorShape
from isoflop.spec import Optimizer
from isoflop.train.model import LanguageModel


def lr_multiplier(role: Role, optimizer: Optimizer) -> float:
    """Learning rate of a role over that of the hidden matrices."""
    by_role = {
        "embedding": optimizer.embedding_lr,
        "output_head": optimizer.output_head_lr,
        "vectors": optimizer.vectors_lr,
    }
    return by_role.get(role, 1.0)


def decays(tensor: TensorShape) -> bool:
    """Weight decay applies to hidden matrices only: shrinking embeddings or gains serves nothing."""
    return tensor.role in ("attention", "feed_forward", "position")


def parameters_of(model: LanguageModel, tensor: TensorShape) -> list[torch.nn.Parameter]:
    """The parameters that hold `tensor`: itself, or its pieces in a run of many processes."""
    name, _, last = tensor.name.rpartition(".")
    pieces = vars(model.get_submodule(name)).get("pieces", {})
    names = [piece.name for piece in pieces[last]] if pieces else [tensor.name]
    return [model.get_parameter(name) for name in names]


def build_optimizer(model: LanguageModel, optimizer: Optimizer) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019) with one parameter group for each (multiplier, decay) pair.

    Each group keeps its multiplier under `lr_multiplier`; `set_lr` applies the schedule.
    """
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for tensor in model.arch.tensors():
        key = (lr_multiplier(tensor.role, optimizer), optimizer.weight_decay if decays(tensor) else 0.0)
        groups.setdefault(key, []).extend(parameters_of(model, tensor))
    return torch.optim.AdamW(
        [
            {"params": params, "lr_multiplier": multiplier, "weight_decay": decay}
            for (multiplier, decay), params in groups.items()
        ],
        lr=0.0,
        betas=(optimizer.beta1, optimizer.beta2),
        eps=optimizer.eps,
        fused=True,
    )


def set_lr(optimizer: torch.optim.AdamW, lr: float) -> None:
    """Set the learning rate of the hidden matrices to `lr`, of every other group to its multiple."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_multiplier"]
