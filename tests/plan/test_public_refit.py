"""The bundled fits of public points are read value by value, to the same values as by the codec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isoflop.codec import from_json
from isoflop.errors import InputError
from isoflop.files import read_json
from isoflop.plan import law_source
from isoflop.plan.public_refit import PublicRefit, read_public_refit

FILES = sorted((Path(law_source.__file__).parent / "refits").glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_both_ways_read_the_same(path: Path) -> None:
    assert read_public_refit(path) == from_json(PublicRefit, read_json(path), path.name)


@pytest.mark.parametrize("damage", ["missing", "text", "short", "truth"])
def test_a_damaged_file_is_named(damage: str, tmp_path: Path) -> None:
    value = json.loads(FILES[0].read_text(encoding="utf-8"))
    if damage == "missing":
        del value["forecast"]["noise"]["sd"]
    elif damage == "text":
        value["scatter"] = "0.1"
    elif damage == "short":
        value["forecast"]["centre"] = [1.0]
    else:
        value["forecast"]["seed"] = True
    (tmp_path / "broken.json").write_text(json.dumps(value))
    with pytest.raises(InputError, match=r"broken\.json"):
        read_public_refit(tmp_path / "broken.json")
