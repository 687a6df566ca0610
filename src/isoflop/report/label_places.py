"""Where labels stand next to their points, so that no two of them touch at the width they are set for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from isoflop.report.dark_colours import readable
from isoflop.report.drawing import PlotlyObject
from isoflop.report.style import INK

LEAST_WIDE, LEAST_NARROW = 600.0, 285.0
"""Width in pixels of the plane of a figure on a window of 768 pixels, and on one of 390: wider ones part the labels."""

Side = Literal["right", "left", "above", "below", "above left", "below left"]
"""Where a label stands from its point: left or right of it, over its middle, or with its right end there."""

_CHARACTER, _LINE = 0.58, 1.35
"""Width of a character and height of a line over the size of the type: the mean of the sans-serif faces of the page."""
_GAP = 8.0  # pixels between a point and its label
_AIR = 3.0  # pixels between two labels
_MARK = 4.0  # pixels from the middle of a mark to its edge
_STEP, _MOST_STEPS = 10.0, 4  # pixels: further from its point a label would seem to be another's


@dataclass(frozen=True, kw_only=True)
class Label:
    """A text to be set next to a point of the plane."""

    text: str
    """Lines are parted by <br>."""
    at: tuple[float, float]
    """(x, y) of the point; x on a log axis, y on a linear one."""
    sides: tuple[Side, ...] = ("right", "above", "below", "left")
    """Where it may stand, the best first."""
    colour: str = INK
    bold: bool = False


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The plane of a figure: what its axes span, and its least size in pixels."""

    x: tuple[float, float]
    """Of a log axis."""
    y: tuple[float, float]
    width: float
    height: float
    type_size: float = 12

    def pixels(self, at: tuple[float, float]) -> tuple[float, float]:
        """(right of the left edge, below the upper edge) of a point, in pixels."""
        right = math.log(at[0] / self.x[0]) / math.log(self.x[1] / self.x[0])
        down = (self.y[1] - at[1]) / (self.y[1] - self.y[0])
        return right * self.width, down * self.height


_Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels."""


def placed(
    labels: Iterable[Label], plane: Plane, *, avoiding: Iterable[tuple[float, float]] = ()
) -> list[PlotlyObject]:
    """The labels as plotly's annotations, in order of importance; one for which no place is free is left out.

    No label covers another one, one of the points of `avoiding`, or the edge of the plane.
    """
    taken: list[_Box] = [(x - _MARK, y - _MARK, x + _MARK, y + _MARK) for x, y in map(plane.pixels, avoiding)]
    set_ones = []
    for label in labels:
        for side, lift in _tries(label):
            box = _box(label, plane, side, lift)
            if _inside(box, plane) and not any(_touching(box, other) for other in taken):
                taken.append(box)
                set_ones.append(_annotation(label, plane, side, lift))
                break
    return set_ones


def _tries(label: Label) -> list[tuple[Side, float]]:
    """(side, pixels down) in the order in which they are tried: each side in place, then moved away step by step."""
    tries: list[tuple[Side, float]] = [(side, 0.0) for side in label.sides]
    for step in range(1, _MOST_STEPS + 1):
        for side in label.sides:
            way = (-step,) if side.startswith("above") else (step,) if side.startswith("below") else (-step, step)
            tries += [(side, _STEP * places) for places in way]
    return tries


def _box(label: Label, plane: Plane, side: Side, lift: float) -> _Box:
    lines = label.text.split("<br>")
    width = max(map(len, lines)) * plane.type_size * _CHARACTER
    height = len(lines) * plane.type_size * _LINE
    x, y = plane.pixels(label.at)
    left = {"right": x + _GAP, "left": x - _GAP - width}.get(side, x - (width if side.endswith("left") else width / 2))
    top = y - height / 2
    if side.startswith("above"):
        top = y - _GAP - height
    elif side.startswith("below"):
        top = y + _GAP
    return left, top + lift, left + width, top + lift + height


def _inside(box: _Box, plane: Plane) -> bool:
    left, top, right, bottom = box
    return left >= 0 and top >= 0 and right <= plane.width and bottom <= plane.height


def _touching(one: _Box, other: _Box) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across > -_AIR and down > -_AIR


def _annotation(label: Label, plane: Plane, side: Side, lift: float) -> PlotlyObject:
    x, y = label.at
    text = f"<b>{label.text}</b>" if label.bold else label.text
    across = {"right": _GAP, "left": -_GAP}.get(side, 0.0)
    up = _GAP if side.startswith("above") else -_GAP if side.startswith("below") else 0.0
    ends = "left" if side == "right" else "right" if side.endswith("left") else "center"
    stands = "bottom" if side.startswith("above") else "top" if side.startswith("below") else "middle"
    return {
        "x": math.log10(x), "y": y, "text": text, "showarrow": False, "align": "right" if ends == "right" else "left",
        "xanchor": ends, "yanchor": stands, "xshift": across, "yshift": up - lift, "borderpad": 0,
        "font": {"size": plane.type_size, "color": readable(label.colour)},
    }  # fmt: skip
