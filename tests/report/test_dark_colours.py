from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from isoflop.report.dark_colours import DARK_PAPER, PAPER, contrast, dark, dark_colours, readable
from isoflop.report.style import APPROACH_COLOURS, INK, MUTED, ramp


def test_contrast_of_known_pairs() -> None:
    # WCAG's own example: #767676 on white is the lightest grey of 4.5.
    assert 4.5 <= contrast("#767676", "#ffffff") < 4.6
    assert contrast("#0072b2", "#0072b2") == 1


@given(st.integers(0, 2**24 - 1))
def test_every_colour_can_be_read_on_its_page(number: int) -> None:
    colour = f"#{number:06x}"
    if colour not in (INK, MUTED) and colour != "#ffffff" and colour not in ("#e6e9ec", "#b8c0c7"):
        assert contrast(dark(colour), DARK_PAPER) >= 4.5
    assert contrast(readable(colour), PAPER) >= 4.5


def test_text_is_readable_and_the_ramp_keeps_its_order() -> None:
    for colour in (INK, MUTED, *APPROACH_COLOURS.values()):
        assert contrast(dark(colour), DARK_PAPER) >= 4.5
    steps = [contrast(dark(ramp(i / 10)), DARK_PAPER) for i in range(11)]
    assert steps == sorted(steps, reverse=True)


def test_only_what_stands_as_a_colour_is_one() -> None:
    found = dark_colours(
        [{"marker": {"color": ["#0072b2", "white"]}, "text": ["#d55e00"], "fillcolor": "rgba(0,114,178,0.13)"}]
    )
    assert set(found) == {"#0072b2", "white", "rgba(0,114,178,0.13)"}
