"""A plan as the file that trains it: plan.toml, with the forecast to seal where it was made from a study's runs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from isoflop.digest import digest_of_json_file
from isoflop.plan import Forecast, LawSource, Plan, predict
from isoflop.plan.plan_toml import PlannedRun, TextSource
from isoflop.runs.outcomes import digest_of
from isoflop.study import analysis_stages, training_stages
from isoflop.study.sealed_course import finished_runs, with_course
from isoflop.study.sweep_table import sweep_outcomes
from isoflop.study.training_stages import Study
from isoflop.sweep import Design


def planned_run(plan: Plan, source: LawSource, study: Study | None, file: Path) -> PlannedRun:
    """The run of `plan` for plan.toml at `file`: on the study's text and with its forecast where it was made from one.

    Raises InputError where the plan has no shape.
    """
    if study is None:
        vocab = plan.buildable.architecture.vocab_size if plan.buildable is not None else 0
        return PlannedRun.of(plan, TextSource(tokenizer="bytes" if vocab == _BYTES else f"bpe:{vocab}"))
    text = TextSource(study=os.path.relpath(study.folder.path.resolve(), file.resolve().parent))
    return PlannedRun.of(plan, text, _forecast(plan, source, study), training_stages.built_corpus(study).digest)


_BYTES = 257
"""Vocabulary of the tokenizer `bytes`: bytes, and the end of a text."""


def _forecast(plan: Plan, source: LawSource, study: Study) -> Forecast | None:
    corpus = training_stages.built_corpus(study)
    built = plan.buildable
    if built is None or not source.law.has_loss or built.architecture.vocab_size != corpus.vocab_size:
        return None
    counted = built.architecture.params().by_convention(source.law.provenance.params_convention)
    prediction = predict(source, counted, built.run.tokens, level=plan.level)
    sweep = Design.load(study.folder.sweep)
    observations = analysis_stages.sweep_observations(sweep_outcomes(study.folder, sweep))
    exact = built.run.tokens * built.flops_per_token
    forecast = Forecast.of(prediction, observations_digest=digest_of(observations))
    forecast = replace(forecast, flops=exact, fit_digest=digest_of_json_file(study.folder.fit))
    return with_course(forecast, built.run, finished_runs(study.folder))
