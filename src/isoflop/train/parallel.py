"""A model over many processes: PyTorch's FSDP2 shards its state, DTensors split its matrices.

Parameters are the slices of `tensor_parallel.py`. Where matrices are split, a layer computes with the heads and columns
of its process as if it were a smaller layer (Shoeybi et al. 2019, 1909.08053, section 3): its input is replicated, see
`enter`, and its output is a partial sum, see `write`. These two, and gradients that are sums over processes, are the
only communication it needs; DTensor does it.
"""

from __future__ import annotations

import logging
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, Partial, Placement, Replicate, Shard
from torch.nn import functional as F  # noqa: N812 PyTorch's own name for it

from isoflop.arch import Architecture, TensorShape
from isoflop.runs.parallel_config import MatmulPrecision
from isoflop.train.model import LanguageModel, initial_tensors
from isoflop.train.process_group import ProcessGroup
from isoflop.train.tensor_parallel import (
    TensorSlice,
    local_architecture,
    shard_dimension,
    slices_of,
    used_rows,
    vocabulary_splits,
)

_PLACEMENT: dict[str, Placement] = {"rows": Shard(0), "columns": Shard(1), "whole": Replicate()}


class Sliced(nn.Module):
    """Mixin of a module whose parameters are slices: a tensor's name gives what this process computes with."""

    slices: dict[str, tuple[TensorSlice, ...]]
    """{last part of a tensor's name: its slices}."""
    tensor_mesh: DeviceMesh | None
    """The tensor-parallel processes; None where matrices are not split."""
    used: dict[str, slice]
    """{name of a slice: the rows that this process uses of what it holds}."""

    def __getattr__(self, name: str) -> Tensor | nn.Module:
        """What this process computes with for a tensor called `name`; other names as in any module."""
        slices = self.__dict__["slices"].get(name)
        if slices is None:
            return super().__getattr__(name)
        local = [self._local(part) for part in slices]
        # fused again, so that a layer is one product whatever its parameters are
        return local[0] if len(local) == 1 else torch.cat(local)

    def _local(self, part: TensorSlice) -> Tensor:
        parameter = self._parameters[part.name.rsplit(".", 1)[-1]]
        assert parameter is not None
        # on FSDP's mesh it is a shard between two forward passes, which nothing computes with
        if not isinstance(parameter, DTensor) or parameter.device_mesh != self.tensor_mesh:
            return parameter
        # how DTensor takes the gradient of the local part: as a term of a sum to be all-reduced, or placed as the part
        gradient = Partial() if part.summed else _PLACEMENT[part.split]
        local: Tensor = parameter.to_local(grad_placements=[gradient])
        return local if part.used == "all" else local[self.used[part.name]]


class Split(Sliced):
    """The communication of the processes that split matrix products."""

    def enter(self, x: Tensor) -> Tensor:
        """x, replicated, whose gradient is the sum over processes; see `Block.enter` and `LanguageModel.enter`."""
        assert self.tensor_mesh is not None
        # each process's heads or columns contribute a term to the gradient of their common input
        whole = DTensor.from_local(x, self.tensor_mesh, [Replicate()], run_check=False)
        return whole.to_local(grad_placements=[Partial()])

    def all_reduce(self, part: Tensor, operation: Literal["sum", "max"] = "sum") -> Tensor:
        """The sum of every process's `part`, or the elementwise maximum; the gradient of a sum is that of each term."""
        assert self.tensor_mesh is not None
        parts = DTensor.from_local(part, self.tensor_mesh, [Partial(operation)], run_check=False)
        reduced: Tensor = parts.redistribute(placements=[Replicate()]).to_local()
        return reduced


class SplitBlock(Split):
    """A layer that computes with its process's heads and columns of the feed-forward."""

    def write(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """See `Block.write`; the bias is added after the sum, and so once."""
        summed = self.all_reduce(F.linear(x, weight))
        return summed if bias is None else summed + bias

    def reduce(self, part: Tensor) -> Tensor:
        """See `Block.reduce`."""
        return self.all_reduce(part)


class SplitVocabulary(Split):
    """A model whose vocabulary is split: each process has its tokens' rows of embedding and head, and their logits.

    Shoeybi et al. 2019 (1909.08053), section 3: the cross-entropy is summed over processes, so that no process ever
    gathers the logits of all tokens.
    """

    embedding: Tensor
    first_token: int
    """The first token id of this process."""

    def embed(self, tokens: Tensor) -> Tensor:
        """See `LanguageModel.embed`."""
        table: Tensor = self.embedding
        row, elsewhere = self._row_of(tokens, table.shape[0])
        return self.all_reduce(F.embedding(row, table).masked_fill(elsewhere[..., None], 0.0))

    def log_z(self, logits: Tensor) -> Tensor:
        """See `LanguageModel.log_z`."""
        local = logits.float().logsumexp(-1)
        # ln sum_r e^(l_r), less the largest so that no power overflows; it cancels, and so needs no gradient
        largest = self.all_reduce(local.detach(), "max")
        return largest + self.all_reduce((local - largest).exp()).log()

    def nats(self, logits: Tensor, targets: Tensor) -> Tensor:
        """See `LanguageModel.nats`."""
        row, elsewhere = self._row_of(targets, logits.shape[-1])
        target_logit = logits.float().gather(-1, row[..., None]).squeeze(-1)
        # the one process that has the target's logit contributes it, all others 0
        return self.log_z(logits) - self.all_reduce(target_logit.masked_fill(elsewhere, 0.0))

    def _row_of(self, tokens: Tensor, rows: int) -> tuple[Tensor, Tensor]:
        """(row of each token among this process's, whether it belongs to another process; its row is 0 then)."""
        row = tokens - self.first_token
        elsewhere = (row < 0) | (row >= rows)
        return row.masked_fill(elsewhere, 0), elsewhere


def build_parallel(arch: Architecture, seed: int, group: ProcessGroup) -> LanguageModel:
    """The model of `build(arch, seed=seed)`, number for number, over the processes of `group`."""
    assert group.mesh is not None, "a group of one builds its model with `build`"
    # it warns that norms and exports are gathered along one mesh dimension after the other, which is intended
    logging.getLogger("torch.distributed.tensor._redistribute").setLevel(logging.ERROR)
    ways = group.layout.tensor
    with torch.device("meta"):
        model = LanguageModel(arch)
    of_module: dict[str, list[TensorShape]] = {}
    for tensor in arch.tensors():
        of_module.setdefault(tensor.name.rpartition(".")[0], []).append(tensor)
    for name, tensors in of_module.items():
        _cut(model.get_submodule(name), arch, tensors, group)
    for block in model.blocks:
        vars(block)["arch"] = local_architecture(arch, ways)
    whole = dict(model.named_parameters())
    dimensions = {
        whole[part.name]: Shard(shard_dimension(arch, part, group.layout) or 0)
        for tensor in arch.tensors()
        for part in slices_of(arch, tensor, ways)
    }
    # a mesh of two dimensions is HSDP: sharded over `sharded`, gradients also summed over the replicas of `data`
    fsdp_mesh = group.mesh["data", "sharded"] if group.layout.data > 1 else group.mesh["sharded"]
    # layers first, so that each gathers its own weights; the last call takes what is left: embedding, norm and head
    for module in [*model.blocks, model]:
        sharded: FSDPModule = fully_shard(
            module, mesh=fsdp_mesh, shard_placement_fn=dimensions.__getitem__, mp_policy=gathered_in(group.products)
        )
        # gradients are shares of the mean over the whole batch (step.gradient): they are summed, not averaged
        sharded.set_gradient_divide_factor(1.0)
        sharded.set_force_sum_reduction_for_comms(True)
    # training calls `objective`, not `forward`, to which FSDP attaches its gathering
    register_fsdp_forward_method(model, "objective")
    model.to_empty(device=group.device)
    with torch.no_grad():
        for tensor, values in initial_tensors(arch, seed):
            for part in slices_of(arch, tensor, ways):
                fill(model.get_parameter(part.name), values[part.start : part.stop])
    return model


def gathered_in(products: MatmulPrecision) -> MixedPrecisionPolicy:
    """The precision in which FSDP gathers weights: that of the products. Gradients are reduced in float32.

    Inputs of layers are not cast: rotary tables in bfloat16 would rotate by other angles.
    """
    if products != "bfloat16":
        return MixedPrecisionPolicy()
    return MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32, cast_forward_inputs=False)


def _cut(module: nn.Module, arch: Architecture, tensors: list[TensorShape], group: ProcessGroup) -> None:
    """Replace the parameters of `module`, on the meta device, by slices, and mix in what computes with them."""
    assert group.mesh is not None
    ways = group.layout.tensor
    slices = {tensor.name.rpartition(".")[2]: slices_of(arch, tensor, ways) for tensor in tensors}
    mesh = group.mesh["tensor"] if ways > 1 else None
    for name, cut in slices.items():
        whole = module.get_parameter(name)
        del module._parameters[name]
        for part in cut:
            values: Tensor = torch.empty_like(whole[part.start : part.stop])
            if mesh is not None:
                values = _split(values, mesh, part)
            module.register_parameter(part.name.rpartition(".")[2], nn.Parameter(values))
    rank = group.rank % ways  # the tensor-parallel dimension is the fastest of the mesh
    used = {part.name: used_rows(arch, part, ways, rank) for cut in slices.values() for part in cut}
    vars(module).update(slices=slices, tensor_mesh=mesh, used=used)
    kind: type[Sliced] = Sliced if ways == 1 else SplitBlock
    if isinstance(module, LanguageModel):
        vars(module)["first_token"] = rank * (arch.vocab_size // ways)
        kind = SplitVocabulary if vocabulary_splits(arch, ways) else Sliced
    elif arch.n_experts is not None:
        vars(module)["processes"] = ways
    # as fully_shard does: a subclass is assigned, since a new module would create its parameters again
    module.__class__ = type(f"{kind.__name__}{type(module).__name__}", (kind, type(module)), {})


def _split(values: Tensor, mesh: DeviceMesh, part: TensorSlice) -> DTensor:
    """An empty DTensor of the shape of `values`, of which each process holds its share."""
    shape = list(values.shape)
    if part.split != "whole":
        shape[0 if part.split == "rows" else 1] //= mesh.size()
    return DTensor.from_local(values.new_empty(shape), mesh, [_PLACEMENT[part.split]], run_check=False)


def fill(parameter: Tensor, values: Tensor) -> None:
    """Copy into `parameter`, a tensor or a DTensor, its share of `values`, which has the shape of the whole."""
    if isinstance(parameter, DTensor):
        # where in the whole tensor the local shard lies, whatever meshes and dimensions it is split over
        (chunk,) = parameter.__create_chunk_list__()  # type: ignore[no-untyped-call]
        values = values[tuple(slice(start, start + n) for start, n in zip(chunk.offsets, chunk.sizes, strict=True))]
        parameter = parameter.to_local()
    parameter.copy_(values)


def whole_tensors(model: LanguageModel, group: ProcessGroup) -> dict[str, Tensor]:
    """{name in the architecture: whole tensor on the CPU} of `model`, on the main process; {} elsewhere.

    A collective: every process must call it.
    """
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()  # an evaluation leaves embedding and head gathered, which have no shards to read
    whole = {}
    for tensor in model.arch.tensors():
        slices = [model.get_parameter(part.name).detach() for part in slices_of(model.arch, tensor, 1)]
        full = [part.full_tensor() if isinstance(part, DTensor) else part for part in slices]
        if group.is_main:
            whole[tensor.name] = torch.cat(full).cpu()
    return whole


def clip(model: LanguageModel, limit: float, group: ProcessGroup) -> float:
    """Scale the gradient of all parameters down to the global norm `limit` where it is larger; returns its norm before.

    Pascanu et al. 2013 (1211.5063), section 3.2. Every process scales by the norm of the main one: sums in another
    order may differ in the last bit, and copies of one parameter must stay equal.
    """
    total = torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
    local_norm = float((total.full_tensor() if isinstance(total, DTensor) else total).item())
    (norm,) = group.all_reduce_sum(local_norm if group.is_main else 0.0)
    torch.nn.utils.clip_grads_with_norm_(model.parameters(), limit, torch.tensor(norm, device=group.device))
    return norm
