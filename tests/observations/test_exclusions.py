import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.observations.exclusions import (
    Exclusions,
    best_of_design_points,
    combined,
    exact_repeats,
    label_design_points,
    last_of_groups,
    unfinished,
)


def cells_by_loops(N, D, loss, setting):
    """The same rule, row by row: the setting with the least mean loss, all of its rows."""
    found = {}
    for i in range(len(N)):
        found.setdefault((N[i], D[i]), {}).setdefault(setting[i], []).append(i)
    stays = set()
    for by_setting in found.values():
        stays |= set(min(by_setting.values(), key=lambda rows: (np.mean([loss[i] for i in rows]), rows[0])))
    return stays


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([1.0, 2.0]), st.sampled_from([1.0, 3.0]), st.integers(20, 30), st.integers(0, 2),
            st.sampled_from(["", "1", "2"]),
        ),
        min_size=1, max_size=25,
    )
)  # fmt: skip
def test_the_best_of_each_cell_as_a_loop_finds_it(rows):
    N, D, loss, setting, seed = (list(column) for column in zip(*rows, strict=True))
    loss = [value / 8 for value in loss]  # exact in binary: means of equal losses are equal
    cell = label_design_points(np.array(N), np.array(D), np.full(len(N), np.nan), np.ones(len(N), dtype=bool))
    found = best_of_design_points(3 * cell + 2, np.array(loss), np.array(setting), np.array(seed))
    assert set(np.flatnonzero(found.stays).tolist()) == cells_by_loops(N, D, loss, setting)
    assert found.stands_for.sum() == len(N), "every row is stood for once"
    assert np.array_equal(found.stands_for > 0, found.stays)
    of_cell = [{setting[j] for j in range(len(N)) if (N[j], D[j]) == (N[i], D[i])} for i in range(len(N))]
    assert found.settings.tolist() == [len(these) for these in of_cell]


def test_checkpoints_before_the_end_are_no_choice():
    cell = label_design_points(np.ones(4), np.ones(4), np.full(4, np.nan), np.array([False, False, True, True]))
    assert len(set(cell.tolist())) == 3
    assert cell[2] == cell[3]


def test_other_text_is_another_cell_and_text_that_suffices_is_all_fresh():
    unique = np.array([1.0, 2.0, 2.0, 8.0, 9.0, np.nan])
    cell = label_design_points(np.ones(6), np.full(6, 8.0), unique, np.ones(6, dtype=bool)).tolist()
    assert cell[1] == cell[2]
    assert cell[3] == cell[4]
    assert len(set(cell)) == 4


def test_repeats_point_at_the_first_kept_row():
    keys = [np.array([1, 1, 2, 1]), np.array([2.5, 2.5, 2.5, 2.5])]
    repeat, first = exact_repeats(keys, np.array([True] * 4))
    assert repeat.tolist() == [False, True, False, True]
    assert first.tolist() == [0, 0, 2, 0]
    repeat, first = exact_repeats(keys, np.array([False, True, True, True]))
    assert repeat.tolist() == [False, False, False, True]
    assert first[3] == 1


def test_words_of_a_status():
    words = np.array(["finished", "Crashed", "RUNNING", "", "True", "false", "archived", "nan"])
    bad, unknown = unfinished(words)
    assert bad.tolist() == [False, True, True, False, False, True, False, True]
    assert unknown == ["archived"]


@pytest.mark.parametrize(
    ("group", "progress", "last"),
    [
        ([0, 0, 1], [1, 2, 1], [False, True, True]),
        ([0, 0], [np.nan, 1], [False, True]),
        ([0, 0], [2, 2], [True, True]),
        ([], [], []),
    ],
)
def test_last_of_groups(group, progress, last):
    assert last_of_groups(np.array(group, dtype=int), np.array(progress, dtype=float)).tolist() == last


def test_labels_are_combined_without_gaps():
    assert combined([np.array([0, 0, 1, 1]), np.array([5, 5, 5, 9])]).tolist() == [0, 0, 1, 2]


def test_the_first_reason_is_the_one_that_is_told():
    exclusions = Exclusions(row=np.arange(1, 4), run=np.array(["a", "", "c"]), keep=np.ones(3, dtype=bool))
    exclusions.drop(np.array([True, False, False]), "first", "bad_value")
    exclusions.drop(np.array([True, True, False]), {0: "second", 1: "other"}, "unfinished")
    assert [(item.row, item.reason, item.run_id, item.code) for item in exclusions.dropped] == [
        (1, "first", "a", "bad_value"), (2, "other", "", "unfinished"),
    ]  # fmt: skip
    assert exclusions.keep.tolist() == [False, False, True]
