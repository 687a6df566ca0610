"""Which run starts next: the one with the most left to do after it, once the steps that it begins from are taken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from isoflop.begins import Begins
from isoflop.runs.folder import RunFolder
from isoflop.runs.kept import is_kept


@dataclass(frozen=True, kw_only=True)
class RunOrder:
    """The order of runs some of which begin from others. The default has no such runs."""

    begins: Mapping[RunFolder, Begins] = field(default_factory=dict)
    """Of the runs that begin from another."""
    path_flops: Mapping[RunFolder, float] = field(default_factory=dict)
    """FLOPs of a run and of the longest chain of runs that wait for one another after it."""

    @classmethod
    def of(cls, folders: Iterable[RunFolder]) -> RunOrder:
        """The order of `folders`, by their specs."""
        specs = {folder: folder.read_spec() for folder in folders}
        begins = {folder: spec.begins for folder, spec in specs.items() if spec.begins is not None}
        own = {folder: spec.spent_flops for folder, spec in specs.items()}
        path = dict(own)
        by_id = {folder.run_id: folder for folder in specs}
        # the last of each chain first: its FLOPs are complete when they are added to those of the run before it
        for folder in sorted(begins, key=lambda run: _depth(run, begins, by_id), reverse=True):
            parent = by_id.get(begins[folder].run)
            if parent is not None:
                path[parent] = max(path[parent], own[parent] + path[folder])
        return cls(begins=begins, path_flops=path)

    def longest_first(self, folders: Iterable[RunFolder]) -> list[RunFolder]:
        """`folders` in the order in which they are started as far as they can be."""
        return sorted(folders, key=lambda folder: self.path_flops[folder], reverse=True)

    def ready(self, waiting: Iterable[RunFolder], unfinished: Collection[str]) -> Iterator[RunFolder]:
        """Those of `waiting` that need not wait for a checkpoint of one of the runs `unfinished`, by their ids.

        A checkpoint that nobody is going to write is not waited for: that run takes all its steps itself.
        """
        for folder in waiting:
            begins = self.begins.get(folder)
            if begins is None or begins.run not in unfinished or is_kept(_parent(folder, begins), begins.step):
                yield folder


def _parent(folder: RunFolder, begins: Begins) -> RunFolder:
    return RunFolder(folder.path.parent / begins.run)


def _depth(folder: RunFolder, begins: Mapping[RunFolder, Begins], by_id: Mapping[str, RunFolder]) -> int:
    """Runs that come before `folder`; of a circle, which only an edited spec makes, its length."""
    seen: set[RunFolder] = set()
    at: RunFolder | None = folder
    while at is not None and at not in seen:
        seen.add(at)
        at = by_id.get(begins[at].run) if at in begins else None
    return len(seen)
