"""A model over many processes: PyTorch's FSDP2 shards its state, DTensors split its matrices.

Parameters are the slices of `tensor_parallel.py`. Where matrices are split, a layer computes with the heads and columns
of its process as if it were a smaller layer (Shoeybi et al. 2019, 1909.08053, section 3): its input is replicated, see
`enter`, and its output is a partial sum, see `write`. These two, and gradients that are sums over processes, are the
only communication it needs; DTensor does it.
"""

from __future__ import annotations

import logging
from typing import Any

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
    """Mixed into a module whose parameters are pieces: under the names of its tensors it finds what to compute with."""

    pieces: dict[str, tuple[TensorSlice, ...]]
    """{last part of a tensor's name: its pieces}"""
    tensor_mesh: DeviceMesh | None
    """Processes that matrices are split over; None where they are not."""
    used: dict[str, slice]
    """{name of a piece: the rows that this process uses of what it holds}"""

    def __getattr__(self, name: str) -> Any:
        """What this process computes with for a tensor called `name`; anything else is as usual."""
        pieces = self.__dict__["pieces"].get(name)
        if pieces is None:
            return super().__getattr__(name)
        held = [self._held(piece) for piece in pieces]
        return held[0] if len(held) == 1 else torch.cat(held)

    def _held(self, piece: TensorSlice) -> Tensor:
        parameter = self._parameters[piece.name.rsplit(".", 1)[-1]]
        assert parameter is not None
        # over another mesh than that of the split it is a shard at rest: nothing computes with it
        if not isinstance(parameter, DTensor) or parameter.device_mesh != self.tensor_mesh:
            return parameter
        gradient = Partial() if piece.summed else _PLACEMENT[piece.split]
        local: Tensor = parameter.to_local(grad_placements=[gradient])
        return local if piece.used == "all" else local[self.used[piece.name]]


class Split(Sliced):
    """What the processes that share a product say to one another."""

    def enter(self, x: Tensor) -> Tensor:
        """x, alike in every process; its gradient is the sum of theirs. See `Block.enter`, `LanguageModel.enter`."""
        assert self.tensor_mesh is not None
        whole = DTensor.from_local(x, self.tensor_mesh, [Replicate()], run_check=False)
        return whole.to_local(grad_placements=[Partial()])

    def reduced(self, part: Tensor, how: str = "sum") -> Tensor:
        """The sum of every process's `part`, or with `max` the largest."""
        assert self.tensor_mesh is not None
        parts = DTensor.from_local(part, self.tensor_mesh, [Partial(how)], run_check=False)
        reduced: Tensor = parts.redistribute(placements=[Replicate()]).to_local()
        return reduced


class SplitBlock(Split):
    """A layer that computes with the heads and the columns of the feed-forward of its process."""

    def write(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """See `Block.write`; the bias is added once."""
        summed = self.reduced(F.linear(x, weight))
        return summed if bias is None else summed + bias


class SplitVocabulary(Split):
    """A model whose process has some of the tokens: their rows of embedding and head, their logits."""

    first_token: int

    def embed(self, tokens: Tensor) -> Tensor:
        """See `LanguageModel.embed`."""
        table: Tensor = self.embedding
        row, elsewhere = self._row_of(tokens, table.shape[0])
        return self.reduced(F.embedding(row, table).masked_fill(elsewhere[..., None], 0.0))

    def log_z(self, logits: Tensor) -> Tensor:
        """See `LanguageModel.log_z`."""
        mine = logits.float().logsumexp(-1)
        largest = self.reduced(mine.detach(), "max")
        return largest + self.reduced((mine - largest).exp()).log()

    def nats(self, logits: Tensor, targets: Tensor) -> Tensor:
        """See `LanguageModel.nats`."""
        row, elsewhere = self._row_of(targets, logits.shape[-1])
        mine = logits.float().gather(-1, row[..., None]).squeeze(-1)
        return self.log_z(logits) - self.reduced(mine.masked_fill(elsewhere, 0.0))

    def _row_of(self, tokens: Tensor, rows: int) -> tuple[Tensor, Tensor]:
        """(row of each token among those here, whether it is not here; then the row is any)."""
        row = tokens - self.first_token
        elsewhere = (row < 0) | (row >= rows)
        return row.masked_fill(elsewhere, 0), elsewhere


def build_parallel(arch: Architecture, seed: int, group: ProcessGroup) -> LanguageModel:
    """The model of `build(arch, seed=seed)`, number for number, over the processes of `group`."""
    assert group.mesh is not None, "a group of one builds its model with `build`"
    # it warns that norms and exports are gathered along one dimension of the mesh after the other, as is meant
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
        whole[piece.name]: Shard(shard_dimension(arch, piece, group.layout) or 0)
        for tensor in arch.tensors()
        for piece in slices_of(arch, tensor, ways)
    }
    state = group.mesh["data", "sharded"] if group.layout.data > 1 else group.mesh["sharded"]
    for module in [*model.blocks, model]:
        sharded: FSDPModule = fully_shard(
            module, mesh=state, shard_placement_fn=dimensions.__getitem__, mp_policy=gathered_in(group.products)
        )
        # gradients are shares of the mean over the whole batch: they are summed, and divided by nothing
        sharded.set_gradient_divide_factor(1.0)
        sharded.set_force_sum_reduction_for_comms(True)
    register_fsdp_forward_method(model, "objective")
    model.to_empty(device=group.device)
    with torch.no_grad():
        for tensor, values in initial_tensors(arch, seed):
            for piece in slices_of(arch, tensor, ways):
                fill(model.get_parameter(piece.name), values[piece.start : piece.stop])
    return model


def gathered_in(products: MatmulPrecision) -> MixedPrecisionPolicy:
    """What FSDP gathers weights in: float32, or bfloat16 for products of that. Gradients are summed in float32.

    Inputs of layers stay as they are: rotary tables of bfloat16 would turn by other angles.
    """
    if products != "bfloat16":
        return MixedPrecisionPolicy()
    return MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32, cast_forward_inputs=False)


def _cut(module: nn.Module, arch: Architecture, tensors: list[TensorShape], group: ProcessGroup) -> None:
    """Make the parameters of `module` pieces, on the meta device."""
    assert group.mesh is not None
    ways = group.layout.tensor
    pieces = {tensor.name.rpartition(".")[2]: slices_of(arch, tensor, ways) for tensor in tensors}
    mesh = group.mesh["tensor"] if ways > 1 else None
    for name, cut in pieces.items():
        whole = module.get_parameter(name)
        del module._parameters[name]
        for piece in cut:
            values: Tensor = torch.empty_like(whole[piece.start : piece.stop])
            if mesh is not None:
                values = _split(values, mesh, piece)
            module.register_parameter(piece.name.rpartition(".")[2], nn.Parameter(values))
    mine = group.rank % ways
    used = {piece.name: used_rows(arch, piece, ways, mine) for cut in pieces.values() for piece in cut}
    vars(module).update(pieces=pieces, tensor_mesh=mesh, used=used)
    kind: type[Sliced] = Sliced if ways == 1 else SplitBlock
    if isinstance(module, LanguageModel):
        vars(module)["first_token"] = mine * (arch.vocab_size // ways)
        kind = SplitVocabulary if vocabulary_splits(arch, ways) else Sliced
    # as fully_shard does: the class itself, without its parameters made anew
    module.__class__ = type(f"{kind.__name__}{type(module).__name__}", (kind, type(module)), {})


def _split(values: Tensor, mesh: DeviceMesh, piece: TensorSlice) -> DTensor:
    """An empty DTensor of the shape of `values`, a share of it a process."""
    shape = list(values.shape)
    if piece.split != "whole":
        shape[0 if piece.split == "rows" else 1] //= mesh.size()
    return DTensor.from_local(values.new_empty(shape), mesh, [_PLACEMENT[piece.split]], run_check=False)


def fill(parameter: Tensor, values: Tensor) -> None:
    """Copy into `parameter`, whole or a DTensor, its share of `values`, which has the shape of the whole."""
    if isinstance(parameter, DTensor):
        (chunk,) = parameter.__create_chunk_list__()  # type: ignore[no-untyped-call]
        values = values[tuple(slice(start, start + n) for start, n in zip(chunk.offsets, chunk.sizes, strict=True))]
        parameter = parameter.to_local()
    parameter.copy_(values)


def whole_tensors(model: LanguageModel, group: ProcessGroup) -> dict[str, Tensor]:
    """Every tensor of `model` whole, on the CPU, by its name in the architecture; in the first process only.

    Every process must ask.
    """
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()  # an evaluation leaves embedding and head gathered
    whole = {}
    for tensor in model.arch.tensors():
        pieces = [model.get_parameter(piece.name).detach() for piece in slices_of(model.arch, tensor, 1)]
        full = [piece.full_tensor() if isinstance(piece, DTensor) else piece for piece in pieces]
        if group.is_main:
            whole[tensor.name] = torch.cat(full).cpu()
    return whole


def clip(model: LanguageModel, limit: float, group: ProcessGroup) -> float:
    """Scale the whole gradient down to the norm `limit` where it is larger; returns its norm before.

    Every process scales by the norm that the first one found: sums in another order may differ in the last bit, and
    copies of one parameter must stay the same.
    """
    total = torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
    found = float((total.full_tensor() if isinstance(total, DTensor) else total).item())
    (norm,) = group.all_reduce_sum(found if group.is_main else 0.0)
    torch.nn.utils.clip_grads_with_norm_(model.parameters(), limit, torch.tensor(norm, device=group.device))
    return norm
