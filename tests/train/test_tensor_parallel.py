"""The slices of every tensor are its rows, each once; a split by heads gives each process its own keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from isoflop.arch import FAMILIES, Architecture
from isoflop.arch.layout import Layout
from isoflop.errors import InputError
from isoflop.train.tensor_parallel import check_split, local_architecture, shard_dimension, slices_of, used_rows


def shape(family: str = "llama", **changes: int) -> Architecture:
    return Architecture(
        family=family,
        n_layers=1,
        n_heads=changes.pop("n_heads", 8),
        n_kv_heads=changes.pop("n_kv_heads", 2),
        d_model=24,
        head_dim=3,
        d_ff=changes.pop("d_ff", 40),
        vocab_size=changes.pop("vocab_size", 256),
        tied_embedding=False,
        **FAMILIES[family].own_fields(8),
    )


@pytest.mark.parametrize("ways", [1, 2, 4, 8])
@pytest.mark.parametrize("family", FAMILIES)
def test_slices_are_the_rows_of_a_tensor_in_order(family: str, ways: int) -> None:
    arch = shape(family)
    names = []
    for tensor in arch.tensors():
        slices = slices_of(arch, tensor, ways)
        assert [part.start for part in slices] == [0, *(part.stop for part in slices[:-1])]
        assert slices[-1].stop == tensor.shape[0]
        assert [p.name for p in slices] == [p.name for p in slices_of(arch, tensor, 1)]
        names += [part.name for part in slices]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("ways", [2, 4, 8])
@pytest.mark.parametrize("family", FAMILIES)
def test_each_process_holds_what_its_smaller_layer_needs(family: str, ways: int) -> None:
    arch = shape(family)
    local = local_architecture(arch, ways)
    needed = {tensor.name: tensor.shape for tensor in local.tensors() if tensor.name.startswith("blocks.")}
    for tensor in arch.tensors():
        if tensor.name in needed:
            rows, columns = 0, tensor.shape[1:]
            for part in slices_of(arch, tensor, ways):
                held = (part.stop - part.start) // (ways if part.split == "rows" else 1)
                rows += len(range(held)[used_rows(arch, part, ways, ways - 1)])
                if part.split == "columns":
                    columns = (tensor.shape[1] // ways,)
            assert (rows, *columns) == needed[tensor.name], tensor.name


@pytest.mark.parametrize("ways", [2, 4, 8])
def test_queries_meet_the_keys_that_they_have_in_one_process(ways: int) -> None:
    # every row of a key is the number of its head; so is what query head h is to meet: h // 4 of 8 over 2
    arch = shape()
    (tensor,) = (t for t in arch.tensors() if t.name.endswith("attention_in"))
    _, key, _ = slices_of(arch, tensor, ways)
    rows = torch.arange(arch.n_kv_heads).repeat_interleave(arch.head_dim)
    local = local_architecture(arch, ways)
    met = []
    for rank in range(ways):
        held = rows.chunk(ways)[rank] if key.split == "rows" else rows
        heads = held[used_rows(arch, key, ways, rank)].view(-1, arch.head_dim)[:, 0]
        met += heads.repeat_interleave(local.n_heads // local.n_kv_heads).tolist()
    assert met == [0, 0, 0, 0, 1, 1, 1, 1]


def test_what_several_processes_use_is_summed() -> None:
    arch = shape("gopher", n_kv_heads=1)
    summed = {p.name for t in arch.tensors() for p in slices_of(arch, t, 2) if p.summed}
    assert summed == {
        "blocks.0.attention_in_key",
        "blocks.0.attention_in_value",
        "blocks.0.content_bias",
        "blocks.0.position_bias",
        "blocks.0.feed_forward_in_bias",
        "output_bias",
    }


def test_rows_that_do_not_divide_twice_are_sharded_by_columns() -> None:
    arch = shape(d_ff=42)
    (tensor,) = (t for t in arch.tensors() if t.name.endswith("feed_forward_in"))
    gate, _ = slices_of(arch, tensor, 2)
    assert shard_dimension(arch, gate, Layout(sharded=3, tensor=2)) == 0
    assert shard_dimension(arch, gate, Layout(sharded=4, tensor=2)) == 1
    assert shard_dimension(arch, gate, Layout(sharded=5, tensor=2)) is None


@pytest.mark.parametrize(
    ("changes", "layout", "problem"),
    [
        ({"n_heads": 6}, Layout(tensor=4), "expected a divisor of n_heads=6, got 4"),
        ({"d_ff": 42}, Layout(tensor=4), "expected a divisor of d_ff=42, got 4"),
        ({"n_heads": 12, "n_kv_heads": 3}, Layout(tensor=2), "expected a divisor or a multiple of n_kv_heads=3, got 2"),
        ({}, Layout(sharded=5, tensor=2), "sharded: expected a divisor of d_model=24 or of 12"),
    ],
)
def test_a_shape_that_does_not_split_is_refused(changes: dict[str, int], layout: Layout, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_split(shape(**changes), layout)


def test_any_shape_is_sharded() -> None:
    check_split(replace(shape(n_heads=7, n_kv_heads=7), d_ff=13), Layout(data=3, sharded=5))
