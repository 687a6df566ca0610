"""Layouts that take four processes: two ways at once, and heads of keys that two processes share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch

from isoflop.arch.layout import Layout
from isoflop.corpus import Corpus
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.spec import RunSpec
from train.test_parallel import CLOSE, STEPS, Plan, losses, spec_for

LAYOUTS = {
    "sharded and tensor": Layout(sharded=2, tensor=2),
    "replicas and tensor": Layout(data=2, tensor=2),
    "replicas of shards": Layout(data=2, sharded=2),
    # two heads of keys for four processes: each head is used by two of them
    "tensor": Layout(tensor=4),
}


def spec_of(corpus: Corpus) -> RunSpec:
    """A spec of 262 tokens: two processes have 131 each, an odd number to shard; four cannot split them."""
    spec = spec_for(corpus)
    return replace(spec, architecture=replace(spec.architecture, d_ff=44, vocab_size=262))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Corpus) -> Plan:
    """All jobs of four processes for the tests below, done."""
    jobs = Plan(tmp_path_factory.mktemp("four"), tiny_corpus)
    spec = spec_of(tiny_corpus)
    for name, layout in LAYOUTS.items():
        # recomputed layers repeat their collectives in the backward pass
        again = ParallelConfig(layout=layout, micro_batch_sequences=1, recompute="full")
        jobs.many(jobs.folder(name, spec), again if layout.tensor > 1 else ParallelConfig(layout=layout))
    for name in ("sharded and tensor", "tensor"):
        jobs.many(jobs.folder(f"{name}, stopped", spec), ParallelConfig(layout=LAYOUTS[name]), stop_after=7)
    jobs.do(processes=4)
    return jobs


@pytest.mark.parametrize("name", LAYOUTS)
def test_four_processes_train_what_one_does(plan: Plan, name: str) -> None:
    spec = spec_of(plan.corpus)
    four, one = plan.folder(name, spec), plan.done_by_one(spec)
    assert len(losses(four)) == STEPS
    assert losses(four) == pytest.approx(losses(one), abs=CLOSE)
    weights, theirs = (safetensors.torch.load_file(folder.weights) for folder in (four, one))
    assert all(weights[name].allclose(theirs[name], rtol=0, atol=1e-4) for name in theirs)


@pytest.mark.parametrize("name", ["sharded and tensor", "tensor"])
def test_one_resumes_where_four_stopped(plan: Plan, name: str) -> None:
    spec = spec_of(plan.corpus)
    folder = plan.folder(f"{name}, stopped", spec)
    Path(folder.path / "launch.json").unlink()
    plan.one(folder)
    assert [attempt.from_step for attempt in folder.attempts()] == [0, 7]
    assert losses(folder) == pytest.approx(losses(plan.done_by_one(spec)), abs=CLOSE)
