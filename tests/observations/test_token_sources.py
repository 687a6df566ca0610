"""Tokens from steps, samples and ratios, and batches that may be in tokens."""

import pytest

from isoflop.errors import InputError
from isoflop.observations import Observations


@pytest.mark.parametrize(
    "columns",
    [
        {"steps": 1000, "batch_size": 256, "seq_len": 2048},
        {"iteration": 1000, "gbsz": 256, "seq-length": 2048},
        {"num_iterations": 1000, "bs": 256, "block_size": 2048},
        {"max_steps": "1000", "Global Batch Size": 256, "context_length": 2048},
        {"consumed-samples": 256_000, "seq_length": 2048},
        {"time/sample": 256_000, "max_seq_len": 2048},
        {"steps": 1000, "batch size (tokens)": 524_288},
        {"steps_k": 1, "Global batch (M tokens)": 0.524288},
    ],
)
def test_products(columns):
    made = Observations.from_rows([{"params": 1e8, "loss": 3.0, **columns}])
    assert made.D.tolist() == [1000 * 256 * 2048]
    assert [notice.code for notice in made.notices] == ["tokens_from_steps"]
    assert all(repr(name) in made.notices[0].message for name in columns)


@pytest.mark.parametrize(
    ("columns", "D"),
    [
        ({"params": "70M", "D/N": 30}, 2.1e9),
        ({"params": "70M", "tokens/param": 30}, 2.1e9),
        ({"params_m": 70, "tokens_per_param": 30}, 2.1e9),
        ({"params_m": 70, "chinchilla_multiple": 1.5}, 2.1e9),
        ({"params_m": 70, "xC": 1.5}, 2.1e9),
        ({"tokens_bn": 2.1, "tpp": 30}, 2.1e9),
        ({"flops": 6 * 70e6 * 2.1e9, "tokens_per_parameter": 30}, 2.1e9),
    ],
)
def test_ratios(columns, D):
    made = Observations.from_rows([{**columns, "loss": 3.0}])
    assert made.D[0] == pytest.approx(D)
    assert made.N[0] == pytest.approx(70e6)
    assert [notice.code for notice in made.notices] == ["tokens_from_ratio"]
    assert "20 of them" in made.notices[0].message


def test_a_batch_that_may_be_in_tokens_is_asked_about():
    rows = [{"params": 1e8, "loss": 3.0, "steps": 1000, "total_batch_size": 524_288, "seq_len": 2048}]
    with pytest.raises(InputError, match="--column batch_tokens=total_batch_size"):
        Observations.from_rows(rows)
    made = Observations.from_rows(rows, columns={"batch_tokens": "total_batch_size"})
    assert made.D.tolist() == [1000 * 524_288]


def test_a_column_of_tokens_comes_before_products():
    row = {"params": 1e8, "loss": 3.0, "steps": 1000, "batch_size": 256, "seq_len": 2048, "tokens": 5e8, "D/N": 7}
    assert Observations.from_rows([row]).D.tolist() == [5e8]
