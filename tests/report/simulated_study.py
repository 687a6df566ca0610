"""A study that never ran: 5 budgets x 7 sizes drawn from a law with seeded noise, and really fitted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from isoflop.codec import from_json
from isoflop.corpus.info import CorpusInfo, DomainRow, DroppedText, TokenizerRow, TrainRow, ValidationRow
from isoflop.errors import Notice
from isoflop.fit import FitReport, fit_all
from isoflop.laws import ChinchillaLaw, ComputeCost
from isoflop.observations import Observations
from isoflop.plan import ExpectedCourse, Forecast, SealedForecast, SealOrder, fitted_source, make_plan
from isoflop.plan.score import Score
from isoflop.recipe import SmallRecipe
from isoflop.report.plan_record import PlanRecord
from isoflop.report.record import (
    BacktestRecord,
    ComparedModel,
    Conventions,
    ForecastRecord,
    HeldOutRun,
    LearningRateCheck,
    Machine,
    MeasuredSpeed,
    PlannedVsLarger,
    RunCurve,
    RunRecord,
    StudyRecord,
    WatchRecord,
)
from isoflop.sweep import Purpose
from isoflop.watch.logbook import Logbook, Look, MethodLook

# Constants that put the vertices of bytes-level runs near 15k, 33k and 77k parameters at 3e11, 1e12 and 3e12 FLOPs.
LAW = ChinchillaLaw(E=1.1, A=12.85, B=23.5, alpha=0.34, beta=0.28)
BUDGETS = (1e11, 3e11, 1e12, 3e12, 1e13)
WIDTHS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160)
FINAL = 4e13
VOCAB, SEQ_LEN = 257, 256
DOMAINS = {"dictionary": 1.04, "encyclopedia": 0.93}
SEALED = 1748778000.0
"""2025-06-01 11:40 UTC."""


def counts(width: int) -> dict[str, int]:
    """Parameters of a model of `width` by convention."""
    layers = 3 if width >= 96 else 2
    non_embedding = 12 * layers * width * width + 5 * layers * width
    return {
        "non_embedding": non_embedding,
        "total": non_embedding + 2 * VOCAB * width,
        "matmul": non_embedding + VOCAB * width,
    }


def flops_per_token(width: int) -> float:
    return 6.0 * counts(width)["matmul"] + 12.0 * (3 if width >= 96 else 2) * width * SEQ_LEN


def run(width: int, budget: float, rng: np.random.Generator, purpose: Purpose, noise: float = 0.0015) -> RunRecord:
    """A finished run at a budget, its loss off the law by `noise`."""
    params = counts(width)
    tokens = round(budget / flops_per_token(width) / 512) * 512
    loss = float(LAW.loss(params["non_embedding"], tokens) * np.exp(rng.normal(0, noise)))
    domains = {
        name: {"loss_nats": loss * by, "loss_se": 0.008, "bits_per_byte": loss * by / np.log(2), "tokens": 65536}
        for name, by in DOMAINS.items()
    }
    return RunRecord(
        run_id=f"{width:03d}-{budget:.0e}-{rng.integers(16**8):08x}",
        purposes=(purpose,),
        group=f"{budget:.0e}",
        status="done",
        params=params["non_embedding"],
        params_by_convention=params,
        d_model=width,
        n_layers=3 if width >= 96 else 2,
        budget_flops=budget,
        tokens_requested=tokens,
        tokens_seen=tokens,
        flops=tokens * flops_per_token(width),
        peak_lr=5e-3 * (64 / width) ** 0.5,
        batch_tokens=512,
        seed=0,
        loss=loss,
        loss_se=0.006,
        bits_per_byte=loss / float(np.log(2)),
        domains=domains,
        wall_seconds=budget / 1.5e10,
        attempts=1,
        made_by="isoflop 0.2.0, torch 2.13.0, cpu, 1 thread",
        epochs=tokens / 2.4e7,
    )


def curve(one: RunRecord) -> RunCurve:
    """Above the final law while the learning rate is high; meets it at the end, as a cosine run does."""
    assert one.tokens_seen
    assert one.flops
    assert one.loss
    tokens = np.geomspace(one.tokens_seen / 60, one.tokens_seen, 40)
    offset = one.loss - LAW.loss(one.params, one.tokens_seen)
    losses = LAW.loss(one.params, tokens) + 0.12 * (1 - tokens / one.tokens_seen) + offset
    return RunCurve(flops=tuple((tokens * one.flops / one.tokens_seen).tolist()), loss=tuple(losses.tolist()))


def sweep(rng: np.random.Generator) -> list[RunRecord]:
    """The isoFLOP runs, then one that failed and one that waits."""
    runs = [run(width, C, rng, "isoflop") for i, C in enumerate(BUDGETS) for width in WIDTHS[i : i + 7]]
    unknown: dict[str, Any] = {"loss": None, "loss_se": None, "bits_per_byte": None, "domains": {}, "flops": None}
    failed = replace(run(160, 1e12, rng, "isoflop"), status="failed", reason="diverged", **unknown)
    waiting = run(128, 3e12, rng, "isoflop")
    return [
        *runs,
        failed,
        replace(waiting, status="waiting", tokens_seen=None, attempts=0, wall_seconds=None, **unknown),
    ]


def fit_of(runs: list[RunRecord], curves: dict[str, RunCurve]) -> FitReport:
    """The fit of the runs that are done, by all three approaches."""
    done = [one for one in runs if one.status == "done"]
    table = Observations.from_arrays(
        loss=[one.loss or 0.0 for one in done],
        N=[one.params for one in done],
        D=[one.tokens_seen or 0 for one in done],
        C=[one.flops or 0.0 for one in done],
        budget=[one.budget_flops or 0.0 for one in done],
        run_id=[one.run_id for one in done],
        params_convention="non_embedding",
        flops_convention="matmul",
        loss_unit="nats_per_token",
        schedule="matched",
    )
    cost = ComputeCost.from_pairs(sorted({(one.params, flops_per_token(one.d_model)) for one in done}))
    drawn = {name: (one.flops, one.flops, one.loss) for name, one in curves.items()}
    return fit_all(table, drawn, cost=cost, draws=100)


def backtest_of(runs: list[RunRecord]) -> BacktestRecord:
    """The top budget, predicted 0.4 % too high."""
    rows = []
    for one in runs:
        if one.budget_flops == BUDGETS[-1] and one.loss and one.tokens_seen:
            predicted = 1.004 * float(LAW.loss(one.params, one.tokens_seen))
            rows.append(
                HeldOutRun(
                    params=one.params,
                    tokens=one.tokens_seen,
                    predicted=predicted,
                    actual=one.loss,
                    interval=(predicted * 0.985, predicted * 1.015),
                )
            )
    best = min(rows, key=lambda row: row.actual)
    return BacktestRecord(
        held_out_budget_flops=BUDGETS[-1],
        loss_predicted=best.predicted,
        loss_actual=best.actual,
        interval=best.interval,
        rows=tuple(rows),
    )


def forecast_of(planned: RunRecord, loss: float, actual: float | None = None, **seal: Any) -> ForecastRecord:
    """The planned run's loss, sealed before the run with an interval of 1.5 %, and scored where `actual` is known."""
    interval = (0.985 * loss, 1.015 * loss)
    forecast = Forecast(
        params=planned.params,
        tokens=planned.tokens_requested,
        flops=FINAL,
        loss=loss,
        interval=interval,
        level=0.9,
        law="fit",
        observations_digest="cd" * 32,
        params_convention="non_embedding",
        flops_convention="matmul",
        loss_unit="nats_per_token",
        run_id=planned.run_id,
        course=course_of(loss),
    )
    score = None
    if actual is not None:
        score = Score(
            actual=actual,
            predicted=loss,
            error=loss / actual - 1,
            inside=interval[0] <= actual <= interval[1],
            forecast_digest="ab" * 32,
            run_id=planned.run_id,
            scored=SEALED + 600,
        )
    order = SealOrder(**{"order": "before", "evidence": "the first start of the run names it", **seal})
    sealed = SealedForecast(forecast=forecast, sealed=SEALED, isoflop_version="0.2.0", digest="ab" * 32)
    return ForecastRecord(sealed=sealed, score=score, order=order)


def course_of(loss: float) -> ExpectedCourse:
    """A band that is 2 % wide on both sides and ends at the forecast loss."""
    shares = tuple(round(0.05 * k, 2) for k in range(2, 21))
    middle = [loss * (1 + 0.25 * (1 - share)) for share in shares]
    return ExpectedCourse(
        shares=shares,
        loss=tuple(middle),
        low=tuple(0.98 * x for x in middle),
        high=tuple(1.02 * x for x in middle),
        level=0.9,
        course_sd=(0.01,) * len(shares),
        degrees=20.0,
        measured="training",
        made_from=("064-1e+13-00000000",),
    )


def watch_of(planned: RunRecord, loss: float) -> WatchRecord:
    """Looks at a run that rises above its band between 40 and 50 % of its tokens, seen by two methods."""
    rng = np.random.default_rng(7)
    course, total = course_of(loss), planned.tokens_requested
    shares = np.linspace(0.004, 1, 250)
    off = 1 + 0.04 * ((shares > 0.4) & (shares <= 0.5)) + rng.normal(0, 0.01, len(shares))
    losses = loss * (1 + 0.25 * (1 - shares) + 3 * np.exp(-shares / 0.02)) * off
    looks = []
    for at in (0.04, *(round(0.1 + 0.02 * k, 2) for k in range(46))):
        early, high = at < 0.1, 0.42 <= at <= 0.5
        half = 0.012 * (1.2 - at)
        methods = {
            name: MethodLook(predicted_final=loss * by, interval=(loss * (by - half), loss * (by + half)))
            for name, by in (("ratio", 1.004 - 0.004 * at), ("annealing", 0.998 + 0.002 * at))
        }
        looks.append(
            Look(
                as_of=at,
                share=at,
                tokens=at * total,
                loss=float(np.interp(at, shares, losses)),
                verdict="too_early" if early else "above" if high else "on_course",
                reason="+4.0%, +3.9 standard deviations, from its course" if high else "within its band",
                predicted_final=None if early else loss,
                interval=None if early else (loss * (1 - half), loss * (1 + half)),
                level=0.9,
                methods={} if early else methods,
                expected=None if early else course.at(at),
                inside_forecast_probability=None if early else 0.8,
                looked=SEALED + 600 * at,
            )
        )
    book = Logbook(run_id=planned.run_id, forecast_digest="ab" * 32, looks=tuple(looks))
    return WatchRecord(
        logbook=book, total_tokens=total, tokens=tuple((shares * total).tolist()), loss=tuple(losses.tolist())
    )


def validation(name: str, tokens: int, seen: float) -> ValidationRow:
    """The validation text of one domain, `seen` of it in training too."""
    return ValidationRow(
        file=f"val-{name}.bin", tokens=tokens, bytes=tokens, documents=9, sha256="", blocks=(), seen_in_training=seen
    )


def simulated_study() -> StudyRecord:
    """All parts of a finished study."""
    rng = np.random.default_rng(0)
    runs = sweep(rng)
    curves = {one.run_id: curve(one) for one in runs if one.status == "done"}
    fit = fit_of(runs, curves)
    plan = make_plan(fitted_source(fit), FINAL, recipe=SmallRecipe(vocab_size=VOCAB, seq_len=SEQ_LEN))
    planned, larger = run(96, FINAL, rng, "planned"), run(192, FINAL, rng, "larger")
    assert planned.loss
    compared = [
        ComparedModel(
            run=one,
            tokens_per_second=speed,
            memory_bytes=4 * one.params_by_convention["total"] + 2_000_000,
            served_sequences=32,
        )
        for one, speed in ((planned, 5200.0), (larger, 2100.0))
    ]
    rates = (0.00125, 0.0025, 0.005, 0.01, 0.02)
    return StudyRecord(
        title="study",
        created=SEALED + 1200,
        conventions=Conventions.of("non_embedding", "matmul", "nats_per_token"),
        machine=Machine(
            cores=2,
            matmul_flops_per_core=6.1e10,
            trainer=(
                MeasuredSpeed(params=6032, flops_per_second=9.1e9, step_seconds=0.0041),
                MeasuredSpeed(params=75_600, flops_per_second=2.4e10, step_seconds=0.0236),
            ),
        ),
        corpus=CORPUS,
        recipe={"family": "llama", "context": f"{SEQ_LEN} tokens"},
        runs=(*runs, planned, larger),
        curves=curves | {one.run_id: curve(one) for one in (planned, larger)},
        fit=fit,
        backtest=backtest_of(runs),
        learning_rate_checks=tuple(
            LearningRateCheck(
                params=counts(width)["non_embedding"],
                budget_flops=1e12,
                rates=rates,
                losses=tuple(base + 0.05 * float(np.log(rate / (0.005 * (48 / width) ** 0.5))) ** 2 for rate in rates),
                chosen=5e-3 * (48 / width) ** 0.5,
                interior=True,
            )
            for width, base in ((20, 2.31), (48, 2.02), (112, 1.79))
        ),
        plan=from_json(PlanRecord, plan.as_json(), "plan"),
        forecast=forecast_of(planned, float(LAW.loss(planned.params, planned.tokens_requested)), planned.loss),
        watch=watch_of(planned, planned.loss),
        comparison=PlannedVsLarger(planned=compared[0], larger=compared[1]),
        notices=(Notice(code="small_models", message="Embedding and head hold 18 to 60 % of the parameters."),),
    )


CORPUS = CorpusInfo(
    kind="english",
    digest="9f2c" * 16,
    dtype="<u2",
    gram_words=13,
    tokenizer=TokenizerRow(name="bytes", vocab_size=257, eot_id=256, sha256="00" * 32),
    domains={
        "dictionary": DomainRow(files=1, train_bytes=20_100_000, train_documents=101_234),
        "encyclopedia": DomainRow(files=1, train_bytes=4_200_000, train_documents=9_876),
    },
    dropped=DroppedText(duplicate_documents=312, duplicate_lines=20_911),
    train=TrainRow(file="train.bin", tokens=24_400_000, bytes=24_300_000, documents=111_110, sha256="", blocks=()),
    validation={
        "dictionary": validation("dictionary", 250_000, 0.021),
        "encyclopedia": validation("encyclopedia", 120_000, 0.004),
    },
    notices=(),
)
