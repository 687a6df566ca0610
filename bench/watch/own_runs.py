"""A run started right, one at three times its learning rate and one on half-corrupted text: when each is told apart.

    python bench/watch/own_runs.py STUDY OUT [--right 10] [--wrong 3] [--budgets 2] [--so-far] > bench/watch/own_runs.md

STUDY is a finished study with `--design isoflop`, which is read and not changed. The planned run is that of `--target`
FLOPs, forecast from the STUDY's `--budgets` cheapest budgets alone. Every run is watched as `isoflop study` watches its
own. Runs that are wrong are stopped at 36 % of their tokens; runs that are right are trained to that share first, then
to the end.
Everything is kept in OUT: the same command goes on where it stopped, and --so-far prints what there is and trains
nothing. One process, one thread.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from isoflop.corpus import Corpus, load_corpus
from isoflop.corpus.info import corpus_digest, read_info
from isoflop.corpus.token_files import TokenDigest
from isoflop.files import read_json, write_bytes_atomically, write_json_atomically
from isoflop.fit import fit_all
from isoflop.plan import Forecast, SealedForecast, fitted_source, make_plan, seal
from isoflop.runs.folder import RunFolder
from isoflop.runs.outcomes import digest_of, observations_of
from isoflop.spec import RunSpec
from isoflop.study.folder import StudyFolder
from isoflop.study.sealed_course import finished_runs, with_course
from isoflop.study.settings import read_settings
from isoflop.study.sweep_table import cost_of, curves_of, sweep_outcomes
from isoflop.study.training_stages import Study
from isoflop.study.watching import Watcher
from isoflop.sweep import Design, comparison_design
from isoflop.units import format_flops, format_quantity
from isoflop.watch.logbook import SHARES, Look
from isoflop.watch.verdict_words import is_off_course, verdict_words

UNTIL = 0.36
"""Share of its tokens at which a wrong run is stopped: every look up to 30 % is behind it."""
NAMED_BY = 0.3
LEVEL = 0.9
RIGHT, FAST, CORRUPT = "right", "3x learning rate", "half of the text corrupted"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the bench."""

    kind: str
    seed: int
    spec: RunSpec
    corpus: Path


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is the same for all runs."""

    out: Path
    planned: RunSpec
    sealed: SealedForecast
    like: list[Path]
    """Finished runs of the cheaper budgets."""
    words: str


def setting_of(source: StudyFolder, out: Path, budgets: int, target: float) -> Setting:
    """Plans the run of `target` FLOPs from the cheapest budgets of a study, and seals its forecast in `out`."""
    whole = Design.load(source.sweep)
    kept = whole.budgets[:budgets]
    design = replace(whole, runs=tuple(run for run in whole.runs if (run.spec.budget_flops or 0) <= kept[-1]))
    corpus = load_corpus(source.corpus)
    recipe = Study(folder=source, settings=read_settings(source)).recipe(corpus.vocab_size)
    observations = observations_of(sweep_outcomes(source, design))
    curves = curves_of(source, observations.run_id)
    report = fit_all(observations, curves, cost=cost_of(recipe, design), draws=500, seed=0)
    plan = make_plan(fitted_source(report), target, level=LEVEL, recipe=recipe)
    assert plan.buildable is not None
    planned = comparison_design(recipe, plan.buildable.architecture, target, corpus=corpus.digest, seed=0).specs[0]
    params = planned.architecture.params().non_embedding
    loss = report.forecast_loss(params, planned.tokens, LEVEL)
    forecast = Forecast(
        params=params,
        tokens=planned.tokens,
        flops=planned.flops,
        loss=loss.loss,
        interval=loss.interval,
        level=loss.level,
        law="parametric fit of the cheaper budgets",
        observations_digest=digest_of(observations),
        params_convention="non_embedding",
        flops_convention="matmul",
        loss_unit="nats_per_token",
    )
    names = set(design.by_id)
    like = [path for path in finished_runs(source) if path.name in names]
    sealed = seal(out / "forecast.json", with_course(forecast, planned, like))
    interval = "" if loss.interval is None else f" ({loss.interval[0]:.4f} to {loss.interval[1]:.4f})"
    words = (
        f"Planned from {len(observations)} runs at {format_flops(kept[0])} to {format_flops(kept[-1])} FLOPs: "
        f"{format_quantity(params)} parameters (non-embedding), {format_quantity(planned.tokens)} tokens, "
        f"{format_flops(planned.flops)} FLOPs; forecast {loss.loss:.4f}{interval} nats per token, 90 % interval."
    )
    return Setting(out=out, planned=planned, sealed=sealed, like=like, words=words)


def corrupted_text(source: Path, out: Path) -> Path:
    """The corpus of `source` with the tokens of half of its training documents shuffled within each document."""
    if (out / "corpus.json").exists():
        return out
    out.mkdir(parents=True, exist_ok=True)
    info, stated = read_info(source), read_json(source / "corpus.json")
    assert isinstance(stated, dict)
    tokens = np.fromfile(source / info.train.file, dtype=info.dtype)
    ends = np.flatnonzero(tokens == info.tokenizer.eot_id)
    starts = np.concatenate([[0], ends[:-1] + 1])
    dice = np.random.default_rng(0)
    for at in np.flatnonzero(dice.random(len(ends)) < 0.5):
        dice.shuffle(tokens[starts[at] : ends[at]])
    digest = TokenDigest()
    digest.update(tokens.tobytes())
    write_bytes_atomically(out / info.train.file, tokens.tobytes())
    for row in info.validation.values():
        shutil.copy(source / row.file, out / row.file)
    stated["train"] |= {"sha256": digest.sha256, "blocks": list(digest.blocks)}  # type: ignore[operator]
    validation = {name: row.sha256 for name, row in info.validation.items()}
    stated["digest"] = corpus_digest(digest.sha256, validation, info.tokenizer.sha256, info.tokenizer.vocab_size)
    write_json_atomically(out / "corpus.json", stated)
    return out


def runs_of(setting: Setting, source: Path, right: int, wrong: int) -> Iterator[Run]:
    """Every run, one of each kind in turn."""
    damaged = corrupted_text(source, setting.out / "corrupted")
    planned = setting.planned
    on_damaged = replace(planned, corpus=load_corpus(damaged).digest)
    kinds = (
        [(RIGHT, replace(planned, seed=seed), source) for seed in range(1, right + 1)],
        [(FAST, replace(planned, seed=seed, peak_lr=3 * planned.peak_lr), source) for seed in range(1, wrong + 1)],
        [(CORRUPT, replace(on_damaged, seed=seed), damaged) for seed in range(1, wrong + 1)],
    )
    for row in zip_longest(*kinds):
        for item in row:
            if item is not None:
                yield Run(kind=item[0], seed=item[1].seed, spec=item[1], corpus=item[2])


def train(setting: Setting, run: Run, corpus: Corpus, until: float) -> None:
    """Trains or resumes a run up to the share `until` of its tokens."""
    from isoflop.train.loop import Stopped
    from isoflop.train.loop import run as train_run

    folder = RunFolder.create(setting.out / "runs", run.spec)
    calls = 0

    def should_stop() -> bool:
        """Whether the log has got as far as it should; asked at each step, answered from the log now and then."""
        nonlocal calls
        calls += 1
        return until < 1 and calls % 20 == 0 and share_of(folder, run.spec) >= until

    if share_of(folder, run.spec) < until or (until >= 1 and not folder.result.exists()):
        with suppress(Stopped):
            train_run(folder, corpus, should_stop)


def share_of(folder: RunFolder, spec: RunSpec) -> float:
    """Share of its tokens that a run has logged."""
    lines = folder.read_metrics().lines
    return float(lines[-1]["tokens"]) / spec.tokens if lines else 0.0


def looks_at(setting: Setting, run: Run, *, rates: bool = True) -> tuple[Look, ...]:
    """Every look at a run so far, made anew; without `rates` by the loss alone."""
    path = setting.out / "looks" / f"{run.spec.run_id}{'' if rates else '-loss'}.json"
    path.unlink(missing_ok=True)
    sealed, course = setting.sealed, setting.sealed.forecast.course
    if course is not None and not rates:
        blind = replace(course, peak_rate=None)
        sealed = replace(sealed, forecast=replace(sealed.forecast, course=blind))
    watcher = Watcher(
        path=path,
        run=RunFolder(setting.out / "runs" / run.spec.run_id),
        spec=run.spec,
        sealed=sealed,
        like=setting.like,
        shares=SHARES,
    )
    if (setting.out / "runs" / run.spec.run_id / "metrics.jsonl").exists():
        watcher.look()
    return watcher.logbook.looks


def first_off(looks: tuple[Look, ...]) -> Look | None:
    """The first look off course."""
    return next((look for look in looks if is_off_course(look.verdict)), None)


def named(off: Look | None) -> str:
    """When a run was named, and how."""
    return f"{verdict_words(off.verdict)} at {off.share:.0%}" if off else "never"


def loss_before(folder: RunFolder, spec: RunSpec, share: float) -> float:
    """The training loss over the last tenth of the way to a share, which is what the band is of."""
    lines = [(line["tokens"] / spec.tokens, line["train_loss_nats"]) for line in folder.read_metrics().lines]
    kept = [loss for at, loss in lines if 0.9 * share < at <= share and loss is not None]
    return float(np.exp(np.mean(np.log(kept))))


def row_of(setting: Setting, run: Run) -> tuple[str, Look | None, float]:
    """(the row of the table, the first look off course, share of the last look)."""
    looks = looks_at(setting, run)
    if not looks:
        return f"| {run.kind} | {run.seed} | - | not begun | - | - | - | - |", None, 0.0
    off = first_off(looks)
    alone = first_off(looks_at(setting, run, rates=False)) if run.kind == FAST else off
    at = [look for look in looks if look.as_of <= NAMED_BY]
    cells = [f"{looks[-1].share:.0%}", named(off), named(alone)]
    folder = RunFolder(setting.out / "runs" / run.spec.run_id)
    for look in at[-1:]:
        above = None if look.expected is None else loss_before(folder, run.spec, look.share) / look.expected[1] - 1
        cells.append("-" if above is None else f"{100 * above:+.1f} %")
        cells.append("-" if look.predicted_final is None else f"{look.predicted_final:.4f}")
        inside = look.inside_forecast_probability
        cells.append("-" if inside is None else f"{inside:.0%}")
    return f"| {run.kind} | {run.seed} | {' | '.join(cells)} |", off, looks[-1].share


def print_table(setting: Setting, runs: list[Run], seconds: float) -> None:
    """Prints what there is, as markdown."""
    print("# A right run and two wrong ones, watched\n")
    print("Made by `python bench/watch/own_runs.py STUDY OUT`; see the top of that file for how.\n")
    print(f"{setting.words}\n")
    course = setting.sealed.forecast.course
    if course is not None:
        low, middle, high = course.at(0.3)
        print(f"The sealed band at 30 % of the tokens: {middle:.4f} ({low:.4f} to {high:.4f}), training loss.\n")
    heads = ("run", "seed", "watched to", "off course", "by its loss alone", "above expected, 30 %")
    print(f"| {' | '.join(heads)} | predicted final, 30 % | odds inside |")
    print("|---|---|---|---|---|---|---|---|")
    count: dict[str, list[bool]] = {RIGHT: [], FAST: [], CORRUPT: []}
    whole = 0
    for run in runs:
        row, off, last = row_of(setting, run)
        print(row)
        if last >= NAMED_BY:
            count[run.kind].append(off is not None and (run.kind == RIGHT or off.as_of <= NAMED_BY))
        whole += run.kind == RIGHT and last > 0.99
    print()
    for kind, told in count.items():
        when = f"of which {whole} to the end" if kind == RIGHT else f"by {NAMED_BY:.0%} of its tokens"
        print(f"- {kind}: off course in {sum(told)} of {len(told)} runs, {when}")
    if seconds:
        print(f"\n{seconds / 60:.0f} minutes of processor time in this call, one thread.")


def main() -> None:
    """Trains what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--right", type=int, default=10)
    parser.add_argument("--wrong", type=int, default=3)
    parser.add_argument("--budgets", type=int, default=2)
    parser.add_argument("--target", type=float, default=6e11)
    parser.add_argument("--so-far", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    source = StudyFolder(given.study)
    setting = setting_of(source, given.out, given.budgets, given.target)
    runs = list(runs_of(setting, source.corpus, given.right, given.wrong))
    began = time.process_time()
    if not given.so_far:
        import torch

        torch.set_num_threads(1)
        corpora: dict[Path, Corpus] = {path: load_corpus(path) for path in {run.corpus for run in runs}}
        for until in (UNTIL, 1.0):
            for run in runs:
                if until == UNTIL or run.kind == RIGHT:
                    train(setting, run, corpora[run.corpus], until)
                    print(f"{run.kind}, seed {run.seed}: to {until:.0%}", file=sys.stderr, flush=True)
    print_table(setting, runs, 0.0 if given.so_far else time.process_time() - began)


if __name__ == "__main__":
    main()
