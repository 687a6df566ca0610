"""All sections: named, sourced, and with a reason for every difference."""

import pytest

from isoflop.errors import InputError
from isoflop.paper import FIGURE_4, SECTIONS, all_sections, section


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_its_name_its_source_and_something_to_say(name):
    found = section(name)
    assert found.name == name
    assert found.title
    assert found.source
    assert found.lead.endswith(".")
    assert found.compared or found.grids or found.missing
    assert bool(found.missing) == (name == FIGURE_4)
    whats = [one.what for one in found.compared]
    assert len(set(whats)) == len(whats)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_difference_has_its_reason_and_nothing_else_has_one(name):
    for one in section(name).compared:
        assert bool(one.why) != one.same_digits, one.what


def test_all_of_them_in_order():
    assert tuple(one.name for one in all_sections()) == SECTIONS


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="table-a9, sizes"):
        section("table-9")


def test_a_missing_file_of_points_is_told_first(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        all_sections(tmp_path / "points.csv")
