"""The rows that a study's forecast was made from, as they are now: their digest, and the largest run among them."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from isoflop.errors import InputError, quoted
from isoflop.ledger.safe_files import is_folder, is_there
from isoflop.observations import RunOutcome
from isoflop.plan.plan_toml import PlannedRun
from isoflop.regular_files import read_regular, refuse_links
from isoflop.runs.folder import RunFolder
from isoflop.runs.outcomes import digest_of, observations_of, outcome_of

_NUMBERS = ("params", "tokens", "flops", "budget", "loss", "loss_se")


@dataclass(frozen=True, kw_only=True)
class StudyData:
    """The rows of a study that fits learn from."""

    digest: str
    """As a forecast names it."""
    largest_flops: float


def study_data(study: Path) -> StudyData | None:
    """The rows of the study in that folder, or of the one that its planned run was made from; None where none are here.

    A row is what its run's result says, where the run is there, and else what the fitted table says. Raises InputError
    for a table or a result that is not as isoflop writes it.
    """
    table = study / "fits" / "observations.csv"
    if not is_there(table):
        return _of_planned_run(study)
    rows = csv.DictReader(io.StringIO(read_regular(table).decode(errors="replace")))
    outcomes = [_outcome(study / "runs", row, table) for row in rows]
    observations = observations_of(outcomes)
    if not len(observations):
        raise InputError(f"{table}: no row of a run that ended well")
    return StudyData(digest=digest_of(observations), largest_flops=float(observations.C.max()))


def _of_planned_run(folder: Path) -> StudyData | None:
    plan = folder / "plan.toml"
    source = PlannedRun.read(plan).text.study if is_there(plan) else None
    study = None if source is None else folder / source
    if study is None or not is_folder(study) or not is_there(study / "fits" / "observations.csv"):
        return None
    return study_data(study)


def _outcome(runs: Path, row: dict[str, str], table: Path) -> RunOutcome:
    name = row.get("run_id") or ""
    if run_folder(runs, name) is not None and is_there(runs / name / "result.json"):
        run = RunFolder(runs / name)
        return outcome_of(run, run.read_spec())
    params, tokens, flops, budget, loss, loss_se = (
        _number(row.get(key), f"{table}: {key} of {quoted(name)}") for key in _NUMBERS
    )
    ended = row.get("status", "done") == "done" and loss is not None
    return RunOutcome(
        run_id=name,
        status="done" if ended else "unfinished",
        reason="" if ended else "not done",
        params=params,
        tokens=tokens,
        flops=flops,
        budget=budget,
        loss=loss,
        loss_se=loss_se,
    )


def _number(text: str | None, what: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{what}: expected a number, got {text[:40]!r}") from error
    if not math.isfinite(value):
        raise InputError(f"{what}: expected a finite number, got {text[:40]!r}")
    return value


def run_folder(runs: Path, name: str) -> RunFolder | None:
    """The folder of the run `name` in `runs`; None where it is not there. Raises InputError for links in it."""
    if not name or Path(name).name != name or name.startswith(".") or not is_folder(runs / name):
        return None
    refuse_links(runs / name, deep=False)
    for file in ("spec.json", "result.json", "attempts.jsonl"):
        is_there(runs / name / file)
    return RunFolder(runs / name)
