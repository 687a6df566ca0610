"""A study folder is held by one driver at a time, and nothing that isoflop writes in it leads out of it by a link."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from isoflop.errors import InputError
from isoflop.files import storing
from isoflop.regular_files import link_refused, refuse_links, refuse_links_out
from isoflop.runs.lock import LockedError, held

STUDY_PARTS = (
    *("lock", "study.toml", "plan.toml", "machine.json", "sweep.json", "report.html", "running.json"),
    *("corpus", "sweep", "runs", "fits", "plans", "forecasts", "logs", "tracked", "compare"),
    *("study.db", "study.db-wal", "study.db-shm", "study.db-journal"),
)
"""What isoflop writes in the folder of a study or of a planned run; anything else there belongs to its user."""


def check_study_links(study: Path, *, whole: bool = True) -> None:
    """Raises InputError for a link in what isoflop writes in the folder `study`; that folder itself may be one.

    Without `whole` the files inside run folders are left out: reading a study of many runs must be quick.
    """
    for part in (study / name for name in STUDY_PARTS):
        if part.is_symlink():
            raise link_refused(part)
        if part.name == "tracked":  # W&B has links of its own there, which stay inside it
            if whole:
                refuse_links_out(part, study)
        else:
            refuse_links(part, deep=whole)


def check_place(study: Path) -> None:
    """Raises InputError where a study cannot be begun: in a file, below one, or among other things."""
    for above in (study, *study.absolute().parents):
        if above.exists():
            if not above.is_dir():
                raise InputError(f"{above}: expected a folder for the study, and this is a file; give another path")
            break
    if not study.is_dir():
        return
    with storing(study):
        names = [entry.name for entry in study.iterdir()]
    if others := sorted(name for name in names if not name.startswith(".") and name not in STUDY_PARTS):
        listed = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise InputError(f"{study}: not a study, and not empty ({listed}); give a new folder, such as {study}/study")


@contextmanager
def study_lock(study: Path) -> Generator[None]:
    """Holds the study folder for one driver.

    Raises InputError when another driver works on it, and for a link in what isoflop writes there.
    """
    with storing(study):
        study.mkdir(parents=True, exist_ok=True)
    check_study_links(study)
    try:
        with held(study / "lock", f"study {study}"):
            yield
    except LockedError as error:
        raise InputError(str(error)) from error
