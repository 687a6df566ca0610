"""Runs that begin from one another: whether the first steps are common, whose they are, and where the trees start.

Runs of one size with a constant rate before a cooldown (WSD, Hagele et al. 2024) are equal up to the first cooldown:
one run takes those steps, the others begin from its checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from isoflop.errors import InputError
from isoflop.spec import RunSpec

DECIDING = (
    "architecture",
    "batch_tokens",
    "seq_len",
    "peak_lr",
    "warmup_tokens",
    "optimizer",
    "seed",
    "corpus",
    "precision",
    "z_loss",
    "masked_fraction",
    "trainer",
)
"""Fields of a spec that decide its first steps, besides the schedule."""


def check_branch(parent: RunSpec, run: RunSpec) -> None:
    """Raises InputError where the first steps of `run` are not those of `parent`, with all fields that differ."""
    begins = run.begins
    assert begins is not None, "a run that begins by itself has no parent"
    problems = []
    if parent.run_id != begins.run:
        problems.append(f"begins.run: expected {begins.run}, got {parent.run_id}")
    differing = [name for name in DECIDING if getattr(parent, name) != getattr(run, name)]
    if differing:
        problems.append(f"begins.run: {parent.run_id} differs in {', '.join(differing)}, which decide its first steps")
    last = min(parent.shared_steps, run.shared_steps)
    if begins.step > last:
        problems.append(
            f"begins.step: expected at most {last}, before either of the two runs lowers its rate, got {begins.step}"
        )
    if parent.begins is not None and begins.step < parent.begins.step:
        problems.append(
            f"begins.step: expected at least {parent.begins.step}, where {parent.run_id} begins itself; begin from "
            f"{parent.begins.run}, got {begins.step}"
        )
    if problems:
        raise InputError.gathered(f"run {run.run_id}", problems)


def check_tree(specs: Mapping[str, RunSpec]) -> None:
    """Raises InputError where a run of {run_id: spec} begins from one that is not there, from itself or wrongly."""
    for name, spec in specs.items():
        if spec.begins is None:
            continue
        parent = specs.get(spec.begins.run)
        if parent is None:
            raise InputError(f"run {name}: begins.run: {spec.begins.run} is none of the runs here")
        check_branch(parent, spec)
        root_of(name, specs)


def root_of(name: str, specs: Mapping[str, RunSpec]) -> str:
    """The run that took the first step of the run `name`; parents that are not in `specs` end the way.

    Raises InputError for runs that begin from each other in a circle.
    """
    seen = {name}
    while name in specs and (begins := specs[name].begins) is not None:
        name = begins.run
        if name in seen:
            raise InputError(f"run {name}: begins.run: runs that begin from each other in a circle")
        seen.add(name)
    return name


def roots(specs: Iterable[RunSpec]) -> dict[str, str]:
    """{run_id: `root_of` it}."""
    by_id = {spec.run_id: spec for spec in specs}
    return {name: root_of(name, by_id) for name in by_id}


def steps_to_keep(specs: Iterable[RunSpec], *, longer: bool = False) -> dict[str, tuple[int, ...]]:
    """{run_id: steps at which a run keeps a checkpoint, ascending}, for the runs that keep any.

    Those are the steps at which others begin; with `longer` also the last constant step of the longest run of each
    tree, from which a run of more tokens than all may begin later.
    """
    by_id = {spec.run_id: spec for spec in specs}
    steps: dict[str, set[int]] = {}
    longest: dict[str, RunSpec] = {}
    for name, spec in by_id.items():
        if spec.begins is not None:
            steps.setdefault(spec.begins.run, set()).add(spec.begins.step)
        root = root_of(name, by_id)
        if root not in longest or spec.tokens > longest[root].tokens:
            longest[root] = spec
    if longer:
        for spec in longest.values():
            if spec.shared_steps:
                steps.setdefault(spec.run_id, set()).add(spec.shared_steps)
    return {name: tuple(sorted(kept)) for name, kept in steps.items()}
