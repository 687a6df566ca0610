"""What happens on a GPU, as far as a CPU can test it: rounded products, compiled layers, losses read late, the peak."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from isoflop.arch.layout import Layout
from isoflop.corpus import Corpus
from isoflop.hardware import hardware_catalogue, hardware_named
from isoflop.runs.folder import RunFolder
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.runs.result import OF_THE_CLOCK
from isoflop.train import loop, state, step
from isoflop.train.blocks import BLOCKS
from isoflop.train.cpu.ops import reference_ops
from isoflop.train.device import compile_layers, forward_in, mfu, name_of, products_on
from isoflop.train.evaluate import evaluate
from isoflop.train.loop import run
from isoflop.train.model import build
from isoflop.train.process_group import ProcessGroup
from isoflop.train.weights import load_weights
from train.models import shaken
from train.test_loop import spec_for

TOKENS = torch.randint(257, (2, 17), generator=torch.Generator().manual_seed(3))
ROUNDED = 0.02
"""Nats. bfloat16 keeps 8 bits: 0.4 % of each product, and less of a mean over them."""


def lines_of(folder: RunFolder) -> list[dict[str, object]]:
    return [{k: v for k, v in line.items() if k not in OF_THE_CLOCK} for line in folder.read_metrics().lines]


def test_products_are_in_bfloat16_on_a_gpu_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert products_on("cpu", None) == "float32"
    assert products_on("cuda:3", None) == "bfloat16"
    assert products_on("cuda", "tfloat32") == "tfloat32"
    assert products_on("cpu", "bfloat16") == "bfloat16"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    assert products_on("cuda", None) == "float32"


def test_layers_are_compiled_on_a_gpu_that_trains_alone() -> None:
    def compiled(device: str, **launch: object) -> bool:
        return ProcessGroup(launch=ParallelConfig(**launch), device=device).compiled  # type: ignore[arg-type]

    assert [compiled("cpu"), compiled("cuda"), compiled("cuda", layout=Layout(sharded=2))] == [False, True, False]
    assert [compiled("cpu", compiled=True), compiled("cuda", compiled=False)] == [True, False]


@pytest.mark.parametrize("family", BLOCKS)
def test_bfloat16_products_leave_weights_and_gradients_in_float32(family: str) -> None:
    model = shaken(family)
    gradients, losses = [], []
    for products in ("float32", "bfloat16"):
        with forward_in(products, "cpu"):  # type: ignore[arg-type]
            logits = model.logits(TOKENS[:, :-1])
            minimised, loss = model.objective(TOKENS, 1e-4)
        assert logits.dtype is getattr(torch, products)
        assert (minimised.dtype, loss.dtype, model.log_z(logits).dtype) == (torch.float32,) * 3
        model.zero_grad()
        minimised.backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]))
        losses.append(loss.item())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert gradients[1].dtype is torch.float32
    assert gradients[1].isfinite().all()
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], abs=ROUNDED)
    assert torch.cosine_similarity(gradients[0], gradients[1], dim=0) > 0.99


def test_a_run_in_bfloat16_says_so_and_is_scored_in_float32(tmp_path: Path, tiny_corpus: Corpus) -> None:
    spec = spec_for(tiny_corpus)
    folders = []
    for products in ("float32", "bfloat16"):
        folders.append(RunFolder.create(tmp_path / products, spec))
        run(folders[-1], tiny_corpus, lambda: False, ProcessGroup(launch=ParallelConfig(products=products)))  # type: ignore[arg-type]
    exact, rounded = (folder.read_result() for folder in folders)
    assert exact is not None
    assert rounded is not None
    assert (exact.products, rounded.products, rounded.status) == ("float32", "bfloat16", "done")
    assert rounded.train_loss_nats != exact.train_loss_nats
    assert rounded.val_loss_nats == pytest.approx(exact.val_loss_nats, abs=ROUNDED)
    model = build(spec.architecture)  # scored again, without knowledge of how it was trained
    load_weights(folders[1].weights, model)
    assert evaluate(model, tiny_corpus, spec.seq_len, spec.eval_tokens).loss_nats == rounded.val_loss_nats


@pytest.mark.parametrize("family", BLOCKS)
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_layers_compute_the_same(family: str, backend: str) -> None:
    torch.compiler.reset()
    plain, compiled = shaken(family), shaken(family)
    compile_layers(compiled, backend)
    for tokens in (TOKENS, TOKENS[:1]):  # a last micro-batch may be smaller
        for model in (plain, compiled):
            model.zero_grad()
            model.objective(tokens)[0].backward()
        for (name, one), other in zip(plain.named_parameters(), compiled.parameters(), strict=True):
            assert torch.allclose(one.grad, other.grad, atol=1e-6), name
    assert [name for name, _ in compiled.named_parameters()] == [name for name, _ in plain.named_parameters()]
    torch.compiler.reset()


def test_a_run_of_compiled_layers_is_scored_as_written(
    tmp_path: Path, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_for(tiny_corpus)
    plain, compiled = (RunFolder.create(tmp_path / name, spec) for name in ("plain", "compiled"))
    # compiled layers use the reference operations
    with reference_ops():
        run(plain, tiny_corpus, lambda: False)
    calls: list[int] = []

    def eager(graph: torch.fx.GraphModule, inputs: object) -> object:
        def called(*values: object) -> object:
            calls.append(len(values))
            return graph(*values)

        del inputs
        return called

    monkeypatch.setattr(state, "compile_layers", lambda model: compile_layers(model, eager))
    monkeypatch.setattr(loop, "evaluate", lambda *arguments: (calls.append(-1), evaluate(*arguments))[1])
    with reference_ops():
        run(compiled, tiny_corpus, lambda: False, ProcessGroup(launch=ParallelConfig(compiled=True)))
    torch.compiler.reset()
    assert calls.index(-1) == len(calls) - 1 >= spec.steps * spec.architecture.n_layers
    assert lines_of(compiled) == lines_of(plain)
    first, second = plain.read_result(), compiled.read_result()
    assert first is not None
    assert second is not None
    assert second.val_loss_nats == first.val_loss_nats


def test_losses_that_are_read_late_are_the_same(
    tmp_path: Path, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU losses are read at logged lines and checkpoints only."""
    spec = spec_for(tiny_corpus)
    monkeypatch.setattr(state, "LOGGED_POINTS", spec.steps // 4)  # a line every fourth step
    at_once = RunFolder.create(tmp_path / "at once", spec)
    run(at_once, tiny_corpus, lambda: False)
    late = RunFolder.create(tmp_path / "late", spec)
    for module in (step, loop):
        monkeypatch.setattr(module, "kind_of", lambda device: "cuda")
    stops = iter([False] * 9 + [True])
    with pytest.raises(loop.Stopped):
        run(late, tiny_corpus, lambda: next(stops))
    assert late.status() == "interrupted"
    run(late, tiny_corpus, lambda: False)
    assert lines_of(late) == lines_of(at_once)
    first, second = at_once.read_result(), late.read_result()
    assert first is not None
    assert second is not None
    assert (first.train_loss_nats, first.val_loss_nats) == (second.train_loss_nats, second.val_loss_nats)


def test_a_loss_that_is_not_finite_is_detected_when_it_is_read(
    tmp_path: Path, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (step, loop):
        monkeypatch.setattr(module, "kind_of", lambda device: "cuda")
    monkeypatch.setattr(state, "LOGGED_POINTS", 20)
    folder = RunFolder.create(tmp_path, replace(spec_for(tiny_corpus), peak_lr=1e30))
    run(folder, tiny_corpus, lambda: False)
    result = folder.read_result()
    assert result is not None
    assert (result.status, result.reason) == ("failed", "diverged")


def test_mfu_is_that_of_exactly_this_device_never_of_a_similar_one() -> None:
    h100 = "NVIDIA H100 80GB HBM3"
    # Chowdhery et al. 2022, section 4.1: model FLOP/s over the peak
    assert mfu(400e12, name=h100, products="bfloat16", devices=1) == pytest.approx(400 / 989.4)
    assert mfu(3200e12, name=h100, products="bfloat16", devices=8) == pytest.approx(400 / 989.4)
    assert mfu(40e12, name=h100, products="float32", devices=1) == pytest.approx(40 / 66.9)
    assert mfu(100e12, name="Tesla V100-SXM2-32GB", products="bfloat16", devices=1) is None  # it has none
    for unknown in ("NVIDIA H100 NVL", "H100", "nvidia h100 80gb hbm3", "cpu", "cuda", ""):
        assert mfu(1e12, name=unknown, products="bfloat16", devices=1) is None


def test_no_two_devices_report_one_name() -> None:
    names = [name for device in hardware_catalogue().values() for name in device.reported_as]
    assert len(names) == len(set(names)) >= 8
    assert hardware_named("A100-40GB").reported_as == ("NVIDIA A100-SXM4-40GB",)


def test_a_run_on_a_catalogued_device_reports_its_mfu(
    tmp_path: Path, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isoflop.train import process_group

    assert (name_of("cpu"), name_of("cuda:1")) == ("cpu", "cuda")
    monkeypatch.setattr(process_group, "name_of", lambda device: "NVIDIA A100-SXM4-80GB")
    folder = RunFolder.create(tmp_path, spec_for(tiny_corpus))
    run(folder, tiny_corpus, lambda: False)
    result, beat = folder.read_result(), folder.read_heartbeat()
    assert result is not None
    assert result.flops_per_second is not None
    assert result.mfu == pytest.approx(result.flops_per_second / 19.5e12)
    assert result.device == "NVIDIA A100-SXM4-80GB"
    assert beat is not None
    lines = folder.read_metrics().lines
    for told in (beat.flops_per_second, *(line["flops_per_second"] for line in lines)):
        assert told is not None
        assert math.isfinite(told)
        assert told > 0
    assert [line["mfu"] for line in lines] == [pytest.approx(line["flops_per_second"] / 19.5e12) for line in lines]
