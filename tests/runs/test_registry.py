import importlib.util
import subprocess
import sys

import pytest

from isoflop.errors import InputError
from isoflop.runs import registry
from isoflop.runs.engines.processes import Processes
from isoflop.runs.engines.settings import EngineSettings
from isoflop.runs.registry import ENGINES, TRACKERS, check_reach, extra, require_extra, settings_of, starter_of

ENTRIES = {**ENGINES, **TRACKERS}
NEED_LIBRARIES = [name for name, entry in ENTRIES.items() if entry.library]


@pytest.mark.parametrize("name", NEED_LIBRARIES)
def test_a_missing_library_is_one_command_away(name, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    entry = ENTRIES[name]
    command = rf"{entry.library}: not installed; the {entry.kind} {name} needs it: pip install 'isoflop\[{name}\]'"
    for ask in (require_extra, extra):
        with pytest.raises(InputError, match=command) as caught:
            ask(name)
        assert caught.value.exit_code == 2


def test_the_local_engine_needs_nothing():
    assert ENGINES["local"].library is None
    require_extra("local")


@pytest.mark.parametrize("name", NEED_LIBRARIES)
def test_an_installed_library_is_found(name):
    if importlib.util.find_spec(str(ENTRIES[name].library)) is None:
        pytest.skip(f"needs the extra {name}")
    assert extra(name).__name__ == ENTRIES[name].library


@pytest.mark.parametrize("name", ENGINES)
def test_an_entry_names_the_settings_of_its_engine(name):
    assert issubclass(ENGINES[name].settings, EngineSettings)
    assert settings_of(name, {}) == ENGINES[name].settings()
    assert starter_of(name, {}) in ENGINES


@pytest.mark.parametrize("name", TRACKERS)
def test_an_entry_names_its_tracker(name):
    assert TRACKERS[name].load().name == name


def test_only_an_engine_of_several_machines_takes_a_run_over_several():
    both = Processes(count=16, per_machine=8)
    check_reach("slurm", {}, both)
    for name in set(ENGINES) - {"slurm"}:
        with pytest.raises(InputError, match="the layout takes 2 machines of 8 cpu processes"):
            check_reach(name, {}, both)


def test_the_tables_import_no_engine_and_no_pydantic():
    code = "import sys, isoflop.runs.registry; print([m for m in sys.modules if '.engines' in m or 'pydantic' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
