"""Colours that can be read: those of figures on a dark page, and of text on a light one. Each keeps its hue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from isoflop.report.style import GRID, INK, MUTED

PAPER, DARK_PAPER = "#ffffff", "#14181c"
"""Backgrounds of the page, as in styles/page.css."""

_FIXED = {
    INK: "#e8ecef", MUTED: "#a7b2bb", GRID: "#2b333a", "#b8c0c7": "#56626c", "white": DARK_PAPER, PAPER: DARK_PAPER,
}  # fmt: skip
"""Greys, which swap their ends."""
_READABLE = 4.5
_KEPT = 6.0
"""Contrast with the dark page from which a colour stays as it is: readable, and where the ends of the ramp meet."""
_COLOUR = re.compile(r"#[0-9a-f]{6}|rgba\(\d+,\d+,\d+,[\d.]+\)|white")

# Between linear sRGB and Oklab: Ottosson 2020, "A perceptual color space for image processing".
_TO_CONES = ((0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566),
             (0.0883024619, 0.2817188376, 0.6299787005))  # fmt: skip
_TO_LAB = ((0.2104542553, 0.7936177850, -0.0040720468), (1.9779984951, -2.4285922050, 0.4505937099),
           (0.0259040371, 0.7827717662, -0.8086757660))  # fmt: skip
_FROM_LAB = ((1.0, 0.3963377774, 0.2158037573), (1.0, -0.1055613458, -0.0638541728),
             (1.0, -0.0894841775, -1.2914855480))  # fmt: skip
_FROM_CONES = ((4.0767416621, -3.3077115913, 0.2309699292), (-1.2684380046, 2.6097574011, -0.3413193965),
               (-0.0041960863, -0.7034186147, 1.7076147010))  # fmt: skip
_Triple = tuple[float, float, float]


def dark(colour: str) -> str:
    """`#rrggbb`, `rgba(r,g,b,a)` or `white` as it is drawn on a dark page; what is readable there stays.

    >>> dark("#e69f00"), dark("white")
    ('#e69f00', '#14181c')
    """
    if colour.startswith("rgba"):
        *channels, alpha = colour[5:-1].split(",")
        solid = dark("#" + "".join(f"{int(channel):02x}" for channel in channels))
        red, green, blue = (int(solid[i : i + 2], 16) for i in (1, 3, 5))
        return f"rgba({red},{green},{blue},{float(alpha) * 1.4:.3g})"
    if colour in _FIXED:
        return _FIXED[colour]
    if contrast(colour, DARK_PAPER) >= _KEPT:
        return colour
    # The darker it was, the lighter, so that a ramp keeps its order.
    lightness = 1.0 - 0.55 * _lab(colour)[0]
    drawn = _of_lightness(colour, lightness)
    while contrast(drawn, DARK_PAPER) < _READABLE:  # by rounding, and where a channel is at its end
        lightness += 0.005
        drawn = _of_lightness(colour, lightness)
    return drawn


def readable(colour: str) -> str:
    """`#rrggbb` as text on the light page takes it: its hue, dark enough for a contrast of 4.5 (WCAG 2.2, 1.4.3).

    >>> readable("#1f2933")
    '#1f2933'
    """
    lightness = _lab(colour)[0]
    while contrast(colour, PAPER) < _READABLE:
        lightness -= 0.01
        colour = _of_lightness(colour, lightness)
    return colour


def dark_colours(figures: Iterable[object]) -> dict[str, str]:
    """{colour: on a dark page} of every colour in traces and layouts as plotly.js takes them."""
    return {colour: dark(colour) for figure in figures for colour in _colours(figure, "")}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours `#rrggbb`, from 1 to 21 (WCAG 2.2).

    >>> round(contrast("#ffffff", "#000000"), 9)
    21.0
    """
    low, high = sorted(_luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _colours(part: object, key: str) -> Iterator[str]:
    """Strings that are colours, below keys that speak of colours: a run's name is none."""
    if isinstance(part, Mapping):
        for name, inside in part.items():
            yield from _colours(inside, name)
    elif isinstance(part, (list, tuple)):
        for inside in part:
            yield from _colours(inside, key)
    elif isinstance(part, str) and "color" in key and _COLOUR.fullmatch(part):
        yield part


def _lab(colour: str) -> _Triple:
    return _dot(_TO_LAB, _cube_roots(_dot(_TO_CONES, _linear(colour))))


def _of_lightness(colour: str, lightness: float) -> str:
    """Its hue with another lightness, less colourful where a screen cannot show it otherwise."""
    _, a, b = _lab(colour)
    for share in range(50, -1, -1):
        cones = _dot(_FROM_LAB, (lightness, a * share / 50, b * share / 50))
        channels = _dot(_FROM_CONES, (cones[0] ** 3, cones[1] ** 3, cones[2] ** 3))
        if min(channels) >= 0 and max(channels) <= 1:
            break
    return "#" + "".join(f"{round(255 * _gamma(channel)):02x}" for channel in channels)


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(colour: str) -> _Triple:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return _degamma(red), _degamma(green), _degamma(blue)


def _degamma(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _gamma(channel: float) -> float:
    channel = min(max(channel, 0.0), 1.0)
    return 12.92 * channel if channel <= 0.0031308 else float(1.055 * channel ** (1 / 2.4) - 0.055)


def _dot(matrix: tuple[_Triple, _Triple, _Triple], vector: _Triple) -> _Triple:
    one, two, three = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return one, two, three


def _cube_roots(values: _Triple) -> _Triple:
    one, two, three = (value ** (1 / 3) for value in values)
    return one, two, three
