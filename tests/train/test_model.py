"""The account, the module and PyTorch's own counter agree; attention equals its plain definition."""

from __future__ import annotations

import math
import resource
import sys
import time

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from isoflop.arch import FAMILIES, Architecture, flops_per_token
from isoflop.arch.published import published_shape
from isoflop.errors import InputError
from isoflop.train.attention import relative_attention, relative_table, rotary_table, rotate
from isoflop.train.cpu.ops import reference_ops
from isoflop.train.model import BLOCKS, LanguageModel, build

SHAPES = [
    {"n_layers": 2, "d_model": 64, "n_heads": 4, "n_kv_heads": 4, "head_dim": 16, "d_ff": 168},
    {"n_layers": 3, "d_model": 40, "n_heads": 4, "n_kv_heads": 2, "head_dim": 12, "d_ff": 104},
    {"n_layers": 2, "d_model": 48, "n_heads": 3, "n_kv_heads": 1, "head_dim": 14, "d_ff": 72},
    {"n_layers": 1, "d_model": 16, "n_heads": 1, "n_kv_heads": 1, "head_dim": 16, "d_ff": 40},
]


def architectures() -> list[Architecture]:
    return [
        Architecture(family=family, vocab_size=257, tied_embedding=tied, **FAMILIES[family].own_fields(100), **shape)
        for family in BLOCKS
        for shape in SHAPES
        for tied in (False, True)
    ]


@pytest.mark.parametrize("arch", architectures(), ids=lambda a: f"{a.family}-{a.d_model}-{a.tied_embedding}")
class TestEveryFamily:
    def test_parameters_by_role_equal_the_account(self, arch: Architecture) -> None:
        model = build(arch)
        by_name = dict(model.named_parameters())
        roles: dict[str, int] = {}
        for tensor in arch.tensors():
            roles[tensor.role] = roles.get(tensor.role, 0) + by_name[tensor.name].numel()
        assert set(by_name) == {tensor.name for tensor in arch.tensors()}
        assert {role: count for role, count in arch.params().by_role().items() if count} == roles
        assert sum(p.numel() for p in model.parameters()) == arch.params().total

    def test_flops_equal_those_that_torch_counts(self, arch: Architecture) -> None:
        model = build(arch)
        tokens = torch.randint(257, (1, 97))
        # The plain kernel: the fused one recomputes scores in the backward pass, which no cost model charges, and ours
        # on a CPU skips the keys that no query of a block sees.
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), reference_ops():
            model(tokens).mean().backward()
        assert counter.get_total_flops() == 96 * flops_per_token(arch, 96, "matmul")

    def test_decoding_with_a_cache_equals_the_full_pass(self, arch: Architecture) -> None:
        model = shaken(arch)
        tokens = torch.randint(257, (2, 23))
        with torch.no_grad():
            caches = model.caches(2, 23)
            pieces = [model.logits(tokens[:, a:b], caches) for a, b in ((0, 9), (9, 10), (10, 11), (11, 23))]
            torch.testing.assert_close(torch.cat(pieces, dim=1), model.logits(tokens), rtol=1e-4, atol=1e-5)

    def test_no_token_sees_a_later_one(self, arch: Architecture) -> None:
        # experts in 64 bits: they multiply other numbers of tokens then, which rounds differently
        model = shaken(arch) if arch.n_experts is None else shaken(arch).double()
        tokens = torch.randint(257, (1, 20))
        changed = tokens.clone()
        changed[0, 12:] = (changed[0, 12:] + 1) % 257
        with torch.no_grad():
            before, after = model.logits(tokens), model.logits(changed)
        torch.testing.assert_close(before[:, :12], after[:, :12], rtol=0, atol=1e-6)
        assert not torch.allclose(before[:, 12:], after[:, 12:], atol=1e-3)

    def test_the_first_loss_is_that_of_a_uniform_guess(self, arch: Architecture) -> None:
        loss = build(arch)(torch.randint(257, (4, 33))).mean().item()
        assert loss == pytest.approx(math.log(257), abs=0.6)

    def test_initial_weights_depend_on_the_seed_alone(self, arch: Architecture) -> None:
        first, again, other = build(arch, seed=1), build(arch, seed=1), build(arch, seed=2)
        name = "blocks.0.attention_in"
        assert torch.equal(first.get_parameter(name), again.get_parameter(name))
        assert not torch.equal(first.get_parameter(name), other.get_parameter(name))


def shaken(arch: Architecture) -> LanguageModel:
    """A model in which the zero-initialised parts matter too."""
    model = build(arch, seed=3).eval()
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


def test_relative_attention_equals_its_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    heads, length, dim = 2, 7, 4
    q, k, v, q_position = (torch.randn(1, heads, length, dim, generator=generator) for _ in range(4))
    r = torch.randn(heads, length, dim, generator=generator)
    expected = torch.zeros(1, heads, length, dim)
    for head in range(heads):
        for i in range(length):
            scores = torch.stack(
                [
                    # row of r for the distance i - j: the last row is distance 0
                    (q[0, head, i] @ k[0, head, j] + q_position[0, head, i] @ r[head, length - 1 - (i - j)]) / dim**0.5
                    for j in range(i + 1)
                ]
            )
            expected[0, head, i] = scores.softmax(0) @ v[0, head, : i + 1]
    torch.testing.assert_close(relative_attention(q, k, v, r, q_position), expected)


def test_relative_positions_are_sinusoids_of_the_distance() -> None:
    table = relative_table(5, 6)
    assert table[-1].tolist() == [0, 0, 0, 1, 1, 1]
    assert table[0, 0].item() == pytest.approx(math.sin(4))


def test_rotation_keeps_scores_a_function_of_the_distance() -> None:
    cos, sin = rotary_table(32, 8)
    q, k = torch.randn(8), torch.randn(8)

    def score(i: int, j: int) -> float:
        at_i = rotate(q.view(1, 1, 1, 8), cos[i : i + 1], sin[i : i + 1])
        at_j = rotate(k.view(1, 1, 1, 8), cos[j : j + 1], sin[j : j + 1])
        return (at_i * at_j).sum().item()

    assert score(9, 4) == pytest.approx(score(25, 20), abs=1e-4)
    assert score(9, 4) != pytest.approx(score(9, 5), abs=1e-3)


FULL_SIZE = {
    "gopher-280b": 279_710_301_440,
    "chinchilla-70b": 70_061_948_160,
    "mt-nlg-530b": 529_600_778_240,
    "gpt3-175b": 174_604_259_328,
    "palm-540b": 540_354_281_472,
    "llama3-405b": 405_853_388_800,
}


@pytest.mark.parametrize(("name", "params"), FULL_SIZE.items())
def test_full_size_builds_in_seconds_without_memory(name: str, params: int) -> None:
    arch, _ = published_shape(name)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with torch.device("meta"):
        model = LanguageModel(arch)
    assert sum(p.numel() for p in model.parameters()) == params == arch.params().total
    assert time.process_time() - started < 10
    # kibibytes on Linux, bytes on macOS: under a gigabyte more than before in either
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < (1e9 if sys.platform == "darwin" else 1e6)


def test_learned_positions_distinguish_positions_and_end() -> None:
    model = shaken(architectures_of("gpt")[0])
    repeated = torch.full((1, 8), 7)
    with torch.no_grad():
        logits = model.logits(repeated)
    assert not torch.allclose(logits[0, 0], logits[0, 1], atol=1e-3)
    with pytest.raises(InputError, match="expected at most 100, the positions learned, got 101"):
        model.logits(torch.zeros(1, 101, dtype=torch.long))


@pytest.mark.parametrize("family", BLOCKS)
def test_the_z_loss_is_minimised_with_the_nats_and_not_reported(family: str) -> None:
    model = shaken(architectures_of(family)[0])
    tokens = torch.randint(257, (2, 12))
    minimised, nats = model.objective(tokens, 1e-2)
    assert nats.item() == pytest.approx(model(tokens).mean().item())
    log_z = model.logits(tokens[:, :-1]).exp().sum(-1).log()
    without, again = model.objective(tokens)
    assert torch.equal(nats, again)
    assert (minimised - without).item() == pytest.approx(1e-2 * log_z.square().mean().item(), rel=1e-4)
    assert torch.equal(without, again) == (FAMILIES[family].balance_loss == 0)


def architectures_of(family: str) -> list[Architecture]:
    return [arch for arch in architectures() if arch.family == family]


def test_a_family_without_a_module_is_named() -> None:
    arch = Architecture(family="mamba", vocab_size=257, tied_embedding=False, **SHAPES[0])
    with pytest.raises(InputError, match="mamba"):
        LanguageModel(arch)
