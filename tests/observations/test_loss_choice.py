"""The loss among columns that could be it: asked between equals, and the lesser ones are named."""

import re

import pytest

from isoflop.errors import InputError
from isoflop.observations import Observations

ROWS = [{"params": 1e8, "tokens": 2e9, "loss": 3.1}, {"params": 2e8, "tokens": 4e9, "loss": 2.9}]


def read(*cells, rows=ROWS):
    return Observations.from_rows([row | more for row, more in zip(rows, cells, strict=True)])


@pytest.mark.parametrize("name", ["smooth loss", "loss_ema", "loss (smoothed)", "running_avg_loss", "val_loss"])
def test_a_loss_next_to_its_smoothed_values_is_asked_about(name):
    with pytest.raises(InputError, match=re.escape(f"--column 'loss=loss'\n  --column 'loss={name}'")):
        read({name: 3.12}, {name: 2.88})


@pytest.mark.parametrize(
    ("train", "val"), [("train/loss", "val/loss"), ("train_loss", "eval_loss"), ("Training Loss", "Validation Loss")]
)
def test_the_loss_of_text_that_was_not_trained_on_is_taken_and_the_other_named(train, val):
    rows = [{key: row[key] for key in ("params", "tokens")} for row in ROWS]
    made = read({train: 2.8, val: 3.1}, {train: 2.6, val: 2.9}, rows=rows)
    assert made.loss.tolist() == [3.1, 2.9]
    assert [notice.code for notice in made.notices] == ["training_loss_beside"]
    assert repr(train) in made.notices[0].message
    with pytest.raises(InputError, match="3 columns could be the loss"):
        read({train: 2.8, val: 3.1, "test_loss": 3.2}, {train: 2.6, val: 2.9, "test_loss": 3.0}, rows=rows)


def test_a_lesser_name_is_named():
    made = read({"loss_c4": 3.3}, {"loss_c4": 3.2})
    assert made.loss.tolist() == [3.1, 2.9]
    assert [notice.code for notice in made.notices] == ["several_columns"]
    assert "'loss_c4'" in made.notices[0].message


def test_the_same_loss_in_another_unit_needs_no_word():
    made = read({"ppl": 22.198, "bits_per_token": 4.4724}, {"ppl": 18.174, "bits_per_token": 4.1838})
    assert made.loss.tolist() == [3.1, 2.9]
    assert made.notices == ()


def test_a_letter_never_outranks_a_name_that_says_what_it_is():
    rows = [{"params": 1e8, "tokens": 2e9, "L": 12}, {"params": 2e8, "tokens": 4e9, "L": 24}]
    assert read({"eval/val/loss": 3.1}, {"eval/val/loss": 2.9}, rows=rows).loss.tolist() == [3.1, 2.9]
    assert read({"val_bpb": 1.1}, {"val_bpb": 1.0}, rows=rows).loss_unit == "bits_per_byte"
    with pytest.raises(InputError, match="none found for loss"):
        read({}, {}, rows=rows)
    rows = [{"N": 1e8, "D": 2e9, "L": 3.1}, {"N": 2e8, "D": 4e9, "L": 2.9}]
    assert read({}, {}, rows=rows).loss.tolist() == [3.1, 2.9]


def test_many_losses_are_a_screen():
    more = [{f"eval/set{i}/CrossEntropyLoss": 3.0 + i + j for i in range(300)} for j in range(2)]
    rows = [{key: row[key] for key in ("params", "tokens")} for row in ROWS]
    with pytest.raises(InputError, match="300 columns could be the loss") as caught:
        read(*more, rows=rows)
    assert len(str(caught.value).splitlines()) < 40
