from isoflop.study.shown_runs import rate_checks


def test_a_check_of_rates_says_whether_the_middle_is_best():
    def run(rate, loss, purposes):
        return {
            "group": "cell",
            "purposes": ["learning_rate_check", *purposes],
            "status": "failed" if loss is None else "done",
            "peak_lr": rate,
            "val_loss_nats": loss,
            "params": {"non_embedding": 5},
            "budget_flops": 1e12,
        }

    def checked(*losses):
        rates = ((1e-3, []), (2e-3, ["isoflop"]), (4e-3, []))
        return rate_checks([run(rate, loss, of) for (rate, of), loss in zip(rates, losses, strict=False)])

    (inside,) = checked(2.1, 2.0, 2.2)
    assert (inside["interior"], inside["chosen"], inside["losses"]) == (True, 2e-3, [2.1, 2.0, 2.2])
    assert [checked(*losses)[0]["interior"] for losses in ((1.9, 2.0, 2.2), (2.1, 2.0, 1.8))] == [False, False]
    assert checked(2.1, 2.0, None)[0]["interior"], "a rate that diverges is no better one"
    assert checked(2.1, 2.0) == []
