"""Tables A4 and A9, sizes and training compute, held to the papers."""

import pytest

from isoflop.paper import section


def rows(name):
    return {one.what: one for one in section(name).compared}


def test_table_a4_comes_out_to_every_digit():
    # Hoffmann et al. 2022, Table A4, and the same ratios to four decimals
    found = [(one.published.text, round(one.ours, 4)) for one in section("table-a4").compared]
    assert found == [
        ("1.03", 1.0251), ("1.10", 1.1011), ("1.08", 1.0832), ("1.04", 1.0443), ("1.03", 1.0331), ("0.99", 0.9942)
    ]  # fmt: skip
    assert all(one.same_digits for one in section("table-a4").compared)


def test_all_fifty_rows_of_table_a9_count_to_the_printed_million():
    found = section("table-a9")
    assert len(found.compared) == found.same_digits == 50
    worst = max(found.compared, key=lambda one: abs(one.difference))
    assert (worst.what, worst.ours) == ("chinchilla-44m", 43_719_936)
    assert worst.difference == pytest.approx(-0.00637, abs=5e-6)


def test_sizes_of_systems_round_to_what_is_printed():
    found = rows("sizes")
    assert all(one.same_digits for one in found.values())
    # Chowdhery et al. 2022, Table 1, to five digits
    assert found["palm-540b"].published.text == "540.35B"
    assert found["gopher-280b"].ours == 279_710_301_440


def test_table_21_is_6_n_d_of_the_sizes_that_it_rounds():
    found = rows("compute")
    for name in ("palm-540b", "chinchilla-70b", "gopher-280b"):
        assert found[f"6 N D, {name}"].same_digits
    # 8 and 62 billion there, 8.63 and 62.50 in Table 1
    for name, ratio in (("palm-8b", 8.63 / 8), ("palm-62b", 62.50 / 62)):
        one = found[f"6 N D, {name}"]
        assert one.difference == pytest.approx(ratio - 1, abs=2e-3)
        assert f"{one.published.value / 6e21:.3g}" != f"{one.ours / 6e21:.3g}"


def test_gophers_budgets():
    found = rows("compute")
    assert found["Gopher's budget, Table 3"].published.value / found["Gopher's budget, Table 3"].ours == pytest.approx(
        8 / 7
    )
    again = found["Gopher's budget, Appendix F"]
    # 4/3 of Appendix F without embeddings and logits for 300e9 tokens
    assert again.ours == pytest.approx(6.314357e23, rel=1e-6)
    assert again.same_digits
