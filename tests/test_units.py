"""Quantities are read as people write them, written as people read them, and one is the other's inverse."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.units import (
    format_bytes,
    format_duration,
    format_flops,
    format_money,
    format_number,
    format_quantity,
    parse_days,
    parse_devices,
    parse_duration,
    parse_money,
    parse_quantity,
)

MAGNITUDES = st.floats(min_value=1e-12, max_value=1e27, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5.76e23", 5.76e23),
        ("70B", 70e9),
        (" 1.4T tokens ", 1.4e12),
        ("70b", 70e9),
        ("32k", 32e3),
        ("33K params", 33e3),
        ("1E", 1e18),
        ("1E18", 1e18),
        ("6E FLOPs", 6e18),
        ("1_000_000", 1e6),
        ("1,048,576", 1048576.0),
        ("12,345.5K", 12345.5e3),
        (".5M", 5e5),
        ("2.8 billion", 2.8e9),
        ("10^21", 1e21),
        ("5.76 x 10^23 FLOPs", 5.76e23),
        ("10**-2", 1e-2),
        (7, 7.0),
    ],
)
def test_a_quantity_is_what_it_says(text, value):
    assert parse_quantity(text) == value


@pytest.mark.parametrize("text", ["", "B", "70 dozen", "1.2.3", "7BB", "1e", "70m", "nan", "inf", "0x10", "12;5"])
def test_what_is_no_quantity_is_refused_with_examples_of_one(text):
    with pytest.raises(InputError, match=r"--params: expected a number such as .*70B"):
        parse_quantity(text, "--params")


@pytest.mark.parametrize("text", ["1,5B", "1,00", "1,0000", "1234,567", ",5"])
def test_a_decimal_comma_is_not_read_as_ten_times_as_much(text):
    with pytest.raises(InputError, match="expected a number such as"):
        parse_quantity(text)


@pytest.mark.parametrize("value", ["0", "-3", "1e999", math.nan, math.inf, -1.0])
def test_sizes_are_finite_and_above_zero(value):
    with pytest.raises(InputError, match="expected a positive finite number"):
        parse_quantity(value)


def test_a_quantity_that_may_be_negative_is_finite_still():
    assert parse_quantity("-3K", positive=False) == -3000
    assert parse_quantity(0, positive=False) == 0
    with pytest.raises(InputError, match="expected a finite number"):
        parse_quantity(math.inf, positive=False)


@given(MAGNITUDES, st.integers(2, 6))
def test_a_written_quantity_is_read_back_to_its_digits(value, digits):
    # half a unit of the last digit written
    assert parse_quantity(format_quantity(value, digits)) == pytest.approx(value, rel=0.5 * 10.0 ** (1 - digits))
    assert parse_quantity(format_flops(value, digits)) == pytest.approx(value, rel=0.5 * 10.0 ** (1 - digits))


@given(MAGNITUDES)
def test_a_quantity_has_three_digits_before_its_suffix_at_the_most(value):
    text = format_quantity(value)
    whole = text.rstrip("KMBT").split("e")[0].split(".")[0]
    assert 1 <= len(whole) <= 3
    assert format_quantity(-value) == "-" + text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1"),
        (999, "999"),
        (98_304, "98.3K"),
        (999_499, "999K"),
        (999_999, "1M"),
        (70e9, "70B"),
        (1.4e12, "1.4T"),
        (999.9e12, "1e15"),
        (5.76e23, "5.76e23"),
        (0.25, "0.25"),
        (1e-4, "1e-4"),
        (math.inf, "inf"),
    ],
)
def test_counts_for_people(value, text):
    assert format_quantity(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(5.76e23, "5.76e23"), (1e21, "1e21"), (9.999e20, "1e21"), (2.5e-3, "2.5e-3"), (0, "0")]
)
def test_compute_for_people(value, text):
    assert format_flops(value) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15min", 900), ("15m", 900), ("2h", 7200), ("0.5 h", 1800), ("30d", 2_592_000), ("1 day", 86_400)],
)
def test_a_duration_is_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["15", "h", "2 moons", "", "2h 5min", "-"])
def test_a_duration_without_a_known_unit_is_refused(text):
    with pytest.raises(InputError, match="--time: expected a duration with its unit"):
        parse_duration(text, "--time")


@pytest.mark.parametrize("text", ["0s", "-2h", "1e308d"])
def test_a_duration_is_finite_and_above_zero(text):
    with pytest.raises(InputError, match="positive finite"):
        parse_duration(text)


@given(st.floats(min_value=1, max_value=1e9))
def test_a_written_duration_is_the_nearest_in_its_smaller_unit(seconds):
    words = format_duration(seconds).split()
    parts = zip(words[::2], words[1::2], strict=True)
    units = words[1::2]
    read = sum(parse_duration(number + unit) for number, unit in parts)
    # days are followed by hours, hours by minutes
    smallest = {"d": 3600, "h": 60, "min": 1, "s": 1}[units[0]]
    assert abs(seconds - read) <= smallest / 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (48, "48 s"),
        (59.7, "1 min"),
        (95, "1 min 35 s"),
        (3599.9, "1 h"),
        (7500, "2 h 5 min"),
        (2_591_990, "30 d"),
        (3_553_200, "41 d 3 h"),
        (math.inf, "inf s"),
    ],
)
def test_time_for_people(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "devices"),
    [("512xH100", (512, "H100")), ("8 x A100 80GB", (8, "A100 80GB")), ("1*tpu-v4", (1, "tpu-v4"))],
)
def test_devices_are_a_count_and_a_name(text, devices):
    assert parse_devices(text) == devices


@pytest.mark.parametrize("text", ["H100", "0xH100", "8x", "8", "-8xH100", "1.5xH100", "8x100"])
def test_devices_without_a_count_or_a_name_are_refused(text):
    with pytest.raises(InputError, match="--gpus: expected a count and a device such as 512xH100"):
        parse_devices(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (1000, "1000 B"), (1536, "1.5 KiB"), (3 * 2**30, "3 GiB"), (2**50, "1024 TiB")],
)
def test_bytes_in_binary_units(value, text):
    assert format_bytes(value) == text


@pytest.mark.parametrize(
    ("text", "days"), [("30", 30.0), (30, 30.0), ("7d", 7.0), ("1 week", 7.0), ("2 weeks", 14.0), ("36 hours", 1.5)]
)
def test_days_are_a_number_or_a_duration(text, days):
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "week", "7 moons", "-3", "d7"])
def test_what_is_no_number_of_days_is_refused(text):
    with pytest.raises(InputError, match="--days"):
        parse_days(text)


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("$2M", 2e6, "USD"),
        ("2M USD", 2e6, "USD"),
        ("1.5 million €", 1.5e6, "EUR"),
        ("GBP 300K", 3e5, "GBP"),
        ("7e5", 7e5, None),
    ],
)
def test_money_has_an_amount_and_perhaps_a_currency(text, amount, currency):
    assert parse_money(text) == (amount, currency)


@pytest.mark.parametrize("text", ["", "$", "2M bananas", "$-3", "$$2"])
def test_what_is_no_money_is_refused(text):
    with pytest.raises(InputError, match="--price"):
        parse_money(text)


@pytest.mark.parametrize("text", ["8 H100", "8xH100", "8 x H100", "8×H100"])
def test_a_space_or_a_cross_stands_between_count_and_name(text):
    assert parse_devices(text) == (8, "H100")


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [(5.76e23, 3, "5.76e23"), (1e6, 3, "1e6"), (999_999, 3, "1e6"), (12_345.6, 3, "12,300"), (1234, 4, "1234"),
     (10_000.5, 6, "10,000.5"),
     (2.5, 3, "2.5"), (-0.25, 3, "-0.25"), (0.001, 3, "0.001"), (6.83e-4, 3, "6.83e-4"), (0.0, 3, "0"),
     (-3e30, 2, "-3e30"), (math.inf, 3, "inf")],
)  # fmt: skip
def test_plain_numbers_never_have_a_plus_in_their_exponent(value, digits, written):
    assert format_number(value, digits) == written


@given(st.floats(-1e300, 1e300), st.integers(1, 8))
def test_a_plain_number_is_read_back_to_its_digits(value, digits):
    written = format_number(value, digits)
    assert "e+" not in written
    assert "e-0" not in written
    assert float(written.replace(",", "")) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))
    assert format_number(value, digits, sign=True).startswith("+") == (value > 0)


def test_money_has_its_sign_where_the_currency_is_known():
    assert (format_money(1.78e6, "USD"), format_money(5e5, "EUR"), format_money(3.9e5)) == ("$1.78M", "€500K", "390K")
