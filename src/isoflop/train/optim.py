"""AdamW (Loshchilov & Hutter 2019, 1711.05101) with learning rates by role of the parameter, and Muon in its place."""

from __future__ import annotations

from typing import TypedDict, cast

import torch
from torch import Tensor

from isoflop.arch import Role, TensorShape
from isoflop.errors import InputError
from isoflop.spec import Optimizer
from isoflop.train.model import LanguageModel

Moments = tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]
"""(parameters, first moments, second moments, step counts) of a parameter group, tensor by tensor."""


def lr_multiplier(role: Role, optimizer: Optimizer) -> float:
    """The learning rate of a role relative to that of the hidden matrices."""
    by_role = {
        "embedding": optimizer.embedding_lr,
        "output_head": optimizer.output_head_lr,
        "vectors": optimizer.vectors_lr,
    }
    return by_role.get(role, 1.0)


def decays(tensor: TensorShape) -> bool:
    """Whether weight decay applies to `tensor`: to hidden matrices; shrinking embeddings or gains is of no use."""
    return tensor.role in ("attention", "feed_forward", "position")


def parameters_of(model: LanguageModel, tensor: TensorShape) -> list[torch.nn.Parameter]:
    """The parameters that hold `tensor`: itself, or its slices in a run of several processes."""
    name, _, last = tensor.name.rpartition(".")
    slices = vars(model.get_submodule(name)).get("slices", {})
    names = [part.name for part in slices[last]] if slices else [tensor.name]
    return [model.get_parameter(name) for name in names]


class ClippedAdamW(torch.optim.AdamW):
    """AdamW whose `clipped_step` clips, steps and drops the gradients in a third of the time of the three calls.

    A small model has hundreds of values a tensor: iterating over the tensors, with an operation for each, to clip, step
    and drop gradients is a tenth of its step.
    """

    _held: list[Moments] | None = None
    """Tensors of each parameter group, collected once."""

    @torch.no_grad()
    def clipped_step(self, limit: float) -> Tensor:
        """Scale the gradient down to the global norm `limit` where it is larger, step, and drop the gradient.

        Returns the norm before clipping (Pascanu et al. 2013, 1211.5063, section 3.2), a scalar on the model's device.
        Every parameter must have a gradient.
        """
        # a restored checkpoint replaces the tensors in `state`: then they are collected again
        if self._held is None or self._held[0][1][0] is not self.state[self._held[0][0][0]].get("exp_avg"):
            self._held = [self._tensors(group) for group in self.param_groups]
        gradients = [[cast(Tensor, parameter.grad) for parameter in held[0]] for held in self._held]
        norm = torch.nn.utils.get_total_norm([*(grad for part in gradients for grad in part), *self._other_gradients()])
        # the fused step divides gradients by it, in the pass that reads them; it stays on the device unread
        scale = (norm / limit).clamp_(min=1.0)
        for group, held, of_group in zip(self.param_groups, self._held, gradients, strict=True):
            parameters, means, squares, steps = held
            torch._foreach_add_(steps, 1)
            beta1, beta2 = group["betas"]
            # Decay is decoupled: w -= lr * weight_decay * w, apart from the moments (Loshchilov & Hutter 2019, Alg. 2).
            torch._fused_adamw_(
                parameters, of_group, means, squares, [], steps, lr=group["lr"], beta1=beta1, beta2=beta2,
                weight_decay=group["weight_decay"], eps=group["eps"], amsgrad=False, maximize=False, grad_scale=scale,
            )  # fmt: skip
            for parameter in parameters:
                parameter.grad = None
        self._step_others(scale)
        return norm

    def _other_gradients(self) -> list[Tensor]:
        """Gradients besides those of its groups that count for the norm."""
        return []

    def _step_others(self, scale: Tensor) -> None:
        """Take the step of the parameters that AdamW does not have, their gradients divided by `scale`."""

    def _tensors(self, group: dict[str, object]) -> Moments:
        """`Moments` of a group, with zeros where there are none yet."""
        lists: list[list[Tensor]] = [[] for _ in range(6)]
        self._init_group(group, *lists)  # type: ignore[no-untyped-call]
        parameters, _, means, squares, _, steps = lists
        return parameters, means, squares, steps


class MuonWithAdamW(ClippedAdamW):
    """torch.optim.Muon for the hidden matrices and AdamW for all else, stepped and saved as one optimiser.

    Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) orthogonalises the momentum of a matrix. With
    `match_rms_adamw` (Liu et al. 2025, 2502.16982, section 2.2) its step is as large as AdamW's, RMS .2.
    Matrices that are fused, such as queries, keys and values, are orthogonalised whole.
    """

    def __init__(self, groups: list[dict[str, object]], hidden: list[torch.nn.Parameter], optimizer: Optimizer) -> None:
        self.muon = torch.optim.Muon(
            hidden, lr=0.0, weight_decay=optimizer.weight_decay, momentum=optimizer.momentum,
            adjust_lr_fn="match_rms_adamw",
        )  # fmt: skip
        super().__init__(groups, **_adamw_options(optimizer))
        # one state for both: a checkpoint holds it parameter by parameter, and fills it again
        self.muon.state = self.state
        self._hidden = hidden

    def set_hidden_lr(self, lr: float) -> None:
        """Set Muon's learning rate."""
        for group in self.muon.param_groups:
            group["lr"] = lr

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop all gradients, those of the hidden matrices too."""
        super().zero_grad(set_to_none)
        self.muon.zero_grad(set_to_none)

    def _other_gradients(self) -> list[Tensor]:
        return [cast(Tensor, parameter.grad) for parameter in self._hidden]

    def _step_others(self, scale: Tensor) -> None:
        torch._foreach_div_(self._other_gradients(), scale)
        self.muon.step()  # type: ignore[no-untyped-call]
        for parameter in self._hidden:
            parameter.grad = None


def check_one_process(optimizer: Optimizer, processes: int) -> None:
    """Raises InputError where a run of several processes has Muon: torch.optim.Muon needs each matrix whole."""
    if optimizer.hidden == "muon" and processes > 1:
        raise InputError(
            f"optimizer.hidden: Muon needs whole matrices, which {processes} processes do not hold; train with one "
            "process, or take adamw"
        )


def build_optimizer(model: LanguageModel, optimizer: Optimizer) -> ClippedAdamW:
    """The optimiser, with a parameter group for each pair of learning rate multiplier and weight decay.

    Each group holds its multiplier under `lr_multiplier`; `set_lr` applies the schedule.
    """
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    hidden: list[torch.nn.Parameter] = []
    for tensor in model.arch.tensors():
        if optimizer.hidden == "muon" and decays(tensor):
            hidden += parameters_of(model, tensor)
            continue
        key = (lr_multiplier(tensor.role, optimizer), optimizer.weight_decay if decays(tensor) else 0.0)
        groups.setdefault(key, []).extend(parameters_of(model, tensor))
    listed: list[dict[str, object]] = [
        {"params": params, "lr_multiplier": multiplier, "weight_decay": decay}
        for (multiplier, decay), params in groups.items()
    ]
    if hidden:
        return MuonWithAdamW(listed, hidden, optimizer)
    return ClippedAdamW(listed, **_adamw_options(optimizer))


class _AdamWOptions(TypedDict):
    lr: float
    betas: tuple[float, float]
    eps: float
    fused: bool


def _adamw_options(optimizer: Optimizer) -> _AdamWOptions:
    return {"lr": 0.0, "betas": (optimizer.beta1, optimizer.beta2), "eps": optimizer.eps, "fused": True}


def set_lr(optimizer: torch.optim.AdamW, lr: float) -> None:
    """Set the learning rate of the hidden matrices to `lr`, and that of every other group to its multiple."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_multiplier"]
    if isinstance(optimizer, MuonWithAdamW):
        optimizer.set_hidden_lr(lr)
