"""What was seen of a study's planned run while it trained, for its report and its status."""

from __future__ import annotations

from isoflop.report.record import WatchRecord
from isoflop.study.folder import StudyFolder
from isoflop.study.sweep_table import curves_of
from isoflop.sweep import Design
from isoflop.watch.logbook import logbook_path, read_logbook


def watch_record(folder: StudyFolder, *, curves: bool) -> WatchRecord | None:
    """The looks at the planned run; without `curves` its loss along the way is left out. None before the first look.

    Raises InputError where the file of the looks was changed.
    """
    logbook = read_logbook(logbook_path(folder.forecast))
    if logbook is None or not logbook.looks or not folder.final_design.exists():
        return None
    spec = Design.load(folder.final_design).specs[0]
    if logbook.run_id != spec.run_id:
        return None
    tokens, loss = (), ()
    for at, _, seen in curves_of(folder, [spec.run_id] if curves else ()).values():
        tokens, loss = tuple(at.tolist()), tuple(seen.tolist())
    return WatchRecord(logbook=logbook, total_tokens=spec.tokens, tokens=tokens, loss=loss)
