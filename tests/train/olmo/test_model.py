"""OLMo-core's model of a shape is ours, number for number."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("olmo_core", reason="needs the extra `olmo`")

from olmo_core.nn.transformer import TransformerConfig
from olmo_core.train.train_module import TransformerTrainModuleConfig
from runs.conftest import small_spec

from isoflop.arch import Architecture
from isoflop.errors import InputError
from isoflop.spec import RunSpec
from isoflop.train.model import LanguageModel, build
from isoflop.train.olmo.model import OlmoModel, model_config, optimizer_config
from isoflop.train.optim import build_optimizer
from isoflop.train.tensor_parallel import slices_of
from train.models import OPTIMIZER, architecture


def theirs(spec: RunSpec) -> OlmoModel:
    settings = TransformerTrainModuleConfig(
        rank_microbatch_size=spec.seq_len, max_sequence_length=spec.seq_len, optim=optimizer_config(spec)
    )
    module = settings.build(model_config(spec.architecture).build(init_device="meta"), device=torch.device("cpu"))
    return OlmoModel(spec.architecture, module, spec.seed)


def shapes() -> list[Architecture]:
    """Shapes of ten and more layers, where one layer's name is a prefix of another's."""
    several = [architecture(tied=tied) for tied in (False, True)]
    return [*several, replace(several[0], without=("query_key_norm",)), architecture(n_layers=11)]


def spec_of(arch: Architecture) -> RunSpec:
    return replace(small_spec(), architecture=arch, optimizer=OPTIMIZER)


def pieces(model: LanguageModel) -> dict[str, torch.Tensor]:
    """Rows of every tensor of our model, by the names of its slices."""
    arch = model.arch
    return {
        piece.name: model.get_parameter(tensor.name).detach()[piece.start : piece.stop]
        for tensor in arch.tensors()
        for piece in slices_of(arch, tensor, 1)
    }


@pytest.mark.parametrize("arch", shapes(), ids=str)
def test_it_has_our_parameters_and_our_initial_weights(arch: Architecture) -> None:
    model, ours = theirs(spec_of(arch)), build(arch, seed=0)
    assert sum(parameter.numel() for parameter in model.parameters()) == arch.params().total
    expected = pieces(ours)
    actual = dict(model.named_parameters())
    assert actual.keys() == expected.keys()
    assert all(torch.equal(actual[name], expected[name]) for name in actual)


@pytest.mark.parametrize("arch", shapes(), ids=str)
def test_it_computes_what_ours_does(arch: Architecture) -> None:
    model, ours = theirs(spec_of(arch)), build(arch)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
        for name, values in pieces(ours).items():
            model.get_parameter(name).copy_(values)
    tokens = torch.randint(0, arch.vocab_size, (3, 33), generator=generator)
    ours.objective(tokens)[0].backward()
    model.objective(tokens)[0].backward()
    # float32 has 6e-8 of a number; sums of 24 to 40 products in another order, layer upon layer
    assert torch.allclose(model(tokens), ours(tokens), rtol=0, atol=2e-5)
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    for tensor in arch.tensors():
        whole = ours.get_parameter(tensor.name).grad
        assert whole is not None
        for piece in slices_of(arch, tensor, 1):
            actual = gradients[piece.name]
            assert actual is not None
            assert (actual - whole[piece.start : piece.stop]).abs().max() < 1e-5 * max(1.0, float(whole.abs().max()))


@pytest.mark.parametrize("arch", shapes(), ids=str)
def test_its_optimiser_has_our_groups(arch: Architecture) -> None:
    spec = spec_of(arch)
    model, ours = theirs(spec), build_optimizer(build(arch), OPTIMIZER)

    def groups(optimizer: torch.optim.Optimizer) -> list[tuple[float, float, int]]:
        counted = [
            (group["lr_multiplier"], group["weight_decay"], sum(value.numel() for value in group["params"]))
            for group in optimizer.param_groups
        ]
        return sorted(counted)

    optimizer = model.module.optim
    assert groups(optimizer) == groups(ours)
    assert all(group["lr"] == pytest.approx(spec.peak_lr * group["lr_multiplier"]) for group in optimizer.param_groups)
    named = ("betas", "eps", "fused")
    assert [optimizer.defaults[name] for name in named] == [ours.defaults[name] for name in named]


@pytest.mark.parametrize("family", ["gopher", "gpt", "palm"])
def test_another_family_is_refused_with_what_to_take(family: str) -> None:
    with pytest.raises(InputError, match=f"OLMo-core has no {family}; expected llama: .*, or --engine local"):
        model_config(architecture(family))


def test_another_count_of_parameters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = TransformerConfig.llama_like
    # the norm of OLMo 2: over the whole width, not by head
    monkeypatch.setattr(TransformerConfig, "llama_like", lambda **shape: right(**{**shape, "use_head_qk_norm": False}))
    with pytest.raises(InputError, match=r"expected 21,720 parameters, OLMo-core's model has 21,744"):
        model_config(architecture())
