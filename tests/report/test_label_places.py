from __future__ import annotations

from itertools import combinations
from typing import Any

from isoflop.report.label_places import Label, Plane, placed

PLANE = Plane(x=(1.0, 1e4), y=(0.0, 10.0), width=600, height=400)


def box(annotation: dict[str, Any]) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) in pixels of an annotation as plotly sets it, by 0.58 of the type a character."""
    x, y = PLANE.pixels((10.0 ** annotation["x"], annotation["y"]))
    lines = annotation["text"].split("<br>")
    width = 0.58 * annotation["font"]["size"] * max(map(len, lines))
    height = 1.35 * annotation["font"]["size"] * len(lines)
    x += annotation["xshift"] - {"left": 0, "center": width / 2, "right": width}[annotation["xanchor"]]
    y -= annotation["yshift"] + {"bottom": height, "middle": height / 2, "top": 0}[annotation["yanchor"]]
    return x, y, x + width, y + height


def test_labels_of_near_points_stand_apart_and_inside() -> None:
    labels = [Label(text="one hundred", at=(100.0, 5.0 + 0.1 * i)) for i in range(5)]
    boxes = [box(one) for one in placed(labels, PLANE, avoiding=[label.at for label in labels])]
    assert len(boxes) == 5
    for one, other in combinations(boxes, 2):
        assert min(one[2], other[2]) <= max(one[0], other[0]) or min(one[3], other[3]) <= max(one[1], other[1])
    assert all(left >= 0 and top >= 0 and right <= 600 and bottom <= 400 for left, top, right, bottom in boxes)


def test_the_first_side_is_taken_where_it_is_free() -> None:
    (right,) = placed([Label(text="a", at=(100.0, 5.0))], PLANE)
    assert (right["xanchor"], right["xshift"]) == ("left", 8.0)
    (left,) = placed([Label(text="a label", at=(9e3, 5.0), sides=("right", "left"))], PLANE)
    assert left["xanchor"] == "right", "at the right edge there is no room on the right"


def test_a_label_covers_no_mark() -> None:
    mark = (120.0, 5.0)
    (one,) = placed([Label(text="a long label", at=(100.0, 5.0))], PLANE, avoiding=[mark])
    x, y = PLANE.pixels(mark)
    left, top, right, bottom = box(one)
    assert not (left < x < right and top < y < bottom)


def test_a_label_without_room_is_left_out() -> None:
    assert placed([Label(text="far too long for this plane " * 5, at=(100.0, 5.0))], PLANE) == []
