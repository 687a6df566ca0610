"""Nothing that isoflop writes in a study leads out of it by a link."""

from __future__ import annotations

from pathlib import Path

from isoflop.regular_files import link_refused, refuse_links, refuse_links_out

STUDY_PARTS = (
    *("lock", "study.toml", "plan.toml", "machine.json", "sweep.json", "report.html"),
    *("corpus", "runs", "fits", "plans", "forecasts", "logs", "tracked"),
    *("study.db", "study.db-wal", "study.db-shm", "study.db-journal"),
)
"""What isoflop writes in the folder of a study or of a planned run; other things there are a person's."""


def check_study_links(study: Path, *, whole: bool = True) -> None:
    """Raises InputError for a link in what isoflop writes in the folder `study`; that folder itself may be one.

    Without `whole` the files inside of run folders are left out: looking at a study of many runs must be quick.
    """
    for part in (study / name for name in STUDY_PARTS):
        if part.is_symlink():
            raise link_refused(part)
        if part.name == "tracked":  # W&B has links of its own there, which stay inside
            if whole:
                refuse_links_out(part, study)
        else:
            refuse_links(part, deep=whole)
