"""The file's own FLOPs decide which columns are N and D, are used, and are never ignored without a word."""

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.observations import Observations

N = np.round(np.repeat(np.geomspace(5e7, 8e8, 5), 4))
D = np.round(N * np.tile([5.0, 15.0, 50.0, 150.0], 5))
LOSS = 1.7 + 400 / N**0.34 + 410 / D**0.28
EMBEDDING = np.round(5e4 * np.sqrt(N) / 9)
WIDTH = np.round(np.sqrt(N) / 600) * 64


def read(columns, **stated):
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Observations.from_rows(rows, **stated)


def codes(made):
    return [notice.code for notice in made.notices]


@pytest.mark.parametrize("evidence", ["flops", "budget", "tokens_per_param"])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [("activated_params", "num_params"), ("non_embedding_params", "total_params"), ("params_active", "params_total")],
)
def test_the_count_that_the_files_flops_were_made_from_is_n(evidence, right, wrong):
    counted = {"flops": 6 * N * D, "budget": 6 * N * D, "tokens_per_param": D / N}[evidence]
    columns = {wrong: N * np.linspace(1.5, 6, len(N)), right: N, "tokens": D, evidence: counted, "loss": LOSS}
    made = read(columns)
    assert made.N.tolist() == N.tolist()
    assert "params_by_flops" in codes(made)
    assert repr(right) in next(item.message for item in made.notices if item.code == "params_by_flops")


def test_tokens_may_come_from_steps():
    columns = {"total_params": N + EMBEDDING, "params": N, "samples_seen": D / 2048, "seq_len": np.full(20, 2048.0),
               "flops": 6 * N * D, "loss": LOSS}  # fmt: skip
    assert read({**columns, "params": N + EMBEDDING, "non_embedding_params": N}).N.tolist() == N.tolist()


def test_parts_are_added_up_where_their_sum_fits_and_no_whole_does():
    head, body = EMBEDDING, N
    columns = {"params_wte": head, "params_lm_head": head, "params_transformer": body,
               "params_total": 2 * head + body + 3 * head, "tokens": D, "flops_budget": 6 * (head + body) * D * 1.15,
               "loss": LOSS}  # fmt: skip
    made = read(columns)
    assert pytest.approx(head + body) == made.N
    assert pytest.approx(6 * (head + body) * D * 1.15) == made.C
    assert made.source.columns["params"].parts == ("params_lm_head", "params_transformer")
    assert made.params_convention == "matmul"
    assert set(codes(made)) >= {"params_by_flops", "budget_is_flops"}


def test_where_nothing_decides_the_first_is_read_and_the_others_are_named():
    made = read({"params": N, "total_params": 1.2 * N, "tokens": D, "loss": LOSS})
    assert made.N.tolist() == N.tolist()
    assert codes(made) == ["several_columns"]
    made = read({"params": 1.5 * N, "total_params": 2 * N, "tokens": D, "flops": 6 * N * D, "loss": LOSS})
    assert made.N.tolist() == (1.5 * N).tolist()
    assert "several_columns" in codes(made)


def test_a_width_called_d_is_no_count_of_tokens():
    made = read({"N": N, "D": WIDTH, "C": 6 * N * D, "loss": LOSS})
    assert pytest.approx(D) == made.D
    assert "letter_not_read" in codes(made)
    made = read({"N": N, "D": WIDTH, "tokens": D, "loss": LOSS})
    assert made.D.tolist() == D.tolist()
    with pytest.raises(InputError, match="tokens are 768 to .*which no language model has"):
        read({"N": N, "D": WIDTH, "loss": LOSS})
    # D in billions is D: FLOPs are a power of a thousand away
    billions = np.round(D / 1e9) + 1
    with pytest.raises(InputError, match="--scale tokens="):
        read({"N": N, "D": billions, "C": 6 * N * billions * 1e9, "loss": LOSS})


def test_a_budget_of_another_convention_is_what_was_spent_and_one_near_6nd_the_wish():
    made = read({"params": N, "tokens": D, "budget": 6 * N * D * 1.3, "loss": LOSS})
    assert pytest.approx(6 * N * D * 1.3) == made.C
    assert codes(made) == ["budget_is_flops"]
    made = read({"params": N, "tokens": D, "budget": 6 * N * D * 1.01, "loss": LOSS})
    assert pytest.approx(6 * N * D) == made.C
    assert pytest.approx(6 * N * D * 1.01) == made.budget
    assert codes(made) == []


def test_a_rate_is_no_amount():
    columns = {"params": N, "tokens": D, "loss": LOSS}
    made = read({**columns, "tflops": np.full(20, 180.0)})
    assert pytest.approx(6 * N * D) == made.C
    assert codes(made) == ["flops_not_read"]
    made = read({"params": N, "compute": 6 * N * D, "loss": LOSS, "tflops": np.full(20, 180.0)})
    assert made.source.columns["flops"].column == "compute"
    made = read({"params": N, "C": 6 * N * D, "loss": LOSS, "tflops": np.full(20, 180.0)})
    assert made.source.columns["flops"].column == "C"
    made = read({**columns, "GFLOPs": 6 * N * D / 1e9})
    assert made.source.flops_check.source == "column"


def test_a_column_that_speaks_of_flops_and_is_not_read_is_named():
    made = read({"params": N, "tokens": D, "loss": LOSS, "hw FLOPs (est. by profiler)": 8 * N * D})
    assert codes(made) == ["flops_not_read"]
    assert "hw FLOPs" in made.notices[0].message
    assert (
        codes(read({"params": N, "tokens": D, "loss": LOSS, "mfu": np.full(20, 0.4), "flops_per_token": 6 * N})) == []
    )
