"""What the stages of a study are expected to take, in seconds: of runs by the measured speed, of the rest as measured
on two cores."""

from __future__ import annotations

from isoflop.runs.folder import RunFolder
from isoflop.spec import RunSpec
from isoflop.study.training_stages import Study
from isoflop.sweep import Design, Speed, SweepCost, sweep_cost
from isoflop.sweep.study_design import OVERHEAD_SECONDS, SPEED_MARGIN, STAGE_SECONDS


def before_the_design(study: Study) -> dict[str, float]:
    """{stage: seconds} from the minutes that were asked for; empty where FLOPs were, or the runs are designed."""
    minutes = study.settings.minutes
    if minutes is None or study.folder.sweep.exists():
        return {}
    training = max(0.0, 60 * minutes - OVERHEAD_SECONDS)
    return {**STAGE_SECONDS, "sweep": training / SPEED_MARGIN}


def of_missing_runs(study: Study, design: Design, speed: Speed, final_bill: SweepCost) -> dict[str, float]:
    """{stage: seconds} of what is missing: `final_bill` is what the final runs cost while they are not planned yet."""
    planned = study.folder.final_design
    specs = Design.load(planned).specs if planned.exists() else ()
    final = _seconds(study, list(specs), speed) if specs else final_bill.seconds / SPEED_MARGIN
    done = {name: 0.0 for name, path in (("fit", study.folder.fit), ("serve", study.folder.serving)) if path.exists()}
    return {**STAGE_SECONDS, **done, "sweep": _seconds(study, list(design.specs), speed), "final": final}


def _seconds(study: Study, specs: list[RunSpec], speed: Speed) -> float:
    """Wall time of those of `specs` that have no result."""
    missing = [spec for spec in specs if not RunFolder(study.folder.runs / spec.run_id).result.exists()]
    return sweep_cost(missing, speed, study.workers, study.devices).seconds
