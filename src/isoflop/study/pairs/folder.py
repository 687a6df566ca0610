"""Where the files of a comparison lie: `compare/NAME/` in the folder of its study."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from isoflop.errors import InputError
from isoflop.study.folder import StudyFolder
from isoflop.study.pairs.side import RunFolders

REPEATS = "repeats"
"""Name of the folder whose runs are repeats of one run, for the noise floor; no comparison may have it."""
NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, kw_only=True)
class ComparisonFolder:
    """The folder of one comparison of a study."""

    study: StudyFolder
    name: str

    def __post_init__(self) -> None:
        if not NAMES.fullmatch(self.name):
            raise InputError(
                f"comparison {self.name!r}: expected a name of letters, digits, dots, dashes and underscores; rename "
                "the recipe's file, or give --name"
            )

    @property
    def path(self) -> Path:
        """compare/NAME/"""
        return self.study.path / "compare" / self.name

    @property
    def recipe(self) -> Path:
        """recipe.toml: the new recipe, as it was when the comparison began"""
        return self.path / "recipe.toml"

    @property
    def baseline(self) -> Path:
        """baseline.toml: the recipe that it is held against; absent where that is the study's own"""
        return self.path / "baseline.toml"

    @property
    def design(self) -> Path:
        """pairs.json: what is trained, fixed when the comparison begins"""
        return self.path / "pairs.json"

    @property
    def decisions(self) -> Path:
        """decisions.json: the rates that were chosen, what each look at the pairs found, and why it stopped"""
        return self.path / "decisions.json"

    @property
    def inner(self) -> StudyFolder:
        """The comparison as a folder of runs that are trained on the study's corpus."""
        return StudyFolder(self.path, corpus_folder=self.study.corpus)

    @property
    def runs(self) -> RunFolders:
        """Its own runs, then those of the study and of the study's other comparisons."""
        others = sorted(self.study.path.glob("compare/*/runs"))
        own = self.inner.runs
        return RunFolders(own=own, others=(self.study.runs, *(path for path in others if path != own)))
