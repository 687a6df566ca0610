"""Two processes train what one does, in any layout; either resumes where the other stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from isoflop.arch import FAMILIES, Architecture
from isoflop.arch.layout import Layout
from isoflop.corpus import Corpus
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.spec import Optimizer, RunSpec
from isoflop.train.blocks import BLOCKS
from isoflop.train.loop import Library, Stopped, run
from isoflop.train.process_group import ProcessGroup

STEPS = 20
SHARDED = ParallelConfig(layout=Layout(sharded=2))
TENSOR = ParallelConfig(layout=Layout(tensor=2))
REPLICAS = ParallelConfig(layout=Layout(data=2))
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
# Sums in another order: float32 rounds by 6e-8, and 20 steps of a tiny model amplify that to about 1e-6.
CLOSE = 1e-5
ROUNDED = 0.02
"""Nats: bfloat16 keeps 8 bits, 0.4 % of each product."""
# A softmax is invariant to what is added to all keys equally, so that parts of these have no gradient but rounding
# errors, which AdamW normalises to steps: they drift, and change no loss.
UNDETERMINED = ("attention_in_bias", "relative_key")


def spec_for(corpus: Corpus, family: str = "llama", kv_heads: int = 2, **changes: object) -> RunSpec:
    """A spec with five sequences a step, which two processes share unevenly."""
    arch = Architecture(
        family=family,
        n_layers=2,
        d_model=24,
        n_heads=4,
        n_kv_heads=kv_heads,
        head_dim=6,
        d_ff=40,
        # gpt's odd vocabulary does not split over two processes; that of the others, one token larger, does
        vocab_size=corpus.vocab_size + (family != "gpt"),
        tied_embedding=FAMILIES[family].tied_embedding,
        **FAMILIES[family].own_fields(32),
    )
    recipe = SmallRecipe(family=family, vocab_size=corpus.vocab_size, seq_len=32, eval_tokens=512)
    spec = recipe.spec(arch, STEPS * 160, corpus=corpus.digest, seed=1)
    # Muon, the recipe's own, takes one process
    spec = replace(spec, optimizer=replace(spec.optimizer, hidden="adamw", momentum=Optimizer.momentum))
    spec = replace(spec, batch_tokens=160, tokens=STEPS * 160, warmup_tokens=320, peak_lr=0.01)
    return replace(spec, **changes)  # type: ignore[arg-type]


def losses(folder: RunFolder) -> list[float]:
    return [line["train_loss_nats"] for line in folder.read_metrics().lines]


class StopAfter:
    """Requests a stop once `steps` were taken."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@dataclass
class Plan:
    """Run folders, and the jobs of two or more processes on them, done in one start."""

    root: Path
    corpus: Corpus
    entries: list[dict[str, object]] = field(default_factory=list)

    def folder(self, name: str, spec: RunSpec) -> RunFolder:
        return RunFolder.create(self.root / name, spec)

    def many(
        self,
        folder: RunFolder,
        launch: ParallelConfig | None,
        stop_after: int | None = None,
        alter: str = "",
        library: str = "own",
    ) -> None:
        value = launch.as_json() if launch else None
        entry = {"folder": str(folder.path), "launch": value, "stop_after": stop_after, "alter": alter}
        self.entries.append({**entry, "library": library})

    def one(self, folder: RunFolder, steps: int | None = None, library: Library | None = None) -> None:
        if steps is None:
            run(folder, self.corpus, lambda: False, library=library)
            return
        with pytest.raises(Stopped):
            run(folder, self.corpus, StopAfter(steps), library=library)

    def done_by_one(self, spec: RunSpec) -> RunFolder:
        """The same run on one process, never stopped."""
        folder = self.folder("one", spec)
        self.one(folder)
        return folder

    def do(self, processes: int = 2) -> None:
        work = self.root / "work.json"
        work.write_text(json.dumps(self.entries))
        job = Path(__file__).with_name("parallel_job.py")
        command = [*TORCHRUN, str(processes), str(job), str(work), str(self.corpus.directory)]
        ended = subprocess.run(command, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr[-4000:]


def outcomes(folder: RunFolder) -> list[list[str]]:
    """The outcome of each of two processes, each time the folder was trained."""
    of_process = []
    for rank in (0, 1):
        text = Path(f"{folder.path}.{rank}.outcomes").read_text()
        of_process.append([json.loads(line) for line in text.splitlines()])
    return [list(both) for both in zip(*of_process, strict=True)]


KV_HEADS = {"llama": 2, "gopher": 4, "gpt": 4, "palm": 1}
"""Split with their queries in llama, gopher and gpt, and in any other family; one head for both processes in palm."""
WAYS = {"sharded": SHARDED, "tensor": TENSOR}
PARTS = replace(SHARDED, micro_batch_sequences=2, recompute="full")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Corpus) -> Plan:
    """All jobs of two processes for the tests below, done."""
    jobs = Plan(tmp_path_factory.mktemp("parallel"), tiny_corpus)
    for family in BLOCKS:
        spec = spec_for(tiny_corpus, family, KV_HEADS.get(family, 4))
        for way, launch in WAYS.items():
            jobs.many(jobs.folder(way, spec), launch)
        for name, before, after in (("to-tensor", SHARDED, TENSOR), ("to-sharded", TENSOR, SHARDED)):
            folder = jobs.folder(name, spec)
            jobs.many(folder, before, stop_after=7)
            jobs.many(folder, after)
        jobs.many(jobs.folder("two-to-one", spec), WAYS["tensor" if family == "llama" else "sharded"], stop_after=7)
        started = jobs.folder("one-to-two", spec)
        jobs.one(started, 7)
        jobs.many(started, TENSOR if family in ("llama", "palm") else SHARDED)
    spec = spec_for(tiny_corpus)
    jobs.many(jobs.folder("replicas", spec), REPLICAS)
    jobs.many(jobs.folder("parts", spec), PARTS)
    for way, launch in WAYS.items():
        jobs.many(jobs.folder(f"rounded {way}", spec), replace(launch, products="bfloat16"))
    jobs.many(jobs.folder("no launch", spec), None)
    jobs.many(jobs.folder("shared heads of gopher", spec_for(tiny_corpus, "gopher", 1)), TENSOR)
    for family in ("llama", "gopher", "palm"):
        altered = jobs.folder("unsummed", spec_for(tiny_corpus, family, KV_HEADS.get(family, 4)))
        jobs.many(altered, TENSOR, alter="gradients_of_one_process")
    torn = jobs.folder("torn", spec)
    jobs.many(torn, SHARDED, stop_after=4)
    jobs.many(torn, SHARDED, stop_after=4)
    late = jobs.folder("late", spec)
    jobs.many(late, SHARDED, stop_after=4)
    jobs.many(late, SHARDED, stop_after=4)
    jobs.many(late, SHARDED, alter="lagging_disk")
    jobs.many(jobs.folder("diverged", replace(spec, peak_lr=1e30)), SHARDED)
    odd = replace(spec.architecture, n_heads=3, n_kv_heads=3)
    jobs.many(jobs.folder("odd", replace(spec, architecture=odd)), TENSOR)
    jobs.many(jobs.folder("other number", spec), ParallelConfig(layout=Layout(sharded=4)))
    jobs.many(jobs.folder("finished", spec), SHARDED)
    jobs.many(jobs.folder("finished", spec), SHARDED)
    jobs.many(jobs.folder("full disk", spec), SHARDED, stop_after=4, alter="full_disk")
    jobs.do()
    return jobs


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", BLOCKS)
def test_two_processes_train_what_one_does(plan: Plan, family: str, way: str) -> None:
    spec = spec_for(plan.corpus, family, KV_HEADS.get(family, 4))
    one, two = plan.done_by_one(spec), plan.folder(way, spec)
    assert len(losses(one)) == STEPS
    assert losses(two) == pytest.approx(losses(one), abs=CLOSE)
    expected, actual = one.read_result(), two.read_result()
    assert expected is not None
    assert actual is not None
    assert actual.val_loss_nats == pytest.approx(expected.val_loss_nats, abs=CLOSE)
    assert (actual.status, actual.device, actual.steps, actual.attempts) == ("done", "2 x cpu", STEPS, 1)
    weights, theirs = (safetensors.torch.load_file(folder.weights) for folder in (two, one))
    assert {name: value.shape for name, value in weights.items()} == {n: v.shape for n, v in theirs.items()}
    determined = [name for name in theirs if not name.endswith(UNDETERMINED)]
    assert all((weights[name] - theirs[name]).abs().max() < 1e-4 for name in determined)
    assert not two.checkpoints.exists()


@pytest.mark.parametrize("family", BLOCKS)
def test_either_resumes_from_the_other(plan: Plan, family: str) -> None:
    spec = spec_for(plan.corpus, family, KV_HEADS.get(family, 4))
    one, back = plan.done_by_one(spec), plan.folder("two-to-one", spec)
    assert back.status() == "interrupted"
    (checkpoint,) = back.checkpoints.glob("step-*")
    assert {path.suffix for path in checkpoint.iterdir()} == {".safetensors", ".json"}
    # weights and two moments of 4 bytes, shared out evenly; headers are about 900 bytes a tensor and file
    sizes = [path.stat().st_size for path in checkpoint.glob("shard-*")]
    assert len(sizes) == 2
    assert max(sizes) < 0.6 * sum(sizes)
    headers = 2 * 1_300 * len(list(spec.architecture.tensors()))
    assert 0 < sum(sizes) - 12 * spec.architecture.params().total < headers
    (back.path / "launch.json").unlink()
    plan.one(back)
    for name in ("two-to-one", "one-to-two", "to-tensor", "to-sharded"):
        folder = plan.folder(name, spec)
        assert [attempt.from_step for attempt in folder.attempts()] == [0, 7], name
        assert losses(folder) == pytest.approx(losses(one), abs=CLOSE), name


@pytest.mark.parametrize("name", ["replicas", "parts", "no launch"])
def test_other_ways_to_share_a_batch_train_the_same(plan: Plan, name: str) -> None:
    spec = spec_for(plan.corpus)
    assert losses(plan.folder(name, spec)) == pytest.approx(losses(plan.done_by_one(spec)), abs=CLOSE)


@pytest.mark.parametrize("way", WAYS)
def test_two_processes_with_products_in_bfloat16_train_about_the_same(plan: Plan, way: str) -> None:
    spec = spec_for(plan.corpus)
    rounded, exact = plan.folder(f"rounded {way}", spec), losses(plan.done_by_one(spec))
    assert losses(rounded) != exact
    assert losses(rounded) == pytest.approx(exact, abs=ROUNDED)
    result = rounded.read_result()
    assert result is not None
    assert (result.status, result.products) == ("done", "bfloat16")
    assert {weight.dtype for weight in safetensors.torch.load_file(rounded.weights).values()} == {torch.float32}


def test_heads_that_share_keys_are_split_in_gopher_too(plan: Plan) -> None:
    spec = spec_for(plan.corpus, "gopher", 1)
    two = plan.folder("shared heads of gopher", spec)
    assert losses(two) == pytest.approx(losses(plan.done_by_one(spec)), abs=CLOSE)


@pytest.mark.parametrize("family", ["llama", "gopher", "palm"])
def test_gradients_that_are_not_summed_would_be_seen(plan: Plan, family: str) -> None:
    # query-key gains in llama, the two biases in gopher, the one head of keys and values in palm
    spec = spec_for(plan.corpus, family, KV_HEADS.get(family, 4))
    curve, expected = losses(plan.folder("unsummed", spec)), losses(plan.done_by_one(spec))
    assert max(abs(a - b) for a, b in zip(curve, expected, strict=True)) > 10 * CLOSE


def test_torn_shards_are_skipped_for_the_previous_ones(plan: Plan) -> None:
    spec = spec_for(plan.corpus)
    torn = plan.folder("torn", spec)
    newest = max(torn.checkpoints.glob("step-*"))
    assert newest.name == "step-00000008"
    shard = max(newest.glob("shard-*"))
    shard.write_bytes(shard.read_bytes()[:-5])
    (torn.path / "launch.json").unlink()
    plan.one(torn)
    assert [attempt.from_step for attempt in torn.attempts()] == [0, 4, 4]
    assert losses(torn) == pytest.approx(losses(plan.done_by_one(spec)), abs=CLOSE)


def test_all_resume_from_the_checkpoint_that_the_main_process_sees(plan: Plan) -> None:
    spec = spec_for(plan.corpus)
    late = plan.folder("late", spec)
    assert [attempt.from_step for attempt in late.attempts()] == [0, 4, 8]
    assert losses(late) == pytest.approx(losses(plan.done_by_one(spec)), abs=CLOSE)


def test_a_diverged_run_of_two_is_one_failed_result(plan: Plan) -> None:
    folder = plan.folder("diverged", replace(spec_for(plan.corpus), peak_lr=1e30))
    result = folder.read_result()
    assert result is not None
    assert (result.status, result.reason) == ("failed", "diverged")
    assert outcomes(folder) == [["done", "done"]]


def test_what_does_not_split_is_reported_once(plan: Plan) -> None:
    spec = spec_for(plan.corpus)
    odd = replace(spec, architecture=replace(spec.architecture, n_heads=3, n_kv_heads=3))
    ((first, second),) = outcomes(plan.folder("odd", odd))
    assert first == "InputError 2: layout: tensor: expected a divisor of n_heads=3, got 2"
    assert second.startswith("FailedOnAnotherRank 2")
    ((first, second),) = outcomes(plan.folder("other number", spec))
    assert "lays the run over 4 processes, this start has 2; start torchrun with --nproc-per-node 4" in first
    assert second.startswith("FailedOnAnotherRank 2")


def test_a_full_disk_of_one_process_is_reported_once(plan: Plan) -> None:
    folder = plan.folder("full disk", spec_for(plan.corpus))
    ((first, second),) = outcomes(folder)
    assert first.startswith("InputError 2:")
    assert "process 1 could not write its shards ([Errno 28] No space left on device)" in first
    assert second.startswith("FailedOnAnotherRank 2")
    assert not any(folder.checkpoints.iterdir())


def test_a_finished_run_is_not_touched_by_two(plan: Plan) -> None:
    folder = plan.folder("finished", spec_for(plan.corpus))
    assert outcomes(folder) == [["done", "done"], ["done", "done"]]
    assert len(folder.attempts()) == 1


def test_one_process_trains_in_micro_batches_and_recomputes(plan: Plan) -> None:
    spec = spec_for(plan.corpus)
    folder = plan.folder("parts of one", spec)
    run(
        folder,
        plan.corpus,
        lambda: False,
        ProcessGroup(launch=ParallelConfig(micro_batch_sequences=2, recompute="full")),
    )
    assert losses(folder) == pytest.approx(losses(plan.done_by_one(spec)), abs=CLOSE)
