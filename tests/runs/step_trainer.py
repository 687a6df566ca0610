"""A trainer without a model: obeys the folder and worker protocols, and its loss depends on every step it took.

`step_trainer.py RUN_DIR` trains one folder, `step_trainer.py` is a worker. A file in the run folder named after a fault
brings it about: crash, refuse, diverge, full_disk (at the next checkpoint), out_of_memory,
tight_memory (a batch does not fit, half of one does). With a file `hold`, which says a step, it waits there.
"""

import argparse
import errno
import hashlib
import json
import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from isoflop import __version__
from isoflop.errors import InputError, IsoflopError
from isoflop.files import storing, write_json_atomically
from isoflop.runs.failed_run import spent_so_far
from isoflop.runs.folder import RunFolder
from isoflop.runs.jsonl import rewrite_lines
from isoflop.runs.kept import asked_steps, kept_checkpoint
from isoflop.runs.out_of_memory import config_after_out_of_memory, out_of_memory_events, record_out_of_memory
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.runs.result import RunResult, counted_params

CHECKPOINT_STEPS = 5
KEPT = 2


class Stop(Exception):
    pass


def keep(folder, step, state):
    path = kept_checkpoint(folder, step)
    path.mkdir(parents=True, exist_ok=True)
    write_json_atomically(path / "state.json", [step, state])
    (path / "progress.json").touch()


def save(folder, step, state):
    path = folder.checkpoints / f"step-{step:08d}" / "state.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with storing(path, 1_000_000):
        if (folder.path / "full_disk").exists():
            path.write_text("[1")  # what there was room for
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_json_atomically(path, [step, state])
    for old in sorted(folder.checkpoints.glob("step-*/state.json"))[:-KEPT]:
        shutil.rmtree(old.parent)  # a kill may have left a file that was being written


def restore(folder):
    for path in sorted(folder.checkpoints.glob("step-*/state.json"), reverse=True):
        with suppress(ValueError):
            return json.loads(path.read_text())
    begins = folder.read_spec().begins
    if begins is not None:
        parent = RunFolder(folder.path.parent / begins.run)
        with suppress(FileNotFoundError):
            kept = json.loads((kept_checkpoint(parent, begins.step) / "state.json").read_text())
            rewrite_lines(folder.metrics, parent.read_metrics().lines)
            return kept
    return 0, ""


def is_held(path, step):
    with suppress(FileNotFoundError):
        return step >= int((path / "hold").read_text())
    return False


def train(path, step_seconds, should_stop):
    folder = RunFolder(path)
    with folder.lock():
        if folder.read_result() is not None:
            return
        if (path / "crash").exists():
            raise ValueError("told to crash")
        if (path / "refuse").exists():
            raise InputError(f"{path}: told to refuse")
        spec = folder.read_spec()
        step, state = restore(folder)
        folder.truncate_metrics(step)
        folder.record_attempt(step)
        started, loss, reason = time.monotonic(), 0.0, ""
        launch, batch = ParallelConfig(), spec.batch_tokens // spec.seq_len
        while step < spec.steps and not reason:
            while not should_stop() and is_held(path, step):
                time.sleep(0.01)
            if should_stop():
                save(folder, step, state)
                raise Stop
            time.sleep(step_seconds)
            taken = config_after_out_of_memory(path, launch).micro_batch_sequences or batch
            if taken == batch and (path / "tight_memory").exists():
                record_out_of_memory(path, launch, step=step, micro_batch_sequences=taken, message="told to run out")
            step += 1
            state = hashlib.sha256(f"{state} {step} {spec.seed}".encode()).hexdigest()
            loss = 2 + int(state[:8], 16) / 2**32
            line = {"step": step, "tokens": step * spec.batch_tokens, "train_loss_nats": loss}
            folder.append_metrics([{**line, "wall_seconds": step * step_seconds}])
            folder.beat(step=step, tokens=step * spec.batch_tokens, train_loss_nats=loss, always=True)
            if step in asked_steps(folder):
                keep(folder, step, state)
            if step % CHECKPOINT_STEPS == 0:
                save(folder, step, state)
            reason = next((fault[0] for fault in FAULTS if (path / fault[1]).exists()), "")
        taken = config_after_out_of_memory(path, launch).micro_batch_sequences or batch
        write(folder, spec, step, loss, reason, time.monotonic() - started, taken)


FAULTS = (("diverged", "diverge"), ("out_of_memory", "out_of_memory"))


def write(folder, spec, step, loss, reason, wall_seconds, micro_batch):
    tokens = step * spec.batch_tokens
    facts = {
        "train_loss_nats": loss,
        "val_loss_nats": loss,
        "val_loss_se": 0.01,
        "bits_per_byte": loss * 1.4427,
        "domains": {"a": dict.fromkeys(("loss_nats", "loss_se", "bits_per_byte", "tokens", "bytes"), 1.0)},
    }
    if reason:
        facts = {**dict.fromkeys(facts), "domains": {}}
    folder.write_result(
        RunResult(
            run_id=folder.run_id,
            status="failed" if reason else "done",
            reason=reason,
            message="",
            steps=step,
            tokens_seen=tokens,
            params=counted_params(spec.architecture),
            flops={"matmul": 6.0 * tokens},
            spent_tokens=spent_so_far(folder, spec, tokens),
            spent_flops={"matmul": 6.0 * spent_so_far(folder, spec, tokens)},
            metric_version=1,
            wall_seconds=wall_seconds,
            device="cpu",
            threads=int(os.environ["OMP_NUM_THREADS"]),
            code_version=__version__,
            torch_version="none",
            finished=time.time(),
            attempts=len(folder.attempts()),
            micro_batch_sequences=micro_batch,
            shortages=len(out_of_memory_events(folder.path)),
            **facts,
        )
    )


def outcome(path, step_seconds, should_stop):
    """The exit code of one run folder."""
    try:
        train(path, step_seconds, should_stop)
    except Stop:
        return 143
    except IsoflopError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run_dir", nargs="?", type=Path)
    parser.add_argument("--step-seconds", type=float, default=0.005)
    arguments = parser.parse_args()
    signals, parent = [], os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: signals.append(number))
    if arguments.run_dir is not None:
        return outcome(arguments.run_dir, arguments.step_seconds, lambda: bool(signals))

    def should_stop():
        return bool(signals) or os.getppid() != parent

    print("a line that a library printed")
    pending = b""
    while not should_stop():
        if not select.select([0], [], [], 0.05)[0]:
            continue
        data = os.read(0, 65536)
        if not data:
            return 0
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            path = Path(line.decode())
            code = outcome(path, arguments.step_seconds, should_stop)
            print(json.dumps({"run": path.name, "exit": code}), flush=True)
            if code == 143:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
