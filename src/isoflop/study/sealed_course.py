"""The band of a planned run, made when its forecast is sealed: from that forecast and the curves of the sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from isoflop.errors import IsoflopError
from isoflop.logs.read import read_logs
from isoflop.logs.run import LoggedRun
from isoflop.logs.settings import flat_settings
from isoflop.plan import Forecast
from isoflop.runs.folder import RunFolder
from isoflop.spec import RunSpec
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design, fitted_specs
from isoflop.watch import Curve, WatchOptions, expected_course
from isoflop.watch.curves import read_curves
from isoflop.watch.schedule import planned_rates


def finished_runs(folder: StudyFolder) -> list[Path]:
    """Folders of the runs of a sweep that ended well: what a planned run is held against; none without a sweep."""
    if not folder.sweep.exists():
        return []
    runs = [(RunFolder(folder.runs / spec.run_id), spec) for spec in fitted_specs(Design.load(folder.sweep))]
    return [
        run.path
        for run, spec in runs
        if run.spec.exists() and (result := run.read_result(spec)) is not None and result.status == "done"
    ]


def with_course(forecast: Forecast, spec: RunSpec, finished: Sequence[Path]) -> Forecast:
    """The forecast with the band of the run of `spec` at every share of its schedule, by the `finished` runs.

    Without a band where no finished run shows its course: the forecast of the final loss is sealed all the same.
    """
    if not finished or forecast.level is None:
        return forecast
    try:
        logged = read_logs(list(finished))
        curves = read_curves(logged[0], logged[1:], WatchOptions())
        run = planned_curve(spec, measured=curves.run.measured)
        course = expected_course(forecast, run, (curves.run, *curves.like), forecast.level)
    except IsoflopError:  # a log that shows no course
        return forecast
    return replace(forecast, course=course)


def planned_curve(spec: RunSpec, *, measured: str) -> Curve:
    """The curve of a run that has not begun: its schedule, and no loss yet."""
    rates = planned_rates(LoggedRun(name=spec.run_id, source="a plan", settings=flat_settings(spec.as_json())))
    assert rates is not None, "a spec has its schedule"
    return Curve(
        name=spec.run_id,
        tokens=np.zeros(0),
        loss=np.zeros(0),
        schedule_tokens=rates.tokens,
        schedule_rates=rates.rates,
        total_tokens=float(spec.tokens),
        measured=measured,
        params=float(spec.architecture.params().non_embedding),
    )
