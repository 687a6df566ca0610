"""A checkpoint is complete or absent; unreadable ones are skipped; a full disk leaves the previous one."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from isoflop.errors import InputError
from isoflop.train import checkpoint_progress
from isoflop.train.checkpoint import Progress, Saver, clear, restore
from isoflop.train.model import BLOCKS, LanguageModel, build
from isoflop.train.optim import build_optimizer, set_lr
from isoflop.train.weights import export_weights, load_weights
from train.models import OPTIMIZER, architecture, shaken


def trained(family: str = "llama", steps: int = 3) -> tuple[LanguageModel, torch.optim.AdamW]:
    model = shaken(family)
    optimizer = build_optimizer(model, OPTIMIZER)
    set_lr(optimizer, 0.01)
    go_on(model, optimizer, steps)
    return model, optimizer


def go_on(model: LanguageModel, optimizer: torch.optim.AdamW, steps: int) -> list[float]:
    generator = torch.Generator().manual_seed(9)
    losses = []
    for _ in range(steps):
        loss = model(torch.randint(257, (2, 17), generator=generator)).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def save(directory: Path, model: LanguageModel, optimizer: torch.optim.AdamW, progress: Progress) -> None:
    saver = Saver(directory)
    saver.save(model, optimizer, progress)
    saver.wait()


def fresh(family: str = "llama") -> tuple[LanguageModel, torch.optim.AdamW]:
    model = build(architecture(family), seed=77)
    optimizer = build_optimizer(model, OPTIMIZER)
    set_lr(optimizer, 0.01)
    return model, optimizer


def progress(step: int) -> Progress:
    return Progress(step=step, wall_seconds=1.5 * step, recent_losses=(3.25, 3.0), tail_losses=(0.1,) * step)


def folders(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("family", BLOCKS)
def test_a_restored_run_continues_bit_for_bit(tmp_path: Path, family: str) -> None:
    model, optimizer = trained(family)
    save(tmp_path / "checkpoints", model, optimizer, progress(3))
    again, moments = fresh(family)
    assert restore(tmp_path / "checkpoints", again, moments) == progress(3)
    assert go_on(again, moments, 4) == go_on(model, optimizer, 4)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    model, optimizer = trained()
    for step in (3, 20, 100):
        save(tmp_path, model, optimizer, progress(step))
    assert folders(tmp_path) == ["step-00000020", "step-00000100"]
    restored = restore(tmp_path, *fresh())
    assert restored is not None
    assert restored.step == 100


def test_the_same_step_again_is_not_written_again(tmp_path: Path) -> None:
    model, optimizer = trained()
    save(tmp_path, model, optimizer, progress(3))
    state = tmp_path / "step-00000003" / "state.safetensors"
    before = state.stat().st_mtime_ns
    save(tmp_path, model, optimizer, progress(3))
    assert state.stat().st_mtime_ns == before


def test_without_a_checkpoint_nothing_is_restored(tmp_path: Path) -> None:
    model, optimizer = fresh()
    before = [parameter.clone() for parameter in model.parameters()]
    assert restore(tmp_path / "nowhere", model, optimizer) is None
    assert restore(tmp_path, model, optimizer) is None
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def torn(folder: Path) -> None:
    state = folder / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-5])


def without_a_tensor(folder: Path) -> None:
    tensors = safetensors.torch.load_file(folder / "state.safetensors")
    del tensors["model/embedding"]
    safetensors.torch.save_file(tensors, folder / "state.safetensors")


def of_another_shape(folder: Path) -> None:
    tensors = safetensors.torch.load_file(folder / "state.safetensors")
    tensors["model/embedding"] = torch.zeros(2, 2)
    safetensors.torch.save_file(tensors, folder / "state.safetensors")


def says(text: str) -> object:
    return lambda folder: (folder / "progress.json").write_text(text)


DAMAGES = {
    "torn": torn,
    "a tensor missing": without_a_tensor,
    "another shape": of_another_shape,
    "no state": lambda folder: (folder / "state.safetensors").unlink(),
    "no progress": lambda folder: (folder / "progress.json").unlink(),
    "half of progress": says('{"schema": 1, "st'),
    "no object": says("3"),
    "a list": says("[]"),
    "a field missing": says('{"schema": 1, "step": 20}'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_an_unreadable_checkpoint_is_skipped_for_the_previous_one(tmp_path: Path, damage: object) -> None:
    model, optimizer = trained()
    save(tmp_path, model, optimizer, progress(3))
    kept = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    go_on(model, optimizer, 2)
    save(tmp_path, model, optimizer, progress(20))
    damage(tmp_path / "step-00000020")  # type: ignore[operator]
    again, moments = fresh()
    assert restore(tmp_path, again, moments) == progress(3)
    assert all(torch.equal(parameter, kept[name]) for name, parameter in again.named_parameters())
    assert folders(tmp_path) == ["step-00000003"]


def test_unreadable_checkpoints_do_not_displace_readable_ones(tmp_path: Path) -> None:
    model, optimizer = trained()
    for step in (100, 120):
        save(tmp_path, model, optimizer, progress(step))
        torn(tmp_path / f"step-{step:08d}")
    assert restore(tmp_path, *fresh()) is None
    for step in (10, 20, 30):
        save(tmp_path, model, optimizer, progress(step))
    assert folders(tmp_path) == ["step-00000020", "step-00000030"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: says(json.dumps({"schema": 99, "step": 20}))(folder), "schema 99, expected 1"),
        (
            lambda folder: (torn(folder), (folder / "progress.json").unlink(), (folder / "progress.json").mkdir()),
            "disk",
        ),
    ],
    ids=["another version", "a disk that does not give it"],
)
def test_a_checkpoint_that_may_be_complete_is_neither_skipped_nor_removed(
    tmp_path: Path, spoil: object, message: str
) -> None:
    model, optimizer = trained()
    save(tmp_path, model, optimizer, progress(3))
    save(tmp_path, model, optimizer, progress(20))
    spoil(tmp_path / "step-00000020")  # type: ignore[operator]
    with pytest.raises(InputError, match=message):
        restore(tmp_path, *fresh())
    assert folders(tmp_path) == ["step-00000003", "step-00000020"]


def test_an_unreadable_checkpoint_without_a_previous_one_is_a_new_start(tmp_path: Path) -> None:
    model, optimizer = trained()
    save(tmp_path, model, optimizer, progress(3))
    torn(tmp_path / "step-00000003")
    again, moments = fresh()
    before = [parameter.clone() for parameter in again.parameters()]
    assert restore(tmp_path, again, moments) is None
    assert all(torch.equal(a, b) for a, b in zip(before, again.parameters(), strict=True))
    assert not moments.state


@pytest.mark.parametrize("number", [1, 2])
def test_a_full_disk_is_reported_and_leaves_the_previous_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    model, optimizer = trained()
    save(tmp_path, model, optimizer, progress(3))
    fsync, calls = os.fsync, []

    def full(descriptor: int) -> None:
        # the first is the state's, then its folder's, then that of progress.json
        calls.append(descriptor)
        if len(calls) == 2 * number - 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="disk full while writing .*run the same command again"):
        save(tmp_path, model, optimizer, progress(20))
    monkeypatch.undo()
    assert folders(tmp_path) == ["step-00000003"]
    save(tmp_path, model, optimizer, progress(20))
    assert folders(tmp_path) == ["step-00000003", "step-00000020"]


def test_what_a_killed_save_left_is_no_checkpoint_and_no_obstacle(tmp_path: Path) -> None:
    model, optimizer = trained()
    save(tmp_path, model, optimizer, progress(3))
    left = tmp_path / ".step-00000020.partial"
    left.mkdir()
    (left / "state.safetensors").write_bytes(b"half")
    restored = restore(tmp_path, *fresh())
    assert restored is not None
    assert restored.step == 3
    assert folders(tmp_path) == ["step-00000003"]
    save(tmp_path, model, optimizer, progress(20))
    assert folders(tmp_path) == ["step-00000003", "step-00000020"]


def test_a_checkpoint_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("")
    with pytest.raises(InputError, match="checkpoints"):
        save(tmp_path / "checkpoints", *trained(), progress(3))


def test_clearing_leaves_nothing_and_may_be_done_twice(tmp_path: Path) -> None:
    save(tmp_path / "checkpoints", *trained(), progress(3))
    clear(tmp_path / "checkpoints")
    clear(tmp_path / "checkpoints")
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("family", BLOCKS)
def test_weights_are_exported_by_the_names_of_the_account_and_loaded(tmp_path: Path, family: str) -> None:
    model, _ = trained(family)
    export_weights(tmp_path / "model.safetensors", model)
    stored = safetensors.torch.load_file(tmp_path / "model.safetensors")
    assert {name: tuple(value.shape) for name, value in stored.items()} == {
        tensor.name: tensor.shape for tensor in model.arch.tensors()
    }
    again, _ = fresh(family)
    load_weights(tmp_path / "model.safetensors", again)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_weights_that_are_missing_torn_or_of_another_model_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model, _ = fresh()
    with pytest.raises(InputError, match="train the run again"):
        load_weights(path, model)
    export_weights(path, build(architecture(n_layers=1)))
    with pytest.raises(InputError, match="not the weights of this model"):
        load_weights(path, model)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="not the weights of this model"):
        load_weights(path, model)


def test_a_checkpoint_holds_no_code(tmp_path: Path) -> None:
    save(tmp_path, *trained(), progress(3))
    assert {path.suffix for path in (tmp_path / "step-00000003").iterdir()} == {".safetensors", ".json"}
    assert (
        json.loads((tmp_path / "step-00000003" / "progress.json").read_text())["schema"] == checkpoint_progress.SCHEMA
    )
