"""A study's sealed forecast, held against its run, its fit, its data and its score."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.codec import JsonObject, to_json
from isoflop.digest import digest_of_json_file
from isoflop.errors import InputError, Notice, quoted
from isoflop.plan import Score, SealedForecast, SealOrder, load_forecast, load_score, score_path, seal_order
from isoflop.regular_files import read_through_links
from isoflop.runs.folder import RunFolder
from isoflop.runs.outcomes import digest_of, observations_of
from isoflop.study.folder import StudyFolder
from isoflop.study.sweep_table import is_table_of, sweep_outcomes
from isoflop.sweep import Design
from isoflop.units import format_number

DOUBTS = (
    "sealed_after_start",
    "seal_order_unknown",
    "sealed_from_other_fit",
    "sealed_from_other_runs",
    "fits_of_other_runs",
)
"""Codes of notices that say that a forecast, its fit and its data do not belong together as they should."""


@dataclass(frozen=True, kw_only=True)
class Seals:
    """A sealed forecast, its score, and what else is known of both."""

    sealed: SealedForecast
    score: Score | None
    order: SealOrder
    """Which came first: the seal or the run's first start."""
    notices: tuple[Notice, ...]
    """That it came late, or was made from another fit than the study holds now. Other data: see `data_notices`."""

    def as_json(self) -> JsonObject:
        """What the JSON of a forecast says besides its numbers."""
        return {
            "sealed_before_run": self.order.before,
            "seal_order": to_json(self.order),
            "digest": self.sealed.digest,
            "observations_digest": self.sealed.forecast.observations_digest,
            "fit_digest": self.sealed.forecast.fit_digest,
        }


def read_seals(folder: StudyFolder) -> Seals:
    """The sealed forecast of the study, or of the planned run, in `folder`, held against all that it names.

    Raises InputError where it, its score or its fit was changed, and where the score is not of the run's own loss.
    """
    sealed, score = load_forecast(folder.forecast), load_score(folder.forecast)
    run = forecast_run(folder, sealed)
    result = None if run is None else run.read_result()
    if score is not None and run is not None and result is not None and result.val_loss_nats != score.actual:
        raise InputError(
            f"{score_path(folder.forecast)}: scored a loss of {format_number(score.actual, 6)}, and {run.result} has "
            f"{result.val_loss_nats}; restore that result, or delete the score to have the run scored again"
        )
    order = seal_order(sealed, run)
    return Seals(sealed=sealed, score=score, order=order, notices=(*order.notices(), *_of_fit(folder, sealed)))


def forecast_run(folder: StudyFolder, sealed: SealedForecast) -> RunFolder | None:
    """The run whose loss is forecast; None where the forecast names none.

    Raises InputError for a name that is a path: a folder of somebody else must not lead outside of it.
    """
    name = sealed.forecast.run_id
    if name is not None and (name in ("", ".", "..") or "/" in name or "\0" in name):
        raise InputError(f"{folder.forecast}: run_id: expected the name of a run in {folder.runs}, got {quoted(name)}")
    return None if name is None else RunFolder(folder.runs / name)


def name_forecast(folder: StudyFolder) -> None:
    """Makes the forecast run record at each start that its forecast lay sealed. Does nothing without a forecast."""
    if not folder.forecast.exists():
        return
    sealed = load_forecast(folder.forecast)
    run = forecast_run(folder, sealed)
    if run is not None and not run.spec.exists() and folder.final_design.exists():
        # its folder was removed to train it again: the forecast is older than that start too
        for spec in Design.load(folder.final_design).specs:
            if spec.run_id == run.run_id:
                RunFolder.create(folder.runs, spec)
    if run is not None and run.spec.exists():
        run.name_forecast(sealed.digest)


def check_planned(folder: StudyFolder) -> None:
    """Raises InputError where the planned run is not the run that the sealed forecast names: one file was changed."""
    if not (folder.forecast.exists() and folder.final_design.exists()):
        return
    named, planned = load_forecast(folder.forecast).forecast.run_id, Design.load(folder.final_design).specs[0].run_id
    if named not in (None, planned):
        raise InputError(
            f"{folder.final_design}: its planned run is {planned}, and the sealed forecast is of {named}; restore the "
            "file that was changed from a copy"
        )


def _of_fit(folder: StudyFolder, sealed: SealedForecast) -> tuple[Notice, ...]:
    sealed_from = sealed.forecast.fit_digest
    if sealed_from is None or not folder.fit.exists():
        return ()
    current = digest_of_json_file(folder.fit)
    if current == sealed_from:
        return ()
    message = (
        f"the forecast was made from another fit (digest {sealed_from[:12]}) than {folder.fit} holds now "
        f"({current[:12]}), and stands as it was"
    )
    return (Notice(code="sealed_from_other_fit", message=message),)


def data_notices(folder: StudyFolder, sweep: Design) -> tuple[Notice, ...]:
    """Where the runs are no longer those that were fitted, or that the forecast was sealed from.

    `sweep` is the design of the runs. Raises InputError that names a corrupt result.
    """
    if not folder.fit.exists():
        return ()
    outcomes = sweep_outcomes(folder, sweep)
    notices = []
    if folder.observations.exists() and not is_table_of(read_through_links(folder.observations), outcomes):
        message = (
            f"{folder.observations} is not the table of the runs as they are now: the fits are of other numbers; "
            f"`isoflop fit {folder.path}` rebuilds both"
        )
        notices.append(Notice(code="fits_of_other_runs", message=message))
    sealed_from = load_forecast(folder.forecast).forecast.observations_digest if folder.forecast.exists() else None
    if sealed_from is not None and (current := digest_of(observations_of(outcomes))) != sealed_from:
        message = (
            f"the forecast was sealed from other runs (data with digest {sealed_from[:12]}) than the study holds now "
            f"({current[:12]}), and stands as it was"
        )
        notices.append(Notice(code="sealed_from_other_runs", message=message))
    return tuple(notices)
