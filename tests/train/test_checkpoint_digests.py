"""A bit flipped in a checkpoint does not become a weight; checkpoints written before checksums are read."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch

from isoflop.train.checkpoint import restore
from isoflop.train.checkpoint_digests import check_digests, digest_of, digest_of_file, write_digests
from train.test_checkpoint import folders, fresh, go_on, progress, save, trained


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(data)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder of two checkpoints, of steps 3 and 20."""
    model, optimizer = trained()
    save(tmp_path / "kept", model, optimizer, progress(3))
    go_on(model, optimizer, 2)
    save(tmp_path / "kept", model, optimizer, progress(20))
    return tmp_path / "kept"


@pytest.mark.parametrize("name", ["state.safetensors", "progress.json", "digests-00000.json", "digests-progress.json"])
def test_with_a_flipped_bit_the_previous_checkpoint_is_restored(two: Path, name: str) -> None:
    newest = two / "step-00000020"
    sound = {path.name: path.read_bytes() for path in newest.iterdir()}
    # but for the number of the schema, which another version may have written
    schema = sound[name].find(b'"schema": 1')
    bits = [bit for bit in range(8 * len(sound[name])) if not 0 <= bit // 8 - schema < 12]
    for bit in random.Random(name).sample(bits, 12):
        newest.mkdir(exist_ok=True)
        for file, data in sound.items():
            (newest / file).write_bytes(data)
        flip(newest / name, bit)
        actual = restore(two, *fresh())
        assert actual == progress(3), f"bit {bit} of {name}"
        assert folders(two) == ["step-00000003"]


def test_a_checkpoint_is_of_the_step_that_its_folder_says(two: Path) -> None:
    (two / "step-00000020").rename(two / "step-00000040")
    actual = restore(two, *fresh())
    assert actual == progress(3)


def test_a_checkpoint_of_an_earlier_version_has_no_checksums_and_is_read(two: Path) -> None:
    for path in two.glob("*/digests-*.json"):
        path.unlink()
    assert {path.name for path in (two / "step-00000020").iterdir()} == {"state.safetensors", "progress.json"}
    model, optimizer = fresh()
    assert restore(two, model, optimizer) == progress(20)
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


def test_where_there_are_checksums_every_file_of_tensors_has_one(two: Path) -> None:
    (two / "step-00000020" / "digests-00000.json").unlink()
    assert restore(two, *fresh()) == progress(3)


def test_the_checksum_of_bytes_is_that_of_their_file(tmp_path: Path) -> None:
    data = random.Random(0).randbytes(100_000)
    (tmp_path / "a").write_bytes(data)
    assert digest_of(data) == digest_of(memoryview(data)) == digest_of_file(tmp_path / "a")
    assert digest_of(b"123456789") == "cbf43926"  # the check value of CRC-32/ISO-HDLC


def test_many_processes_each_check_a_part_and_together_all(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"shard-{number}.safetensors").write_bytes(bytes([number]))
        digest = digest_of_file(tmp_path / f"shard-{number}.safetensors")
        write_digests(tmp_path, f"{number:05d}", {f"shard-{number}.safetensors": digest})
    for process in range(2):
        check_digests(tmp_path, (process, 2))
    for number in range(5):
        flip(tmp_path / f"shard-{number}.safetensors", 3)
        actual = 0
        for process in range(2):
            try:
                check_digests(tmp_path, (process, 2))
            except ValueError:
                actual += 1
        assert actual == 1
        flip(tmp_path / f"shard-{number}.safetensors", 3)


@pytest.mark.parametrize("listed", [[], {"../../secret": "00000000"}, {"state.safetensors": 3}])
def test_lists_of_another_kind_are_no_checksums(two: Path, listed: object) -> None:
    (two / "step-00000020" / "digests-00000.json").write_text(json.dumps(listed))
    assert restore(two, *fresh()) == progress(3)
