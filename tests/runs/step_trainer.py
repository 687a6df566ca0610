"""A trainer without a model: obeys the folder and worker protocols, and its loss depends on every step it took."""

import argparse
import hashlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path

from isoflop import __version__
from isoflop.errors import InputError, IsoflopError
from isoflop.files import write_json_atomically
from isoflop.runs.folder import RunFolder
from isoflop.runs.result import RunResult, counted_params

CHECKPOINT_STEPS = 5


class Stop(Exception):
    pass


def train(path, step_seconds, should_stop):
    folder = RunFolder(path)
    with folder.lock():
        if folder.read_result() is not None:
            return
        if (path / "crash").exists():
            raise ValueError("told to crash")
        if (path / "refuse").exists():
            raise InputError(f"{path}: told to refuse")
        spec, saved = folder.read_spec(), folder.checkpoints / "state.json"
        folder.checkpoints.mkdir(exist_ok=True)
        step, state = json.loads(saved.read_text()) if saved.exists() else (0, "")
        folder.truncate_metrics(step)
        folder.record_attempt(step)
        started, diverged = time.monotonic(), False
        while step < spec.steps and not diverged:
            if should_stop():
                write_json_atomically(saved, [step, state])
                raise Stop
            time.sleep(step_seconds)
            step += 1
            state = hashlib.sha256(f"{state} {step} {spec.seed}".encode()).hexdigest()
            loss = 2 + int(state[:8], 16) / 2**32
            folder.append_metrics([{"step": step, "tokens": step * spec.batch_tokens, "train_loss_nats": loss}])
            folder.beat(step=step, tokens=step * spec.batch_tokens, train_loss_nats=loss, always=True)
            if step % CHECKPOINT_STEPS == 0:
                write_json_atomically(saved, [step, state])
            diverged = (path / "diverge").exists()
        tokens = step * spec.batch_tokens
        facts = {
            "train_loss_nats": loss,
            "val_loss_nats": loss,
            "val_loss_se": 0.01,
            "bits_per_byte": loss * 1.4427,
            "domains": {"a": dict.fromkeys(("loss_nats", "loss_se", "bits_per_byte", "tokens", "bytes"), 1.0)},
        }
        if diverged:
            facts = {**dict.fromkeys(facts), "domains": {}}
        folder.write_result(
            RunResult(
                run_id=folder.run_id,
                status="failed" if diverged else "done",
                reason="diverged" if diverged else "",
                message="",
                steps=step,
                tokens_seen=tokens,
                params=counted_params(spec.architecture),
                flops={"matmul": 6.0 * tokens},
                metric_version=1,
                wall_seconds=time.monotonic() - started,
                device="cpu",
                threads=int(os.environ["OMP_NUM_THREADS"]),
                code_version=__version__,
                torch_version="none",
                finished=time.time(),
                attempts=len(folder.attempts()),
                **facts,
            )
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--step-seconds", type=float, default=0.005)
    arguments = parser.parse_args()
    signals, parent = [], os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: signals.append(number))

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
            path, code = Path(line.decode()), 0
            try:
                train(path, arguments.step_seconds, should_stop)
            except Stop:
                code = 143
            except IsoflopError as error:
                print(error, file=sys.stderr)
                code = error.exit_code
            print(json.dumps({"run": path.name, "exit": code}), flush=True)
            if code == 143:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
