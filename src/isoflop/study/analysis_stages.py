"""The later stages: fit, plan and seal, score. Each leaves its outcome on disk and does nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from isoflop.codec import fields_to_json, to_json
from isoflop.digest import digest_of_json_file, write_with_digest
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.files import storing, write_bytes_atomically
from isoflop.fit import DRAWS, LEVEL, FitReport, LossForecast, fit_all
from isoflop.fit.forecast.backtest import backtest
from isoflop.observations import Observations, RunOutcome
from isoflop.plan import Forecast, LawSource, Plan, Score, fitted_source, how_to_train, make_plan, score, seal
from isoflop.recipe import SmallRecipe
from isoflop.regular_files import make_folder, read_through_links
from isoflop.runs.folder import RunFolder
from isoflop.runs.outcomes import FLOPS_CONVENTION, PARAMS_CONVENTION, digest_of, observations_of
from isoflop.spec import RunSpec
from isoflop.study.decisions import read_decisions
from isoflop.study.file_shapes import read_plan
from isoflop.study.learning_rate_check import tuned_recipe
from isoflop.study.sealed_course import finished_runs, with_course
from isoflop.study.seals import check_planned, name_forecast
from isoflop.study.sweep_table import cost_of, curves_of, is_table_of, sweep_outcomes, table_of
from isoflop.study.text_limit import most_tokens, text_limits
from isoflop.study.training_stages import Study, built_corpus, warn_of_repeated_text
from isoflop.sweep import Design, comparison_design
from isoflop.sweep.allowance import readable, rounded_down


def sweep_observations(outcomes: Sequence[RunOutcome]) -> Observations:
    """The table that fits take. Raises RefusedError `no_runs` when no run of the sweep ended well."""
    observations = observations_of(outcomes)
    if not len(observations):
        reasons = "; ".join(f"{d.run_id}: {d.reason}" for d in observations.dropped[:3])
        raise RefusedError("no_runs", f"no run of the sweep ended well ({reasons}); see `isoflop status`")
    return observations


def fit(study: Study, recipe: SmallRecipe, design: Design) -> FitReport:
    """All three approaches on the sweep, saved; and the backtest without the top budget.

    They are fitted again when the runs are no longer those of fits/observations.csv, which is written last.
    """
    study.listener.stage("fit")
    folder = study.folder
    outcomes, cost = sweep_outcomes(folder, design), cost_of(recipe, design)
    observations = sweep_observations(outcomes)
    fitted = all(path.is_file() for path in (folder.fit, folder.backtest, folder.observations))
    if fitted and is_table_of(read_through_links(folder.observations), outcomes):
        try:
            return FitReport.load(folder.fit)
        except InputError as error:
            study.listener.notice(Notice(code="fitted_again", message=f"{error}; the sweep is fitted again"))
    curves = curves_of(study.folder, observations.run_id)
    report = fit_all(observations, curves, cost=cost, draws=DRAWS, seed=study.settings.seed)
    with storing(folder.fit):
        make_folder(folder.fit.parent)
        folder.observations.unlink(missing_ok=True)
        folder.fit.with_suffix(".npz").unlink(missing_ok=True)  # in the study it is of a fit, whole or not
        report.save(folder.fit)
    try:
        tested = fields_to_json(backtest(observations, cost=cost, seed=study.settings.seed))
    except RefusedError as error:
        tested = {"refused": str(error), "code": error.code}
    write_with_digest(folder.backtest, tested)
    write_bytes_atomically(folder.observations, table_of(outcomes).encode())
    return report


def final_budget(study: Study, design: Design) -> float:
    """FLOPs of the final runs: `final_ratio` times the largest budget of the sweep, or what an adaptive sweep left.

    Raises InputError while an adaptive sweep has not ended.
    """
    if study.settings.design == "adaptive":
        record = read_decisions(study.folder)
        if record is None or record.final_flops is None:
            raise InputError(f"{study.folder.path}: the sweep has not ended; `isoflop study` continues it")
        return record.final_flops
    return study.settings.final_ratio * design.budgets[-1]


def plan(study: Study, recipe: SmallRecipe, design: Design, report: FitReport) -> None:
    """Saves the plan for the final budget and its runs, and seals the forecast before any of them is started.

    Their peak learning rates are the recipe's, moved by what the learning-rate check showed.

    Raises RefusedError when neither approach 3 nor approach 2 can answer.
    """
    study.listener.stage("plan")
    folder = study.folder
    if folder.plan.exists() and folder.final_design.exists() and folder.forecast.exists():
        warn_of_repeated_text(study, Design.load(folder.final_design), built_corpus(study))
        check_planned(folder)
        read_plan(folder.plan)  # refused where it was changed
        return
    flops = final_budget(study, design)
    source = fitted_source(report)
    recipe = tuned_recipe(recipe, folder, source.scatter)
    chosen = plan_within_text(study, source, flops, recipe)
    assert chosen.buildable is not None, "a shape rule was given"
    flops = chosen.flops
    final = comparison_design(
        recipe,
        chosen.buildable.architecture,
        flops,
        corpus=design.specs[0].corpus,
        seed=study.settings.seed,
    )
    planned = final.specs[0]
    for notice in recipe.notices(planned.architecture, planned.tokens):
        study.listener.notice(notice)
    answer = {
        **chosen.as_json(),
        "run": {"run_id": planned.run_id, **how_to_train(planned)},
        "rate_check": to_json(recipe.rate_trend),
    }
    with storing(folder.plan):
        make_folder(folder.plan.parent)
    observations = sweep_observations(sweep_outcomes(folder, design))
    try:
        loss = report.forecast_loss(
            planned.architecture.params().by_convention(PARAMS_CONVENTION), planned.tokens, LEVEL
        )
    except RefusedError:
        write_with_digest(folder.plan, answer)  # a plan without a forecast, where the loss cannot be predicted
        raise
    forecast = replace(_forecast(loss, recipe, planned, observations), fit_digest=digest_of_json_file(folder.fit))
    forecast = with_course(forecast, planned, finished_runs(folder))
    answer["forecast"] = {**loss.as_json(), **fields_to_json(replace(forecast, course=None))}
    warn_of_repeated_text(study, final, built_corpus(study))
    seal(folder.forecast, forecast)  # first: where another is sealed, nothing else must change
    final.save(folder.final_design)
    name_forecast(folder)
    write_with_digest(folder.plan, answer)


def plan_within_text(study: Study, source: LawSource, flops: float, recipe: SmallRecipe) -> Plan:
    """The plan for `flops`, or for as many as the text suffices for, which is reported and stands in the plan."""
    text = built_corpus(study)

    def made(budget: float) -> tuple[Plan, float]:
        """The plan for a budget, and the tokens that its run reads."""
        plan = make_plan(source, budget, level=LEVEL, recipe=recipe)
        assert plan.buildable is not None, "a shape rule was given"
        return plan, plan.buildable.run.tokens

    chosen, tokens = made(flops)
    most = most_tokens(study.settings, text)
    if tokens <= most:
        return chosen
    limited = rounded_down(readable(lambda budget: made(budget)[1], most))
    notice = text_limits(text, flops, limited)
    study.listener.notice(notice)
    chosen = made(limited)[0]
    return replace(chosen, notices=(*chosen.notices, notice))


def _forecast(loss: LossForecast, recipe: SmallRecipe, spec: RunSpec, observations: Observations) -> Forecast:
    return Forecast(
        params=spec.architecture.params().by_convention(PARAMS_CONVENTION),
        tokens=spec.tokens,
        flops=spec.tokens * recipe.flops_per_token(spec.architecture),
        loss=loss.loss,
        interval=loss.interval,
        level=loss.level,
        law="parametric fit of this study's sweep",
        observations_digest=digest_of(observations),
        params_convention=PARAMS_CONVENTION,
        flops_convention=FLOPS_CONVENTION,
        loss_unit=observations.loss_unit,
        run_id=spec.run_id,
    )


def score_forecast(study: Study, final: Design) -> Score:
    """The sealed forecast against the planned run's loss. Raises RefusedError when that run did not end well."""
    study.listener.stage("score")
    planned = final.specs[0]
    result = RunFolder(study.folder.runs / planned.run_id).read_result()
    if result is None or result.val_loss_nats is None:
        why = f"{result.reason}: {result.message}" if result else "it has not been trained"
        raise RefusedError("planned_run_failed", f"the planned run {planned.run_id} has no loss to score ({why})")
    return score(study.folder.forecast, result.val_loss_nats, run_id=planned.run_id)


def fit_notices(report: FitReport) -> list[Notice]:
    """Warnings of all three approaches."""
    return list(report.notices)
