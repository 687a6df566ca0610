"""Training for a comparison: what is missing of its runs, within the time that it has."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from isoflop.runs import Engine, run_folders
from isoflop.spec import RunSpec
from isoflop.study.folder import StudyFolder
from isoflop.study.pairs.folder import ComparisonFolder
from isoflop.study.training_stages import Study, train_with, trainers
from isoflop.sweep import Speed, sweep_cost
from isoflop.sweep.study_design import SPEED_MARGIN


@dataclass(kw_only=True)
class PairTrainer:
    """Trains runs of a comparison. Its processes start with the first run that is missing, and end with the block."""

    study: Study
    folder: ComparisonFolder
    speed: Speed
    minutes: float | None
    """Wall time of the whole comparison, earlier starts included; None where it is not limited."""
    began: float
    """When this start of the comparison began, by `clock`."""
    clock: Callable[[], float] = time.monotonic
    texts: Mapping[str, Path] = field(default_factory=dict)
    """{digest of a corpus: its folder} of runs that do not train on the study's own text."""
    _stack: ExitStack = field(default_factory=ExitStack)
    _engines: dict[str, Engine] = field(default_factory=dict)
    """{digest of a corpus: the trainers of runs on it}"""
    _earlier: float = 0.0

    def __enter__(self) -> PairTrainer:
        self._earlier = sum(seconds for _, seconds in self._ended()) / self.study.workers
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def train(self, specs: Sequence[RunSpec], sides: Mapping[str, str] | None = None) -> None:
        """Trains or resumes those of `specs` that have no result anywhere in the study; `sides` is {run_id: recipe}."""
        missing = self.folder.runs.missing(specs)
        for digest in dict.fromkeys(spec.corpus for spec in missing):
            text = self.texts.get(digest, self.folder.study.corpus)
            inner = replace(self.study, folder=StudyFolder(self.folder.path, corpus_folder=text))
            if digest not in self._engines:
                self._engines[digest] = self._stack.enter_context(trainers(inner, self.study.workers))
            of_text = [spec for spec in missing if spec.corpus == digest]
            train_with(self._engines[digest], inner, of_text, self.seconds, sides)

    def seconds(self, spec: RunSpec) -> float:
        """Expected seconds of a run on one worker."""
        return self.speed.seconds(spec)

    @property
    def spent(self) -> float:
        """Seconds since the comparison began: of this start by the clock, of earlier ones by their runs."""
        return self._earlier + self.clock() - self.began

    def expected(self, specs: Sequence[RunSpec]) -> float:
        """Seconds that the missing of `specs` will take, at the pace of the comparison's runs so far."""
        missing = self.folder.runs.missing(specs)
        return sweep_cost(missing, self.speed, self.study.workers).seconds * self._pace

    def in_time(self, specs: Sequence[RunSpec]) -> bool:
        """Whether `specs` can be trained within the minutes; those that are trained already always can."""
        return (
            self.minutes is None or self.spent + self.expected(specs) <= 60 * self.minutes or not self.expected(specs)
        )

    @property
    def _pace(self) -> float:
        """The times as long as measured that runs took; SPEED_MARGIN before the first."""
        ratios = [seconds / self.speed.seconds(spec) for spec, seconds in self._ended()]
        return statistics.median(ratios) if ratios else SPEED_MARGIN

    def _ended(self) -> list[tuple[RunSpec, float]]:
        """(spec, seconds) of the comparison's own runs that ended."""
        ended = []
        for run in run_folders(self.folder.inner.runs):
            result = run.read_result()
            if result is not None and result.wall_seconds is not None:
                ended.append((run.read_spec(), result.wall_seconds))
        return ended
