"""The whole loop in one folder: corpus, sweep, runs, fits, plan, sealed forecast, final runs, scores, report."""

from typing import TYPE_CHECKING

from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.study.folder import StudyFolder
    from isoflop.study.listener import Listener
    from isoflop.study.pipeline import is_finished, open_study, run_study
    from isoflop.study.record import study_record
    from isoflop.study.settings import StudySettings, begin_or_resume, read_settings
    from isoflop.study.status import status_of
    from isoflop.study.training_stages import Study

__getattr__ = names_of(
    __name__,
    {
        "folder": "StudyFolder",
        "listener": "Listener",
        "pipeline": "is_finished open_study run_study",
        "record": "study_record",
        "settings": "StudySettings begin_or_resume read_settings",
        "status": "status_of",
        "training_stages": "Study",
    },
)

__all__ = [
    "Listener",
    "Study",
    "StudyFolder",
    "StudySettings",
    "begin_or_resume",
    "is_finished",
    "open_study",
    "read_settings",
    "run_study",
    "status_of",
    "study_record",
]
