"""A trained run by the folder that the user names: a run, a study with a plan, or a planned run."""

from __future__ import annotations

from pathlib import Path

from isoflop.errors import InputError
from isoflop.study.folder import StudyFolder
from isoflop.study.plan_run import run_and_corpus
from isoflop.sweep import Design


def trained_run(directory: Path) -> tuple[Path, Path]:
    """(the run's folder, its corpus): the run in `directory`, or the planned run of the study or plan in it.

    The run may still lack its result. Raises InputError where `directory` holds no run.
    """
    if (directory / "spec.json").exists():
        above = directory.resolve().parent.parent
        if (above / "plan.toml").exists():
            return directory, run_and_corpus(above)[1]
        return directory, StudyFolder(above).corpus
    if (directory / "plan.toml").exists():
        return run_and_corpus(directory)
    folder = StudyFolder(directory)
    if not folder.final_design.exists():
        raise InputError(
            f"{directory}: neither a run folder nor a study with a plan; continue with `isoflop study {directory}`"
        )
    return folder.runs / Design.load(folder.final_design).specs[0].run_id, folder.corpus
