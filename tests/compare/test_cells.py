from collections.abc import Sequence

import pytest

from isoflop.compare import FinalRun, Side
from isoflop.compare.cells import groups, match
from isoflop.compare.gaps import gaps_of


def side(places: Sequence[tuple[float, float]], labels: Sequence[str | None] = (), loss: float = 3.0) -> Side:
    labelled = [*labels, *[None] * (len(places) - len(labels))]
    runs = [
        FinalRun(name=str(k), losses={"val": loss + 0.001 * k}, params=N, tokens=D, label=label)
        for k, ((N, D), label) in enumerate(zip(places, labelled, strict=True))
    ]
    return Side(name="x", runs=tuple(runs))


def found(a: Side, b: Side) -> list[tuple[int, int]]:
    return [(len(cell.a.runs), len(cell.b.runs)) for cell in match(groups(a), groups(b))]


def test_runs_of_one_size_and_length_are_one_group() -> None:
    assert [len(group.runs) for group in groups(side([(1e8, 2e9), (1e8, 2e9), (1e8, 4e9), (2e8, 2e9)]))] == [2, 1, 1]


def test_sizes_within_a_few_per_cent_and_equal_lengths_are_a_cell() -> None:
    a = side([(1e8, 2e9), (1e8, 2e9), (2e8, 4e9)])
    assert found(a, side([(1.03e8, 2.005e9), (4e8, 4e9)])) == [(2, 1)]
    assert found(a, side([(1.2e8, 2e9)])) == []


def test_the_nearest_size_is_taken() -> None:
    b = side([(1.04e8, 2e9), (1.005e8, 2e9)])
    cell = match(groups(side([(1e8, 2e9)])), groups(b))[0]
    assert cell.b.runs[0].params == 1.005e8


def test_unequal_lengths_are_matched_only_where_no_equal_ones_are() -> None:
    a = side([(1e8, 2e9), (1e8, 3e9)])
    assert found(a, side([(1e8, 2e9), (1e8, 2.5e9)])) == [(1, 1)]
    cells = match(groups(side([(1e8, 2e9)])), groups(side([(1e8, 3e9)])))
    assert [cell.equal_length for cell in cells] == [False]
    assert found(side([(1e8, 2e9)]), side([(1e8, 5e9)])) == []


def test_cells_do_not_depend_on_which_side_is_called_a() -> None:
    a, b = side([(1e8, 2e9), (2e8, 4e9), (2e8, 4.01e9)]), side([(1.01e8, 2e9), (2e8, 4e9)])
    assert found(a, b) == [(second, first) for first, second in found(b, a)]


def test_pairs_need_a_label_on_both_sides() -> None:
    place = [(1e8, 2e9)] * 4
    labels = ["seed 0", "seed 1", "seed 2", "seed 3"]
    both = gaps_of(match(groups(side(place, labels)), groups(side(place, labels, 2.9))), "val")
    assert both is not None
    assert both.paired
    assert both.degrees == 3
    one = gaps_of(match(groups(side(place, labels)), groups(side(place, (), 2.9))), "val")
    assert one is not None
    assert not one.paired
    assert one.degrees == 6


def test_a_shared_seed_cancels_in_pairs() -> None:
    """Losses that move together: the differences have no noise at all."""
    labels = [f"seed {k}" for k in range(4)]
    both = gaps_of(match(groups(side([(1e8, 2e9)] * 4, labels)), groups(side([(1e8, 2e9)] * 4, labels))), "val")
    assert both is not None
    assert both.noise_pair.variance == pytest.approx(0, abs=1e-20)
    assert both.noise_a.variance > 1e-8


def test_two_pairs_alone_are_compared_as_two_and_two_runs() -> None:
    place, labels = [(1e8, 2e9)] * 3, ["seed 0", "seed 1", "seed 2"]
    for count, paired in ((2, False), (3, True)):
        sides = (side(place[:count], labels[:count], loss) for loss in (3.0, 2.9))
        found = gaps_of(match(*(groups(each) for each in sides)), "val")
        assert found is not None
        assert found.paired is paired
