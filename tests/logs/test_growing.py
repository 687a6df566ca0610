"""Logs that are read while they are written: appended lines alone, torn lines, restarts, logs that shrink."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.logs import LogOptions, read_logs
from isoflop.logs.growing import GrowingLog
from isoflop.logs.run import LoggedRun
from logs.toy_run import GOLDEN

SPEC = {"architecture": {}, "batch_tokens": 100, "schedule": {"kind": "wsd"}, "tokens": 10_000}


def line(step: int, loss: float | None) -> str:
    return json.dumps({"step": step, "tokens": 100 * step, "lr": 0.01, "train_loss_nats": loss}) + "\n"


def run_folder(folder: Path, losses: list[float | None]) -> Path:
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(SPEC))
    (folder / "metrics.jsonl").write_text("".join(line(step, loss) for step, loss in enumerate(losses, start=1)))
    return folder


def append(file: Path, text: str) -> None:
    with file.open("a") as end:
        end.write(text)


def losses_of(run: LoggedRun) -> list[float]:
    series = run.training or run.evaluations["loss"]
    return series.values.tolist()


def seen(log: GrowingLog) -> LoggedRun:
    now = log.look()
    assert now is not None
    return now.runs[0]


def test_only_what_was_appended_to_a_run_folder_is_read(tmp_path):
    folder = run_folder(tmp_path / "run", [5.0, 4.0])
    log = GrowingLog(folder, LogOptions())
    assert losses_of(seen(log)) == [5.0, 4.0]
    assert log.look() is None
    before = log.bytes_read
    append(folder / "metrics.jsonl", line(3, 3.5))
    assert losses_of(seen(log)) == [5.0, 4.0, 3.5]
    assert log.bytes_read - before == len(line(3, 3.5))


def test_a_torn_last_line_waits_for_its_end(tmp_path):
    folder = run_folder(tmp_path / "run", [5.0])
    log = GrowingLog(folder, LogOptions())
    seen(log)
    whole = line(2, 4.0)
    append(folder / "metrics.jsonl", whole[:20])
    assert log.look() is None
    append(folder / "metrics.jsonl", whole[20:])
    run = seen(log)
    assert losses_of(run) == [5.0, 4.0]
    assert not run.notices


def test_a_restart_replaces_what_it_repeats(tmp_path):
    folder = run_folder(tmp_path / "run", [5.0, 4.0, 3.9, 3.8])
    log = GrowingLog(folder, LogOptions())
    seen(log)
    append(folder / "metrics.jsonl", line(3, 3.7) + line(4, 3.6))
    run = seen(log)
    assert losses_of(run) == [5.0, 4.0, 3.7, 3.6]
    assert [notice.code for notice in run.notices] == ["restarted"]


def test_a_loss_that_is_not_a_number_is_one_that_was_logged(tmp_path):
    folder = run_folder(tmp_path / "run", [5.0, 4.0])
    log = GrowingLog(folder, LogOptions())
    seen(log)
    append(folder / "metrics.jsonl", line(3, None))
    run = seen(log)
    assert np.isnan(losses_of(run)[-1])
    assert run.failure.startswith("diverged")


def test_the_result_of_a_run_folder_is_a_change(tmp_path):
    folder = run_folder(tmp_path / "run", [5.0, 4.0])
    log = GrowingLog(folder, LogOptions())
    assert seen(log).ended is False
    (folder / "result.json").write_text(json.dumps({"status": "done", "steps": 100, "val_loss_nats": 3.0}))
    assert seen(log).ended is True


def test_a_run_folder_before_its_first_line(tmp_path):
    folder = run_folder(tmp_path / "run", [])
    (folder / "metrics.jsonl").unlink()
    log = GrowingLog(folder, LogOptions())
    log.look()
    append(folder / "metrics.jsonl", line(1, 5.0) + line(2, 4.0))
    assert losses_of(seen(log)) == [5.0, 4.0]


@pytest.mark.parametrize(
    ("first", "then", "word"),
    [
        ("step,loss\n1,5\n2,4\n3,3.9\n", "step,loss\n1,6\n", "shorter"),
        ("step,loss\n1,5\n2,4\n", "step,loss\n1,6\n2,5.9\n3,5.8\n4,5.7\n", "rewritten"),
    ],
)
def test_a_log_that_shrinks_or_is_written_anew_is_read_anew(tmp_path, first, then, word):
    file = tmp_path / "log.csv"
    file.write_text(first)
    log = GrowingLog(file, LogOptions())
    seen(log)
    file.write_text(then)
    now = log.look()
    assert now is not None
    assert word in now.read_anew
    assert losses_of(now.runs[0])[0] == 6.0


def test_a_rotated_log_is_read_anew(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("step,loss\n1,5\n2,4\n")
    log = GrowingLog(file, LogOptions())
    seen(log)
    other = tmp_path / "next.csv"
    other.write_text("step,loss\n1,6\n2,5.9\n3,5.8\n")
    os.replace(other, file)
    now = log.look()
    assert now is not None
    assert "another file" in now.read_anew
    assert losses_of(now.runs[0]) == [6.0, 5.9, 5.8]


def test_a_file_that_is_not_there_yet(tmp_path):
    log = GrowingLog(tmp_path / "log.csv", LogOptions())
    assert log.look() is None
    (tmp_path / "log.csv").write_text("")
    assert log.look() is None
    append(tmp_path / "log.csv", "step,tokens,loss\n1,100,5\n2,200,4\n")
    assert losses_of(seen(log)) == [5.0, 4.0]


def history(i: int) -> dict[str, float]:
    """A line of a log with an evaluation on every fifth."""
    return {"step": i, "train/loss": 5 / i} | ({"eval/loss": 6 / i} if i % 5 == 0 else {})


CSV = [f"{10 * i},{5 / i},{6 / i if i % 3 == 0 else ''}\n" for i in range(1, 40)]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("log.csv", ["step,train/loss,val/loss\n", *CSV]),
        ("log.tsv", ["step\ttrain/loss\n", *(f"{10 * i}\t{5 / i}\n" for i in range(1, 40))]),
        ("log.jsonl", [json.dumps(history(i)) + "\n" for i in range(1, 40)]),
    ],
)
def test_a_table_read_in_parts_is_the_table_read_whole(tmp_path, name, lines):
    file = tmp_path / name
    file.write_text("".join(lines[:5]))
    log = GrowingLog(file, LogOptions())
    seen(log)
    for start in range(5, 40, 7):
        append(file, "".join(lines[start : start + 7]))
        run = seen(log)
        assert log.by_lines
    (whole,) = read_logs(file)
    same(run, whole)


@pytest.mark.parametrize("kind", ["nanogpt", "megatron", "modded_nanogpt", "torchtitan"])
def test_a_text_log_read_in_parts_is_the_log_read_whole(tmp_path, kind):
    golden = next(path for path in sorted((GOLDEN / kind).rglob("*")) if path.is_file() and log_kind(path) == kind)
    content = golden.read_bytes()
    file = tmp_path / golden.name
    lines = content.splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) // 2]))
    log = GrowingLog(file, LogOptions())
    log.look()
    for start in range(len(lines) // 2, len(lines), 5):
        with file.open("ab") as end:
            end.write(b"".join(lines[start : start + 5]))
        now = log.look()
    assert now is not None
    for part, whole in zip(now.runs, read_logs(file), strict=True):
        same(part, whole)


def log_kind(path: Path) -> str:
    try:
        return read_logs(path).files[0].format
    except InputError:
        return ""


def same(part: LoggedRun, whole: LoggedRun) -> None:
    assert (part.name, part.params, part.ended, part.settings) == (
        whole.name,
        whole.params,
        whole.ended,
        whole.settings,
    )
    for name in ("training", "learning_rate", "tokens"):
        one, other = getattr(part, name), getattr(whole, name)
        assert (one is None) == (other is None)
        if one is not None:
            assert one.steps.tolist() == other.steps.tolist()
            assert one.values.tolist() == other.values.tolist()
    assert part.evaluations.keys() == whole.evaluations.keys()


def test_a_folder_of_another_engine_is_read_whole_when_it_changes(tmp_path):
    folder = tmp_path / "output"
    folder.mkdir()
    history = [{"step": step, "loss": 5.0 / step, "learning_rate": 0.1} for step in (1, 2, 3)]
    state = {"global_step": 3, "max_steps": 10, "log_history": history}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    log = GrowingLog(folder, LogOptions())
    assert len(losses_of(seen(log))) == 3
    assert not log.by_lines
    assert log.look() is None
    state["log_history"] = [*history, {"step": 4, "loss": 1.0, "learning_rate": 0.1}]
    (folder / "trainer_state.json").write_text(json.dumps(state))
    assert len(losses_of(seen(log))) == 4


def test_rubbish_and_pipes_are_refused(tmp_path):
    (tmp_path / "rubbish.csv").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InputError, match="expected a log"):
        GrowingLog(tmp_path / "rubbish.csv", LogOptions()).look()
    (tmp_path / "long.csv").write_text("step,loss\n1,2\n")
    log = GrowingLog(tmp_path / "long.csv", LogOptions())
    seen(log)
    append(tmp_path / "long.csv", "3,4,5,6\n")
    with pytest.raises(InputError, match="expected 2 cells"):
        log.look()
    folder = run_folder(tmp_path / "run", [5.0])
    (folder / "metrics.jsonl").unlink()
    os.symlink("/etc/passwd", folder / "metrics.jsonl")
    with pytest.raises(InputError, match="link"):
        GrowingLog(folder, LogOptions()).look()
