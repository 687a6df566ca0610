import importlib.util

import pytest

from isoflop.errors import InputError
from isoflop.runs import extras
from isoflop.runs.extras import LIBRARIES, TRACKERS, extra, require_extra

ALL = {
    **{name: ("engine", library) for name, library in LIBRARIES.items()},
    **{name: ("tracker", name) for name in TRACKERS},
}


@pytest.mark.parametrize("name", ALL)
def test_a_missing_library_is_one_command_away(name, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    kind, library = ALL[name]
    command = rf"{library}: not installed; the {kind} {name} needs it: pip install 'isoflop\[{name}\]'"
    for ask in (require_extra, extra):
        with pytest.raises(InputError, match=command) as caught:
            ask(name)
        assert caught.value.exit_code == 2


def test_the_local_engine_needs_nothing():
    require_extra("local")


@pytest.mark.parametrize("engine", LIBRARIES)
def test_an_installed_library_is_found(engine):
    if importlib.util.find_spec(LIBRARIES[engine]) is None:
        pytest.skip(f"needs the extra {engine}")
    require_extra(engine)
