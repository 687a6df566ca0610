"""One table of unit words, for counts, FLOPs and losses alike."""

import pytest

from isoflop.observations.unit_words import plain_text, read_unit


@pytest.mark.parametrize(
    ("word", "scale", "noun"),
    [
        ("millions", 1e6, ""), ("M", 1e6, ""), ("m", 1e6, ""), ("bn", 1e9, ""), ("in billions", 1e9, ""),
        ("T", 1e12, ""),
        ("1e9", 1e9, ""), ("10^6", 1e6, ""), ("x10^18", 1e18, ""), ("×10⁹", 1e9, ""), ("10**18 FLOPs", 1e18, "flops"),
        ("B tokens", 1e9, "tokens"), ("million params", 1e6, "params"), ("GFLOPs", 1e9, "flops"),
        ("exaFLOPs", 1e18, "flops"), ("zflop", 1e21, "flops"), ("PF-days", 8.64e19, "flops"),
        ("pf_days", 8.64e19, "flops"), ("petaflop/s-days", 8.64e19, "flops"), ("PFLOP-hours", 3.6e18, "flops"),
        ("TFLOP/s", 1e12, "flops_per_second"), ("bits/token", 1.0, "bits_per_token"), ("bits", 1.0, "bits_per_token"),
        ("nats", 1.0, "nats_per_token"), ("bpc", 1.0, "bits_per_character"), ("nats per byte", 1.0, "nats_per_byte"),
        ("ppl", 1.0, "perplexity"), ("word perplexity", 1.0, "other"),
    ],
)  # fmt: skip
def test_what_a_unit_says(word, scale, noun):
    unit = read_unit(word)
    assert (unit.scale, unit.noun) == (scale, noun)


@pytest.mark.parametrize("word", ["", "layers", "GB", "s", "x", "c4", "1e", "10", "hours", "x20", "a" * 10_000])
def test_words_that_are_no_unit(word):
    assert read_unit(word) is None


def test_signs_that_print_alike_are_written_alike():
    assert plain_text("−3\u00a0×\u202f10²¹ ") == "-3 x 10^21"
