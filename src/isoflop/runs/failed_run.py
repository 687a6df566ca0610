"""When a run has failed, and the result that it gets then."""

from __future__ import annotations

import math
import time

from isoflop import __version__
from isoflop.arch import flops_by_convention
from isoflop.runs.folder import RunFolder
from isoflop.runs.out_of_memory import out_of_memory_events
from isoflop.runs.result import Reason, RunResult, counted_params
from isoflop.spec import RunSpec


def restarts_without_progress(folder: RunFolder, earlier: int = 0) -> int:
    """How many of the last starts, after the first `earlier`, began at the same step: none of them reached a new
    checkpoint.

    A start that many processes ended because a step did not fit is not counted: the next one halves the micro-batch.
    """
    starts = folder.attempts()[earlier:]
    halved = [event.time for event in out_of_memory_events(folder.path) if event.devices > 1]
    count, end = 0, math.inf
    for start in reversed(starts):
        if start.from_step != starts[-1].from_step:
            break
        count += not any(start.started <= moment < end for moment in halved)
        end = start.started
    return count


def spent_so_far(folder: RunFolder, spec: RunSpec, tokens: int) -> int:
    """Of `tokens` that an unfinished run has seen, those of the steps that it took itself."""
    begins, starts = spec.begins, folder.attempts()
    if begins is None or not starts or starts[0].from_step < begins.step:
        return tokens
    return max(0, tokens - begins.step * spec.batch_tokens)


def write_failed_result(folder: RunFolder, reason: Reason, message: str) -> None:
    """Writes a failed result for a run that no trainer can finish, with the progress of its last heartbeat.

    Raises LockedError when a live process works on it. Deleting result.json has the run tried again.
    """
    spec, beat, starts = folder.read_spec(), folder.read_heartbeat(), len(folder.attempts())
    per_token = flops_by_convention(spec.architecture, spec.seq_len)
    spent = spent_so_far(folder, spec, beat.tokens) if beat else None
    with folder.lock():
        if folder.read_result() is not None:
            return
        folder.write_result(
            RunResult(
                run_id=folder.run_id,
                status="failed",
                reason=reason,
                message=f"given up after {starts} starts: {message}; delete {folder.result} to have it tried again",
                steps=beat.step if beat else None,
                tokens_seen=beat.tokens if beat else None,
                params=counted_params(spec.architecture),
                flops={name: value * beat.tokens for name, value in per_token.items()} if beat else {},
                train_loss_nats=None,
                val_loss_nats=None,
                val_loss_se=None,
                bits_per_byte=None,
                domains={},
                metric_version=None,
                wall_seconds=None,
                device=None,
                threads=None,
                code_version=__version__,
                torch_version=None,
                finished=time.time(),
                attempts=starts,
                products=None,
                spent_tokens=spent,
                spent_flops={} if spent is None else {name: value * spent for name, value in per_token.items()},
                shortages=len(out_of_memory_events(folder.path)),
            )
        )
