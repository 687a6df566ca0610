"""One side of a comparison: a recipe, its learning rate, and where its trained runs lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isoflop.corpus import Corpus
from isoflop.recipe import SmallRecipe
from isoflop.runs import RunFolder, RunResult
from isoflop.spec import RunSpec
from isoflop.study.pairs.design import CHECK_SEED, Pair, PairDesign


@dataclass(frozen=True, kw_only=True)
class TrainedSide:
    """A recipe that is compared."""

    name: str
    """As its user calls it: the name of its file, or of the study."""
    recipe: SmallRecipe
    text: Corpus
    """What it trains on: the study's text, or a mixture of its own of the same domains."""
    shift: int = 0
    """Added to the seeds of the design."""

    def check_spec(self, design: PairDesign, factor: float) -> RunSpec:
        """The run of the learning-rate check at `factor` times the recipe's rate."""
        seed = design.seed + CHECK_SEED + self.shift
        return design.cells[0].spec(self.recipe, corpus=self.text.digest, seed=seed, lr_factor=factor)

    def pair_spec(self, design: PairDesign, pair: Pair, factor: float) -> RunSpec:
        """The run of this side in `pair`, at `factor` times the recipe's rate."""
        cell = design.cells[pair.cell]
        return cell.spec(self.recipe, corpus=self.text.digest, seed=pair.seed + self.shift, lr_factor=factor)


@dataclass(frozen=True, kw_only=True)
class RunFolders:
    """The run folders that a comparison reads: its own first, then those of the study and of its other comparisons."""

    own: Path
    others: tuple[Path, ...] = ()

    def folder(self, spec: RunSpec) -> RunFolder:
        """Where the run of `spec` is finished, whoever trained it; else its place in the comparison's own folder."""
        for parent in (self.own, *self.others):
            run = RunFolder(parent / spec.run_id)
            if run.result.exists():
                return run
        return RunFolder(self.own / spec.run_id)

    def result(self, spec: RunSpec) -> RunResult | None:
        """What became of the run of `spec`; None while it has not ended. Raises InputError for a corrupt result."""
        return self.folder(spec).read_result(spec)

    def missing(self, specs: Sequence[RunSpec]) -> list[RunSpec]:
        """Those of `specs` that have no result anywhere, each once."""
        distinct = {spec.run_id: spec for spec in specs}
        return [spec for spec in distinct.values() if not self.folder(spec).result.exists()]
