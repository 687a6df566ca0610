"""Runs end with the facts a fit needs, resume bit for bit, and fail with a reason."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch

from isoflop.arch import flops_per_token
from isoflop.corpus import Corpus
from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.spec import RunSpec
from isoflop.train.blocks import BLOCKS
from isoflop.train.loop import Stopped, run

GOLDEN = Path(__file__).parents[1] / "golden" / "loss_curve.json"
GOLDEN_STEPS = 60


def spec_for(corpus: Corpus, family: str = "llama", **changes: object) -> RunSpec:
    recipe = SmallRecipe(family=family, vocab_size=corpus.vocab_size, seq_len=64, eval_tokens=2048)
    # golden curves are of AdamW, that of experts of Muon
    recipe = replace(recipe, optimizer=replace(recipe.optimizer, hidden="muon" if family == "moe" else "adamw"))
    spec = recipe.spec(recipe.shape(16, 2), 60 * 512, corpus=corpus.digest, seed=0, budget_flops=5e9)
    return replace(spec, **changes)  # type: ignore[arg-type]


def trained(runs: Path, spec: RunSpec, corpus: Corpus) -> RunFolder:
    folder = RunFolder.create(runs, spec)
    run(folder, corpus, lambda: False)
    return folder


def losses(folder: RunFolder) -> list[float]:
    return [line["train_loss_nats"] for line in folder.read_metrics().lines]


class StopAfter:
    """Asks to stop at the n-th question."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_result_holds_every_fact(tmp_path: Path, tiny_corpus: Corpus) -> None:
    spec = spec_for(tiny_corpus)
    folder = trained(tmp_path, spec, tiny_corpus)
    result = folder.read_result()
    assert result is not None
    assert result.status == "done"
    assert result.tokens_seen == spec.tokens
    assert result.params["total"] == spec.architecture.params().total
    assert result.flops["matmul"] == spec.tokens * flops_per_token(spec.architecture, spec.seq_len)
    assert result.val_loss_nats is not None
    assert result.val_loss_nats < math.log(257) - 1
    assert set(result.domains) == set(tiny_corpus.validation)
    (tokens,) = tiny_corpus.validation.values()
    (domain,) = result.domains.values()
    scored = tokens[1 : 1 + domain["tokens"]]
    assert domain["bytes"] == (scored != tiny_corpus.eot_id).sum()
    assert result.bits_per_byte == pytest.approx(result.val_loss_nats / math.log(2) * len(scored) / domain["bytes"])
    weights = safetensors.torch.load_file(folder.weights)
    assert sum(w.numel() for w in weights.values()) == spec.architecture.params().total
    assert not folder.checkpoints.exists()


@pytest.mark.parametrize("family", BLOCKS)
def test_a_stopped_run_ends_like_one_never_stopped(tmp_path: Path, tiny_corpus: Corpus, family: str) -> None:
    spec = spec_for(tiny_corpus, family)
    whole = trained(tmp_path / "whole", spec, tiny_corpus)
    parts = RunFolder.create(tmp_path / "parts", spec)
    for questions in (7, 13):
        with pytest.raises(Stopped):
            run(parts, tiny_corpus, StopAfter(questions))
        assert parts.status() == "interrupted"
    run(parts, tiny_corpus, lambda: False)
    first, second = whole.read_result(), parts.read_result()
    assert first is not None
    assert second is not None
    assert second.val_loss_nats == first.val_loss_nats
    assert second.train_loss_nats == first.train_loss_nats
    assert losses(parts) == losses(whole)
    assert whole.weights.read_bytes() == parts.weights.read_bytes()
    assert second.attempts == 3


@pytest.mark.parametrize("family", BLOCKS)
def test_a_stopped_run_with_muon_ends_like_one_never_stopped(tmp_path: Path, tiny_corpus: Corpus, family: str) -> None:
    plain = spec_for(tiny_corpus, family)
    spec = replace(plain, optimizer=replace(plain.optimizer, hidden="muon"))
    whole = trained(tmp_path / "whole", spec, tiny_corpus)
    parts = RunFolder.create(tmp_path / "parts", spec)
    for questions in (7, 13):
        with pytest.raises(Stopped):
            run(parts, tiny_corpus, StopAfter(questions))
    run(parts, tiny_corpus, lambda: False)
    assert losses(parts) == losses(whole)
    assert whole.weights.read_bytes() == parts.weights.read_bytes()


def test_a_run_with_a_fifth_masked_is_the_run_of_a_fifth_fewer_tokens(tmp_path: Path, tiny_corpus: Corpus) -> None:
    recipe = SmallRecipe(vocab_size=tiny_corpus.vocab_size, seq_len=64, eval_tokens=2048)
    shape = recipe.shape(16, 2)
    masked = replace(recipe, masked_fraction=0.2).spec(shape, 40_000, corpus=tiny_corpus.digest, seed=3)
    fewer = recipe.spec(shape, 0.8 * 40_000, corpus=tiny_corpus.digest, seed=3)
    assert (masked.batch_tokens, fewer.batch_tokens) == (80, 64)
    first, second = (trained(tmp_path, spec, tiny_corpus).read_result() for spec in (masked, fewer))
    assert first is not None
    assert second is not None
    assert first.steps == second.steps
    # to rounding: their rates are the same function of the share of the run that is done
    assert first.val_loss_nats == pytest.approx(second.val_loss_nats, rel=1e-5)
    assert first.tokens_seen == pytest.approx(second.tokens_seen / 0.8)
    assert first.flops["matmul"] == pytest.approx(second.flops["matmul"] / 0.8)


def test_a_truncated_checkpoint_falls_back_to_the_one_before(tmp_path: Path, tiny_corpus: Corpus) -> None:
    spec = spec_for(tiny_corpus)
    whole = trained(tmp_path / "whole", spec, tiny_corpus)
    parts = RunFolder.create(tmp_path / "parts", spec)
    for questions in (10, 10):
        with pytest.raises(Stopped):
            run(parts, tiny_corpus, StopAfter(questions))
    newest = max(parts.checkpoints.glob("step-*"))
    state = newest / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    run(parts, tiny_corpus, lambda: False)
    assert [a.from_step for a in parts.attempts()] == [0, 10, 10]
    assert losses(parts) == losses(whole)


def test_a_diverged_run_is_a_row_with_a_reason(tmp_path: Path, tiny_corpus: Corpus) -> None:
    result = trained(tmp_path, spec_for(tiny_corpus, peak_lr=1e30), tiny_corpus).read_result()
    assert result is not None
    assert (result.status, result.reason) == ("failed", "diverged")
    assert result.val_loss_nats is None


def test_another_corpus_is_refused(tmp_path: Path, tiny_corpus: Corpus) -> None:
    folder = RunFolder.create(tmp_path, replace(spec_for(tiny_corpus), corpus="0" * 64))
    with pytest.raises(InputError, match="written for corpus 000000"):
        run(folder, tiny_corpus, lambda: False)
    assert folder.read_result() is None


def test_a_finished_run_is_not_touched(tmp_path: Path, tiny_corpus: Corpus) -> None:
    folder = trained(tmp_path, spec_for(tiny_corpus), tiny_corpus)
    before = folder.result.stat().st_mtime_ns
    run(folder, tiny_corpus, lambda: False)
    assert folder.result.stat().st_mtime_ns == before
    assert len(folder.attempts()) == 1


def test_a_z_loss_changes_the_run_and_is_not_in_its_loss(tmp_path: Path, tiny_corpus: Corpus) -> None:
    with_it, without = (
        trained(tmp_path, spec_for(tiny_corpus, "palm", z_loss=weight), tiny_corpus) for weight in (1e-4, 0.0)
    )
    assert spec_for(tiny_corpus, "palm").z_loss == 1e-4
    assert with_it.run_id != without.run_id
    first, first_without = losses(with_it)[0], losses(without)[0]
    # the same weights at the first step, so the same nats: log^2 Z of 257 tokens would add 3e-3
    assert first == first_without
    assert losses(with_it)[-1] != losses(without)[-1]


@pytest.mark.parametrize("family", BLOCKS)
def test_the_loss_curve_is_the_golden_one(tmp_path: Path, tiny_corpus: Corpus, family: str) -> None:
    # Made by this test's own failure message with torch 2.13: llama on AMD Zen 3 cores, the others on Intel Xeon ones.
    # Processors add in different orders: between those two that is at most 2e-6 over the first 60 steps, in 480
    # steps it grew to 19 %. Any change of model, data order or optimiser is far above 1e-4 within the 60.
    curve = losses(trained(tmp_path, spec_for(tiny_corpus, family), tiny_corpus))[:GOLDEN_STEPS]
    assert curve == pytest.approx(json.loads(GOLDEN.read_text())[family], rel=1e-4), json.dumps(curve)


def test_the_command_line_trains_one_folder(tmp_path: Path, tiny_corpus: Corpus) -> None:
    (tmp_path / "study" / "runs").mkdir(parents=True)
    shutil.copytree(tiny_corpus.directory, tmp_path / "study" / "corpus")
    spec = spec_for(tiny_corpus)
    folder = RunFolder.create(tmp_path / "study" / "runs", spec)
    command = [sys.executable, "-m", "isoflop.train"]
    worker = subprocess.run([*command, "--worker"], input=f"{folder.path}\n", capture_output=True, text=True)
    assert (worker.returncode, worker.stderr) == (0, "")
    assert json.loads(worker.stdout) == {"run": spec.run_id, "exit": 0, "message": ""}
    result = folder.read_result()
    assert result is not None
    assert result.val_loss_nats == trained(tmp_path / "here", spec, tiny_corpus).read_result().val_loss_nats  # type: ignore[union-attr]
    again = subprocess.run([*command, str(folder.path)], capture_output=True, text=True)
    assert again.returncode == 0
    missing = subprocess.run([*command, str(tmp_path / "nowhere")], capture_output=True, text=True)
    assert missing.returncode == 2
    assert "nowhere" in missing.stderr
