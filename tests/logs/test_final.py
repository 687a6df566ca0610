import numpy as np

from isoflop.logs.final import final_row, final_table
from isoflop.logs.run import LoggedRun, Series


def series(*pairs):
    steps, values = np.array(pairs, dtype=np.float64).T
    return Series(steps=steps, values=values)


def run(**more):
    fields = {"name": "a", "source": "here", "evaluations": {"c4": series((0, 10.8), (500, 4.0), (1000, 3.5))}}
    return LoggedRun(**(fields | more))


def test_the_last_evaluation_is_the_row():
    row = final_row(run(tokens=series((0, 0), (1000, 2000)), params=1e6, ended=True))
    assert (row.losses, row.steps, row.tokens, row.params) == ({"c4": 3.5}, 1000, 2000, 1e6)


def test_a_set_that_was_not_evaluated_at_the_end_is_left_out():
    sets = {"c4": series((500, 4.0), (1000, 3.5)), "pile": series((500, 4.2)), "books": series((985, 3.8))}
    assert final_row(run(evaluations=sets)).losses == {"c4": 3.5, "books": 3.8}


def test_tokens_between_two_logged_steps_lie_on_their_line():
    assert final_row(run(tokens=series((900, 1800), (1100, 2200)))).tokens == 2000
    assert final_row(run(tokens=series((100, 200), (900, 1800)))).tokens is None
    assert final_row(run(tokens=series((1001, 2002)))).tokens is None


def test_training_losses_are_averaged_over_the_last_twentieth():
    training = series(*((step, 4.0 if step < 950 else 3.0 + step / 1000) for step in range(10, 1001, 10)))
    expected = np.mean([3.0 + step / 1000 for step in range(950, 1001, 10)])
    assert final_row(run(training=training)).training_loss == expected


def test_the_table_is_the_same_whatever_the_clock_and_the_settings():
    one = final_table([run(seconds=series((1000, 5.0)), settings={"host": "x"})])
    other = final_table([run(seconds=series((1000, 7.0)))])
    assert one.as_csv() == other.as_csv()
    assert one.as_csv().splitlines() == [
        "run,params,tokens,steps,flops,peak_lr,loss[c4],training_loss,loss_unit,ended,failure",
        "a,,,1000,,,3.5,,nats_per_token,,",
    ]


def test_a_run_that_was_trained_on_after_its_last_evaluation_has_no_final_loss():
    trained = series(*((step, 4.0) for step in range(100, 1001, 100)))
    row = final_row(run(training=trained, evaluations={"c4": series((350, 4.0), (700, 3.7))}))
    assert row.losses == {}
    assert (row.last_evaluated, row.steps, row.training_loss) == (0.7, 1000, 4.0)
