"""What is known of the runs of a stage before they are trained: which are missing, and how long each takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from isoflop.runs import RunFolder
from isoflop.spec import RunSpec
from isoflop.study.listener import RunsAhead
from isoflop.study.machine import read_machine, speed_of
from isoflop.sweep.devices import placed_seconds

if TYPE_CHECKING:
    from isoflop.study.training_stages import Study


def runs_ahead(
    study: Study, specs: Sequence[RunSpec], seconds: Callable[[RunSpec], float], designed: Sequence[RunFolder]
) -> RunsAhead:
    """What is known of the runs of a stage before they are trained, each of about `seconds` on a core.

    `designed` are all runs of the study.
    """
    missing, begun, ended = [], {}, []
    for spec in specs:
        folder = RunFolder(study.folder.runs / spec.run_id)
        result = folder.read_result(spec)
        if result is not None:
            ended.append((spec, result))
            continue
        missing.append(spec)
        beat = folder.read_heartbeat()
        if beat is not None:
            begun[spec.run_id] = min(0.999, spec.share_done(beat.tokens))
    expected, workers = {spec.run_id: seconds(spec) for spec in missing}, study.workers
    if (devices := study.devices) and missing:
        speed = speed_of(read_machine(study.folder.machine))
        expected, workers = placed_seconds(missing, speed, workers, devices)
    return RunsAhead(
        missing=tuple(missing),
        seconds=expected,
        workers=workers,
        begun=begun,
        ended=tuple(ended),
        done_before=sum(run.result.exists() for run in designed),
        designed=len(designed),
    )
