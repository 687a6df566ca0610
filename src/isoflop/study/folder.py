"""Where each file of a study lies in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StudyFolder:
    """The folder of a study. Delete anything on the right and the next verb rebuilds it from the left:
    study.toml -> corpus/ -> machine.json, sweep.json, sweep/ -> runs/, study.db -> fits/ -> plans/, forecasts/ ->
    report.html
    """

    path: Path
    corpus_folder: Path | None = None
    """A corpus that lies elsewhere: of a planned run on a study's text; None: corpus/ in this folder."""

    @property
    def settings(self) -> Path:
        """study.toml"""
        return self.path / "study.toml"

    @property
    def corpus(self) -> Path:
        """corpus/"""
        return self.corpus_folder or self.path / "corpus"

    @property
    def machine(self) -> Path:
        """machine.json: measured speeds"""
        return self.path / "machine.json"

    @property
    def sweep(self) -> Path:
        """sweep.json: the design"""
        return self.path / "sweep.json"

    @property
    def decisions(self) -> Path:
        """sweep/decisions.json: what an adaptive sweep decided, batch by batch"""
        return self.path / "sweep" / "decisions.json"

    @property
    def runs(self) -> Path:
        """runs/"""
        return self.path / "runs"

    @property
    def running(self) -> Path:
        """running.json: how far the study is, while it runs"""
        return self.path / "running.json"

    @property
    def tracked(self) -> Path:
        """tracked/: what trackers keep here, and what was sent; made from the run folders"""
        return self.path / "tracked"

    @property
    def run_index(self) -> Path:
        """study.db"""
        return self.path / "study.db"

    @property
    def fit(self) -> Path:
        """fits/sweep.json, draws next to it as .npz"""
        return self.path / "fits" / "sweep.json"

    @property
    def observations(self) -> Path:
        """fits/observations.csv: the table that was fitted, for `isoflop fit` or any other tool"""
        return self.path / "fits" / "observations.csv"

    @property
    def backtest(self) -> Path:
        """fits/backtest.json"""
        return self.path / "fits" / "backtest.json"

    @property
    def plan(self) -> Path:
        """plans/final.json"""
        return self.path / "plans" / "final.json"

    @property
    def final_design(self) -> Path:
        """plans/contest.json: the final runs, the planned and the larger one, as a design"""
        return self.path / "plans" / "contest.json"

    @property
    def serving(self) -> Path:
        """plans/serving.json: what serving the final models was measured to cost"""
        return self.path / "plans" / "serving.json"

    @property
    def forecast(self) -> Path:
        """forecasts/final.json, sealed"""
        return self.path / "forecasts" / "final.json"

    @property
    def report(self) -> Path:
        """report.html"""
        return self.path / "report.html"
