"""`isoflop predict`."""

import pytest


def test_chinchilla_under_three_laws(answer):
    for law, loss in (("besiroglu2024", 1.973882), ("hoffmann2022-3", 1.920846), ("hoffmann2022-3-rounded", 1.936645)):
        value = answer("predict", "--law", law, "--params", "70B", "--tokens", "1.4T")
        assert value["loss"] == pytest.approx(loss, abs=1e-6)
        assert value["interval"] is None
        assert value["flops"] == pytest.approx(5.88e23)
    assert {warning["code"] for warning in value["warnings"]} >= {"no_draws"}


def test_for_people(run):
    result = run("predict", "--law", "besiroglu2024", "--params", "70B", "--tokens", "1.4T")
    assert result.exit_code == 0
    assert "1.9739" in result.stdout
    assert "45.4 times" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--law", "besiroglu2024", "--params", "70B"], 2, "--tokens"),
        (["--law", "besiroglu2024", "--params", "-70B", "--tokens", "1T"], 2, "--params"),
        (["--law", "nobody2024", "--params", "70B", "--tokens", "1T"], 2, "besiroglu2024"),
        (["--params", "70B", "--tokens", "1T"], 2, "--law"),
        (["--law", "hoffmann2022-2", "--params", "70B", "--tokens", "1T"], 3, "loss surface"),
    ],
)
def test_bad_input(run, arguments, code, message):
    result = run("predict", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""
