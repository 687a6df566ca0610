"""Every forecast in files and folders: of studies, of planned runs, in files of their own, and written down by hand.

Links are not followed, and what cannot be read is named and left out. Runs and texts are not looked through.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from isoflop.errors import InputError, Notice
from isoflop.ledger.backtests import backtest_entries
from isoflop.ledger.entry import Entry
from isoflop.ledger.handmade import written_entry
from isoflop.ledger.safe_files import is_folder, is_there
from isoflop.ledger.sealed import sealed_entry
from isoflop.ledger.written import FORECAST_SUFFIX, OUTCOME_SUFFIX
from isoflop.regular_files import read_regular

_MOST_NAMES = 200_000
"""Names that are looked at below one folder: a disk is not searched for forecasts."""
_MOST_DEEP = 12
_SNIFFED = 2**20
"""Bytes of a file that may be a sealed forecast without its name saying so."""
_OF_A_STUDY = frozenset({"study.toml", "plan.toml", "sweep.json"})
"""Files that tell the folder of a study, or of a planned run."""
_WITHOUT_FORECASTS = frozenset({"runs", "corpus", "logs", "tracked", "plans", "sizes"})
"""Folders of a study that are not looked through."""
_OUTCOMES = (".score.json", OUTCOME_SUFFIX)


@dataclass
class _Found:
    """What was collected so far."""

    entries: list[Entry] = field(default_factory=list)
    backtests: list[Entry] = field(default_factory=list)
    unread: dict[str, None] = field(default_factory=dict)
    seen: set[tuple[int, int]] = field(default_factory=set)
    names: int = 0


@dataclass(frozen=True, kw_only=True)
class Collected:
    """The entries of all places, and what could not be read."""

    entries: tuple[Entry, ...]
    """In the order of their sealing; of copies of one forecast all but one have a `why_not`."""
    backtests: tuple[Entry, ...]
    notices: tuple[Notice, ...]


def collect(places: Sequence[Path]) -> Collected:
    """Every forecast in the files and folders `places`.

    Raises InputError for a place that is not there, and for a file that holds no forecast.
    """
    found = _Found()
    for place in places:
        if place.is_dir():  # a place that a person names may be a link
            _look_into(place, place, found, 0)
        elif not place.exists() and not place.is_symlink():
            raise InputError(f"{place}: no such file or folder; expected studies, or files of forecasts")
        elif (entry := _of_file(place, place.stem, sniff=False)) is not None:
            found.entries.append(entry)
        else:
            raise InputError(f"{place}: what came of a forecast; name the file of the forecast itself, or their folder")
    entries = sorted(found.entries, key=lambda one: (one.sealed or 0.0, one.name, one.path))
    return Collected(
        entries=tuple(_told_apart(_without_copies(entries))),
        backtests=tuple(_without_copies(found.backtests)),
        notices=tuple(Notice(code="forecast_unreadable", message=message) for message in found.unread),
    )


def _look_into(folder: Path, root: Path, found: _Found, depth: int) -> None:
    try:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in found.seen:
            return
        found.seen.add((status.st_dev, status.st_ino))
        names = sorted(os.listdir(folder))
    except OSError as error:
        found.unread[f"{folder}: cannot be read ({error.strerror})"] = None
        return
    if "spec.json" in names:  # a run's own folder
        return
    study = not _OF_A_STUDY.isdisjoint(names)
    if "fits" in names:
        _backtests_of(folder, root, found)
    for name in names:
        found.names += 1
        if found.names > _MOST_NAMES:
            found.unread[f"{root}: holds more than {_MOST_NAMES:,} names; the rest was not looked at"] = None
            return
        path = folder / name
        try:
            if is_folder(path):
                hidden = name.startswith(".") or (study and name in _WITHOUT_FORECASTS)
                if not hidden and depth < _MOST_DEEP:
                    _look_into(path, root, found, depth + 1)
            elif name.endswith(".json") and not name.startswith("."):
                entry = _of_file(path, _name_of(path, root), sniff=folder.name != "forecasts")
                if entry is not None:
                    found.entries.append(entry)
        except InputError as error:
            found.unread[str(error)] = None


def _of_file(path: Path, name: str, *, sniff: bool) -> Entry | None:
    """The entry in a file; None for one that is not of a forecast, where `sniff` asks whether it is one."""
    if path.name.endswith(FORECAST_SUFFIX):
        return written_entry(path)
    if path.name.endswith(_OUTCOMES) or (sniff and not _may_be_sealed(path)):
        return None
    return sealed_entry(path, name)


def _may_be_sealed(path: Path) -> bool:
    """Whether a file has the two keys of a sealed forecast. What is no file of a sane size is none."""
    if not is_there_quietly(path) or path.lstat().st_size > _SNIFFED:
        return False
    try:
        content = read_regular(path)
    except OSError:
        return False
    return b'"sealed"' in content and b'"forecast"' in content


def is_there_quietly(path: Path) -> bool:
    """Whether a regular file is there: links and devices among other people's files are passed over."""
    try:
        return is_there(path)
    except InputError:
        return False


def _backtests_of(study: Path, root: Path, found: _Found) -> None:
    try:
        found.backtests += backtest_entries(study, _label(study, root), str(study.resolve()))
    except InputError as error:
        found.unread[str(error)] = None


def _name_of(path: Path, root: Path) -> str:
    """What a forecast is called: its study, and the file where it is another than final.json."""
    if path.parent.name != "forecasts":
        place = path.relative_to(root).with_suffix("")
        return str(place)
    study = _label(path.parent.parent, root) if path.parent != root else root.resolve().parent.name
    return study if path.stem == "final" else f"{study}, {path.stem}"


def _label(study: Path, root: Path) -> str:
    """The study's folder as seen from the place that was named."""
    return root.resolve().name or "study" if study == root else str(study.relative_to(root))


def _without_copies(entries: Sequence[Entry]) -> Iterator[Entry]:
    """The entries, of which those with the digest of one that counts, or of an earlier one, do not count."""
    first: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda one: not one.counted):
        if entry.digest:
            first.setdefault(entry.digest, entry)
    for entry in entries:
        original = first.get(entry.digest, entry)
        if original is not entry:
            yield replace(entry, why_not=f"a copy of {original.name}, which is listed already")
        else:
            yield entry


def _told_apart(entries: Iterator[Entry]) -> Iterator[Entry]:
    """The entries, of which those of one name are numbered."""
    times: dict[str, int] = {}
    for entry in entries:
        times[entry.name] = times.get(entry.name, 0) + 1
        number = times[entry.name]
        yield entry if number == 1 else replace(entry, name=f"{entry.name} ({number})")
