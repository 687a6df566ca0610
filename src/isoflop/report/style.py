"""One palette, one type scale: what every figure and the page share."""

from __future__ import annotations

import math

from isoflop.fit import Approach

INK = "#1f2933"

MUTED = "#5b6770"

GRID = "#e6e9ec"


# Okabe and Ito 2008, "Color universal design": distinguishable with every common colour blindness.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"

APPROACH_COLOURS: dict[str, str] = {"envelope": BLUE, "isoflop": VERMILLION, "parametric": GREEN}

APPROACH_NAMES: dict[Approach, str] = {
    "envelope": "approach 1, envelope of the curves",
    "isoflop": "approach 2, isoFLOP vertices",
    "parametric": "approach 3, parametric fit",
}

APPROACH_SHORT: dict[Approach, str] = {"envelope": "1 envelope", "isoflop": "2 isoFLOP", "parametric": "3 parametric"}

PLANNED_COLOUR, LARGER_COLOUR, FORECAST_COLOUR = INK, GREEN, BLUE

# From violet to orange, ever lighter, as the middle of plasma (van der Walt and Smith 2015): each colour has a contrast
# of 3 or more on white and on the dark page, and who does not see red or green sees blue turn into yellow.
_RAMP = ((0x6A, 0x4B, 0xE0), (0xA9, 0x45, 0xBF), (0xD9, 0x48, 0x7E), (0xE8, 0x74, 0x3A))

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"


def ramp(position: float) -> str:
    """The colour at `position` from 0 (darkest) to 1 (lightest) of the sequential palette, as #rrggbb.

    >>> ramp(0.0), ramp(1.0)
    ('#6a4be0', '#e8743a')
    """
    place = min(max(position, 0.0), 1.0) * (len(_RAMP) - 1)
    low = min(int(place), len(_RAMP) - 2)
    mixed = (round(a + (b - a) * (place - low)) for a, b in zip(_RAMP[low], _RAMP[low + 1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def ramp_log(value: float, low: float, high: float) -> str:
    """The sequential colour of `value` between `low` and `high` on a log scale."""
    if high <= low:
        return ramp(0.5)
    return ramp(math.log(value / low) / math.log(high / low))


def transparent(colour: str, alpha: float) -> str:
    """`#rrggbb` as an rgba() with `alpha`."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
