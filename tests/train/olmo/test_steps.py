"""OLMo-core trains a run to the curve of our trainer, on one process or two, and resumes where another stopped."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch

pytest.importorskip("olmo_core", reason="needs the extra `olmo`")

from olmo_core.version import VERSION

from isoflop import __version__
from isoflop.arch.layout import Layout
from isoflop.corpus import Corpus
from isoflop.errors import InputError
from isoflop.runs.folder import RunFolder
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.spec import RunSpec
from isoflop.train.loop import run
from isoflop.train.olmo.steps import OLMO, check
from isoflop.train.process_group import SINGLE_PROCESS
from train.test_parallel import CLOSE, REPLICAS, SHARDED, STEPS, TENSOR, Plan, losses, outcomes
from train.test_parallel import spec_for as uneven_spec

PARTS = ParallelConfig(layout=Layout(sharded=2), micro_batch_sequences=1, recompute="full")


def spec_for(corpus: Corpus, **changes: object) -> RunSpec:
    """A spec with four sequences a step."""
    spec = replace(uneven_spec(corpus), batch_tokens=128, tokens=128 * STEPS, warmup_tokens=256)
    return replace(spec, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Corpus) -> Plan:
    """All jobs of two processes for the tests below, done."""
    jobs = Plan(tmp_path_factory.mktemp("olmo"), tiny_corpus)
    spec = spec_for(tiny_corpus)
    for name, launch in {"sharded": SHARDED, "replicas": REPLICAS, "parts": PARTS, "no launch": None}.items():
        jobs.many(jobs.folder(name, spec), launch, library="olmo")
    jobs.many(jobs.folder("two-to-one", spec), SHARDED, stop_after=7, library="olmo")
    jobs.many(jobs.folder("two-to-own", spec), SHARDED, stop_after=7, library="olmo")
    for name, library in {"one-to-two": OLMO, "own-to-two": None}.items():
        folder = jobs.folder(name, spec)
        jobs.one(folder, 7, library)
        jobs.many(folder, SHARDED, library="olmo")
    jobs.many(jobs.folder("diverged", replace(spec, peak_lr=1e30)), SHARDED, library="olmo")
    jobs.many(jobs.folder("uneven", uneven_spec(tiny_corpus)), SHARDED, library="olmo")
    jobs.many(jobs.folder("tensor", spec), TENSOR, library="olmo")
    jobs.do()
    return jobs


def shapes() -> list[dict[str, object]]:
    return [{}, {"tied_embedding": True}, {"without": ("query_key_norm",)}]


@pytest.mark.parametrize("shape", shapes(), ids=str)
def test_its_curve_is_that_of_our_trainer(tmp_path: Path, tiny_corpus: Corpus, shape: dict[str, object]) -> None:
    spec = spec_for(tiny_corpus, z_loss=1e-3)
    spec = replace(spec, architecture=replace(spec.architecture, **shape))  # type: ignore[arg-type]
    ours, theirs = (RunFolder.create(tmp_path / name, spec) for name in ("ours", "theirs"))
    run(ours, tiny_corpus, lambda: False)
    run(theirs, tiny_corpus, lambda: False, library=OLMO)
    # measured: losses to 1e-6 nats; norms to 1e-5 of themselves where embedding and head are one, else to 2e-7
    near = {"train_loss_nats": {"abs": CLOSE}, "grad_norm": {"rel": 1e-4}, "lr": {"rel": 1e-12}}
    for name, close in {**near, "tokens": {"abs": 0}, "flops": {"abs": 0}}.items():
        expected = [line[name] for line in ours.read_metrics().lines]
        assert len(expected) == STEPS
        assert [line[name] for line in theirs.read_metrics().lines] == pytest.approx(expected, **close), name
    expected_result, result = ours.read_result(), theirs.read_result()
    assert expected_result is not None
    assert result is not None
    assert result.val_loss_nats == pytest.approx(expected_result.val_loss_nats, abs=CLOSE)
    assert result.train_loss_nats == pytest.approx(expected_result.train_loss_nats, abs=CLOSE)
    assert (result.params, result.flops) == (expected_result.params, expected_result.flops)
    assert result.code_version == f"{__version__} with OLMo-core {VERSION}"
    weights, expected_weights = (safetensors.torch.load_file(folder.weights) for folder in (theirs, ours))
    assert weights.keys() == expected_weights.keys()
    assert all((weights[name] - expected_weights[name]).abs().max() < 1e-4 for name in weights)


def test_a_schedule_with_a_cooldown_is_ours_too(tmp_path: Path, tiny_corpus: Corpus) -> None:
    spec = spec_for(tiny_corpus)
    folder = RunFolder.create(tmp_path, replace(spec, schedule=replace(spec.schedule, kind="wsd")))
    run(folder, tiny_corpus, lambda: False, library=OLMO)
    spec = folder.read_spec()
    for line in folder.read_metrics().lines:
        middle = line["tokens"] - spec.batch_tokens / 2
        factor = spec.schedule.factor(middle, tokens=spec.tokens, warmup_tokens=spec.warmup_tokens)
        assert line["lr"] == pytest.approx(spec.peak_lr * factor)


def test_a_stopped_run_resumes_bit_for_bit(tmp_path: Path, tiny_corpus: Corpus) -> None:
    plan = Plan(tmp_path, tiny_corpus)
    spec = spec_for(tiny_corpus)
    whole, parts = plan.folder("whole", spec), plan.folder("parts", spec)
    plan.one(whole, library=OLMO)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a worker's stderr is a run's last words
        plan.one(parts, 7, OLMO)
        plan.one(parts, library=OLMO)
    assert [attempt.from_step for attempt in parts.attempts()] == [0, 8]
    assert losses(parts) == losses(whole)
    assert parts.weights.read_bytes() == whole.weights.read_bytes()
    assert not parts.checkpoints.exists()


@pytest.mark.parametrize("name", ["sharded", "replicas", "parts", "no launch"])
def test_two_processes_train_what_one_of_ours_does(plan: Plan, name: str) -> None:
    spec = spec_for(plan.corpus)
    one, two = plan.done_by_one(spec), plan.folder(name, spec)
    assert losses(two) == pytest.approx(losses(one), abs=CLOSE)
    expected, actual = one.read_result(), two.read_result()
    assert expected is not None
    assert actual is not None
    assert actual.val_loss_nats == pytest.approx(expected.val_loss_nats, abs=CLOSE)
    assert (actual.status, actual.device, actual.steps, actual.attempts) == ("done", "2 x cpu", STEPS, 1)
    weights, theirs = (safetensors.torch.load_file(folder.weights) for folder in (two, one))
    assert all((weights[name] - theirs[name]).abs().max() < 1e-4 for name in theirs)


def test_it_resumes_with_another_number_of_processes_or_another_trainer(plan: Plan) -> None:
    spec = spec_for(plan.corpus)
    one = plan.done_by_one(spec)
    for name, library in {"two-to-one": OLMO, "two-to-own": None}.items():
        folder = plan.folder(name, spec)
        (checkpoint,) = folder.checkpoints.glob("step-*")
        assert {path.suffix for path in checkpoint.iterdir()} == {".safetensors", ".json"}
        (folder.path / "launch.json").unlink()
        plan.one(folder, library=library)
    for name in ("two-to-one", "two-to-own", "one-to-two", "own-to-two"):
        folder = plan.folder(name, spec)
        starts = [attempt.from_step for attempt in folder.attempts()]
        assert starts == [0, 7 if name == "own-to-two" else 8], (
            name
        )  # our trainer checks for a stop before a step, OLMo-core after it
        assert losses(folder) == pytest.approx(losses(one), abs=CLOSE), name


def test_a_diverged_run_of_two_is_one_failed_result(plan: Plan) -> None:
    folder = plan.folder("diverged", replace(spec_for(plan.corpus), peak_lr=1e30))
    result = folder.read_result()
    assert result is not None
    assert (result.status, result.reason) == ("failed", "diverged")
    assert outcomes(folder) == [["done", "done"]]


def test_a_layout_that_it_cannot_do_is_reported_once(plan: Plan) -> None:
    ((first, second),) = outcomes(plan.folder("uneven", uneven_spec(plan.corpus)))
    assert "layout: expected a divisor of the 5 sequences of a batch, got 2" in first
    assert second.startswith("FailedOnAnotherRank 2")
    ((first, second),) = outcomes(plan.folder("tensor", spec_for(plan.corpus)))
    assert "layout.tensor: expected 1, the engine olmo splits no matrices, got 2" in first
    assert second.startswith("FailedOnAnotherRank 2")


def test_another_precision_is_refused(tiny_corpus: Corpus) -> None:
    spec = spec_for(tiny_corpus)
    assert check(spec, SINGLE_PROCESS) == 4
    object.__setattr__(spec, "precision", "bfloat16")  # whether a spec may have it or not
    with pytest.raises(InputError, match=r"precision: expected float32 with the engine olmo, got bfloat16; take"):
        check(spec, SINGLE_PROCESS)


def test_a_run_of_another_family_is_refused_before_it_starts(tmp_path: Path, tiny_corpus: Corpus) -> None:
    folder = RunFolder.create(tmp_path, uneven_spec(tiny_corpus, "palm", 1))
    with pytest.raises(InputError, match="OLMo-core has no palm"):
        run(folder, tiny_corpus, lambda: False, library=OLMO)
    assert not folder.attempts()
