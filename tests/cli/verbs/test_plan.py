"""`isoflop plan`."""

import json

import pytest

from isoflop.plan.run_time import RUN_OVER_STEPS

# Keys that scripts may rely on.
STABLE = {
    "params", "tokens", "tokens_per_param", "flops", "loss", "loss_interval", "params_interval", "expected_waste",
    "architecture", "memory_bytes", "hours", "price", "law", "warnings",
}  # fmt: skip


def test_the_gopher_budget_under_the_corrected_fit(answer):
    value = answer("plan", "--law", "besiroglu2024", "--flops", "5.76e23")
    assert set(value) >= STABLE
    assert value["params"] == pytest.approx(7.224870e10, rel=1e-6)
    assert value["tokens"] == pytest.approx(1.328744e12, rel=1e-6)
    assert value["hours"] is value["price"] is None
    assert value["loss_interval"][0] < value["loss"] < value["loss_interval"][1]
    assert value["params_interval"][0] < value["params"] < value["params_interval"][1]
    assert 0 < value["expected_waste"] < 0.3
    assert {warning["code"] for warning in value["warnings"]} == {"extrapolation", "rates_extrapolated"}
    assert value["architecture"]["n_layers"] > 0
    assert value["law"]["name"] == "besiroglu2024"


def test_140b_on_3t(answer):
    value = answer("plan", "--law", "besiroglu2024", "--flops", "2.5272e24")
    assert value["params"] == pytest.approx(1.541837e11, rel=1e-6)
    assert value["tokens"] == pytest.approx(2.731807e12, rel=1e-6)


def test_devices_and_days_make_the_budget(answer):
    value = answer(
        "plan", "--law", "besiroglu2024", "--gpus", "512xH100", "--days", "30", "--utilization", "0.4",
        "--price-per-hour", "2",
    )  # fmt: skip
    # what the devices do is 6 N D and attention, of which the law's budget is 6 N D
    assert value["bill"]["flops"] == pytest.approx(512 * 989.4e12 * 0.4 * 30 * 86400)
    assert value["bill"]["flops_convention"] == "palm_mfu"
    assert value["budget_flops"] == pytest.approx(5.0661e23, rel=1e-4)
    assert value["hours"] == pytest.approx(720)
    assert value["price"] == pytest.approx(720 * 512 * 2)
    # a step's share of the tokens is its share of the hours
    batch = value["run"]["batch_tokens"]
    assert value["step_seconds"] == pytest.approx(720 * 3600 * batch / value["architecture"]["tokens"])
    assert answer("plan", "--law", "besiroglu2024", "--flops", "1e22")["step_seconds"] is None


def test_a_plan_on_devices_is_laid_out(answer, run):
    options = ("plan", "--law", "besiroglu2024", "--gpus", "512xH100", "--days", "30")
    layout = answer(*options)["layout"]
    assert layout["count"] == 512
    assert layout["recompute"] in ("none", "selective", "full")
    shown = run(*options).stdout
    assert "the whole run: 1.57 times the" in shown
    assert "Memory a device" in shown
    assert answer("plan", "--law", "besiroglu2024", "--flops", "1e22")["layout"] is None


def test_hours_price_and_energy_are_those_of_the_layout_without_a_utilization(answer):
    plan = answer("plan", "--law", "besiroglu2024", "--gpus", "512xH100", "--days", "30")
    bill, step = plan["bill"], plan["layout"]["step"]
    assert (bill["hours_source"], plan["step_seconds"]) == ("layout", step["seconds"])
    hours = plan["run"]["steps"] * step["seconds"] / 3600
    assert plan["hours"] == bill["hours"] == pytest.approx(hours * RUN_OVER_STEPS.expected)
    ends = [hours * RUN_OVER_STEPS.low, hours * RUN_OVER_STEPS.high]
    assert bill["hours_range"] == [pytest.approx(end) for end in ends]
    rate = 512 * bill["price_per_hour"]
    assert plan["price"] == bill["price"] == pytest.approx(bill["hours"] * rate)
    assert bill["price_range"] == [pytest.approx(end * rate) for end in ends]
    assert bill["energy_kwh"] == pytest.approx(bill["hours"] * 512 * 0.7)
    # the plan takes the days that were given, and states no second duration
    assert bill["hours"] == pytest.approx(720, rel=1e-4)
    assert (bill["utilization_hours"], bill["utilization_hours_range"]) == (bill["hours"], bill["hours_range"])
    assert bill["utilization"]["expected"] == pytest.approx(step["utilization"] / RUN_OVER_STEPS.expected, rel=1e-3)
    assert "whole published runs" in bill["utilization"]["source"]


def test_the_bill_for_people(run):
    shown = run("plan", "--law", "besiroglu2024", "--gpus", "512xH100", "--days", "30").stdout
    assert "Takes            30 d  (17 d 16 h to 50 d 22 h), the whole run: 1.57 times the" in shown
    assert "$1.09M  ($641K to $1.85M)" in shown
    assert "258 MWh  (152 MWh to 438 MWh)" in shown
    assert "29.3 % of peak  (17.3 % to 49.7 %), the layout's steps, and 35" in shown
    assert "Check" not in shown
    assert "attention at 2,048 tokens" in shown
    assert "Chinchilla 70B" in shown, "published models stand beside the laws of rates"
    given = run("plan", "--law", "besiroglu2024", "--flops", "1e22", "--gpus", "8xV100", "--utilization", "0.3").stdout
    assert "not known: give --price-per-hour" in given
    assert "30.0 % of peak, given: " in given
    assert "s a step" in given
    for text in (shown, given):
        assert max(map(len, text.splitlines())) <= 80


def test_a_loss_is_a_budget(answer):
    # the loss of 70B on 1.4T under this law, and the least compute that reaches it
    value = answer("plan", "--law", "besiroglu2024", "--loss", "1.973881863")
    assert value["flops"] == pytest.approx(5.876268e23, rel=1e-6)
    assert value["params"] == pytest.approx(7.299264e10, rel=1e-6)
    served = answer("plan", "--law", "besiroglu2024", "--loss", "1.973881863", "--inference-tokens", "10T")
    assert served["params"] == pytest.approx(3.449909e10, rel=1e-5)
    assert served["tokens"] == pytest.approx(3.747203e12, rel=1e-5)


def test_money_is_a_budget(answer):
    value = answer(
        "plan", "--law", "besiroglu2024", "--gpus", "512xH100", "--price", "2M", "--price-per-hour", "2",
        "--utilization", "0.4",
    )  # fmt: skip
    assert value["price"] == pytest.approx(2e6)
    assert value["hours"] == pytest.approx(1e6 / 512)
    assert value["bill"]["flops"] == pytest.approx(1e6 * 3600 * 989.4e12 * 0.4)
    assert value["budget_flops"] < value["bill"]["flops"]
    # thirty days end before the money does
    short = answer(
        "plan", "--law", "besiroglu2024", "--gpus", "512xH100", "--price", "2M", "--price-per-hour", "2",
        "--utilization", "0.4", "--days", "30",
    )  # fmt: skip
    assert short["hours"] == pytest.approx(720)
    assert short["price"] == pytest.approx(2 * 720 * 512)


def test_days_and_price_next_to_a_loss_it_does_not_fit_into_contradict_it(run):
    loss = ("plan", "--law", "besiroglu2024", "--loss", "1.95", "--gpus", "512xH100")
    refused = run(*loss, "--price", "1M", "--deadline", "30")
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "a loss of 1.95 and a price of $1M on 512xH100 contradict each other: the loss costs $" in refused.stderr
    late = run(*loss, "--deadline", "30").stderr
    assert "a loss of 1.95 and 30 days on 512xH100 contradict each other: the loss takes " in late
    assert "within it the loss goes down to 1.98" in late


def test_days_next_to_flops_limit_them(answer):
    value = answer("plan", "--law", "besiroglu2024", "--flops", "1e24", "--gpus", "512xH100", "--days", "30")
    assert value["hours"] == pytest.approx(720, rel=1e-3)
    assert "misses_deadline" not in {warning["code"] for warning in value["warnings"]}
    whole = answer("plan", "--law", "besiroglu2024", "--flops", "1e24")
    (days,) = value["limits"]
    assert (days["name"], days["value"], days["unit"], days["binding"]) == ("days", 30, "days", True)
    assert days["price_loss"] == pytest.approx(value["loss"] - whole["loss"], rel=1e-12)


def test_a_whole_run_that_takes_longer_says_so(answer):
    run = ("plan", "--law", "besiroglu2024", "--params", "70B", "--tokens", "1.4T", "--gpus", "64xH100", "--days", "30")
    assert "misses_deadline" in {warning["code"] for warning in answer(*run)["warnings"]}


def test_gopher_was_too_large_for_its_budget(answer):
    # share of its compute that an optimal run needs for its loss: 0.4970 under this law
    value = answer("plan", "--law", "besiroglu2024", "--params", "280B", "--tokens", "300B")
    assert value["flops"] == pytest.approx(5.04e23)
    assert value["loss"] == pytest.approx(1.999608, abs=1e-6)
    assert 1 - value["wasted_share"] == pytest.approx(0.4970, abs=6e-5)
    best = value["alternatives"][0]
    assert best["kind"] == "best"
    assert best["params"] == pytest.approx(6.746875e10, rel=1e-6)
    assert value["loss"] - best["loss"] == pytest.approx(0.021378, abs=1e-6)


def test_twenty_tokens_per_parameter_at_palms_compute(answer):
    value = answer("plan", "--law", "besiroglu2024", "--flops", "2.5272e24", "--tokens-per-param", "20")
    assert value["params"] == pytest.approx(1.451206e11, rel=1e-6)
    assert value["tokens"] == pytest.approx(2.902413e12, rel=1e-6)
    assert value["objective"] == {"kind": "fixed_ratio", "tokens_per_param": 20.0}


@pytest.mark.parametrize(
    ("one", "other"),
    [(["--params", "70B"], ["--tokens-per-param", "20"]), (["--tokens", "1.4T"], ["--tokens-per-param", "20"])],
)
def test_two_of_size_tokens_and_ratio_are_a_run(answer, one, other):
    value = answer("plan", "--law", "besiroglu2024", *one, *other)
    assert (value["params"], value["tokens"]) == (pytest.approx(70e9), pytest.approx(1.4e12))
    assert value["flops"] == pytest.approx(5.88e23)


def test_a_fixed_size_for_people(run):
    shown = run("plan", "--law", "hoffmann2022-3", "--flops", "5.04e23", "--params", "280B").stdout
    assert "the best, same flops" in shown
    assert "67.8 % of the training FLOPs" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_inference_demand_makes_it_smaller_and_longer(answer):
    plain = answer("plan", "--law", "besiroglu2024", "--flops", "5.76e23")
    served = answer("plan", "--law", "besiroglu2024", "--flops", "5.76e23", "--inference-tokens", "10T")
    assert served["params"] < plain["params"]
    assert served["tokens"] > plain["tokens"]
    assert served["loss"] == pytest.approx(plain["loss"], abs=1e-9)
    assert served["flops"] > plain["flops"]


def test_limited_text_is_read_again(answer):
    value = answer("plan", "--law", "muennighoff2023", "--flops", "1e22", "--unique-tokens", "25B")
    assert value["tokens"] / 25e9 == pytest.approx(9.493, rel=2e-3)
    assert value["objective"] == {"kind": "limited_data", "unique_tokens": 25e9}


def test_the_shape_can_be_of_another_family_and_vocabulary(answer):
    arguments = ["plan", "--law", "besiroglu2024", "--flops", "1e19"]
    value = answer(*arguments, "--family", "gopher", "--vocab", 257, "--seq-len", 1024)
    assert value["architecture"]["family"] == "gopher"
    assert value["architecture"]["vocab_size"] == 257
    assert value["architecture"]["seq_len"] == 1024
    assert value["architecture"]["params"] == pytest.approx(value["params"], rel=0.05)


def test_for_people_answers_on_stdout_and_warnings_on_stderr(run):
    result = run("plan", "--law", "besiroglu2024", "--flops", "5.76e23", "--gpus", "512xH100")
    assert result.exit_code == 0
    assert "72.2B" in result.stdout
    assert "1.33T" in result.stdout
    assert "outside the runs" not in result.stdout
    assert "[extrapolation]" in result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_json_is_one_object_even_with_warnings(run):
    result = run("plan", "--law", "besiroglu2024", "--flops", "5.76e23", "--json")
    json.loads(result.stdout)
    assert "warning" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--law", "besiroglu2024", "--flops", "-3"], 2, "--flops"),
        (["--law", "besiroglu2024", "--flops", "0"], 2, "--flops"),
        (["--law", "besiroglu2024", "--flops", "many"], 2, "--flops"),
        (["--law", "besiroglu2024"], 2, "budget"),
        (["--law", "chinchilla", "--flops", "1e20"], 2, "besiroglu2024"),
        (["--law", "besiroglu2024", "--fit", "x.json", "--flops", "1e20"], 2, "--law and --fit"),
        (["--fit", "missing.json", "--flops", "1e20"], 2, "missing.json"),
        (["--law", "besiroglu2024", "--approach", "isoflop", "--flops", "1e20"], 2, "--approach"),
        (["--law", "besiroglu2024", "--flops", "1e20", "--days", "3"], 2, "--gpus"),
        (["--law", "besiroglu2024", "--price", "2M", "--flops", "1e22"], 2, "--gpus"),
        (["--law", "besiroglu2024", "--gpus", "8xV100", "--price", "2M"], 2, "--price-per-hour"),
        (["--law", "besiroglu2024", "--flops", "1e20", "--loss", "2"], 2, "two budgets"),
        (["--law", "besiroglu2024", "--params", "7B"], 2, "budget"),
        (["--law", "besiroglu2024", "--params", "7B", "--tokens", "1T", "--flops", "1e22"], 2, "whole run"),
        (["--law", "besiroglu2024", "--params", "7B", "--tokens", "1T", "--tokens-per-param", "20"], 2, "third"),
        (["--law", "besiroglu2024", "--flops", "1e22", "--tokens", "1T", "--unique-tokens", "1B"], 3, "contradict"),
        (["--law", "besiroglu2024", "--params", "1B", "--tokens", "1T", "--unique-tokens", "1B"], 3, "contradict"),
        (["--law", "besiroglu2024", "--loss", "1.9", "--unique-tokens", "1B"], 3, "1B different tokens contradict"),
        (["--law", "besiroglu2024", "--loss", "1.8"], 3, "no compute"),
        (["--law", "besiroglu2024", "--loss", "1.9", "--params", "1B"], 3, "no compute"),
        (["--law", "besiroglu2024", "--loss", "1e9"], 2, "lower one"),
        (["--law", "besiroglu2024", "--loss", "-2"], 2, "--loss"),
        (["--law", "hoffmann2022-1", "--loss", "2"], 3, "loss surface"),
        (["--law", "kaplan2020-loss", "--flops", "1e20", "--unique-tokens", "1T"], 3, "another form"),
        (["--law", "gadre2024", "--flops", "1e20"], 3, "constants"),
        (["--law", "besiroglu2024", "--gpus", "8xH100"], 2, "--days"),
        (["--law", "besiroglu2024", "--gpus", "8xABACUS", "--days", "3"], 2, "H100"),
        (["--law", "besiroglu2024", "--gpus", "8xH100", "--days", "3", "--utilization", "40"], 2, "utilization"),
        (["--law", "besiroglu2024", "--flops", "1e20", "--level", "95"], 2, "level"),
        (["--law", "besiroglu2024", "--flops", "1e20", "--family", "mamba"], 2, "llama"),
        (["--law", "hoffmann2022-1", "--flops", "1e20", "--inference-tokens", "1T"], 3, "loss surface"),
        (["--law", "kaplan2020", "--flops", "1e20", "--unique-tokens", "1T"], 3, "loss surface"),
    ],
)
def test_bad_input(run, arguments, code, message):
    result = run("plan", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--max-memory", "80"), 2, "--max-memory: expected a memory with its unit such as 80GB or 24GiB, got '80'"),
        (("--max-latency", "20"), 2, "--max-latency: expected a duration with its unit"),
        (("--max-latency", "20ms"), 2, "expected the devices that serve"),
        (("--serve-on", "1xH100"), 2, "--serve-on: needs --max-memory or --max-latency"),
        (("--max-latency", "1ms", "--serve-on", "1xH999"), 2, "hardware: expected one of"),
        (("--max-memory", "1MB"), 3, "no model can be served within 977 KiB"),
        (("--max-memory", "80GB", "--params", "280B"), 3, "takes more than the 74.5 GiB that may be served"),
        (("--rates", "adam"), 2, "rates: expected one of steplaw2025"),
        (("--without", "wings"), 2, "a llama model may lack query_key_norm; got wings"),
    ],
)
def test_wrong_wishes_of_serving_and_shape(run, options, code, said):
    result = run("plan", "--law", "besiroglu2024", "--flops", "5.76e23", *options)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_the_devices_of_training_serve_too(answer):
    plan = answer("plan", "--law", "besiroglu2024", "--gpus", "512xH100", "--days", "30", "--max-latency", "20ms")
    assert plan["serving"]["device"] == "H100"
    assert 0.019 < plan["serving"]["seconds_per_token"] <= 0.02
    assert plan["serving"]["bytes"] == pytest.approx(0.02 * 3.35e12, rel=0.03)


@pytest.mark.parametrize(
    ("budget", "options"),
    [
        ("1e21", ("--flops", "1e21")),
        ("10^21 FLOPs", ("--flops", "1e21")),
        ("$2M", ("--gpus", "1024xH100", "--price", "2e6")),
        ("64xH100 2 weeks", ("--gpus", "64xH100", "--days", "14")),
        ("64 A100 for 30d", ("--gpus", "64xA100", "--days", "30")),
    ],
)
def test_the_budget_as_an_argument_is_that_of_the_options(run, budget, options):
    argument, option = run("plan", budget, "--json"), run("plan", *options, "--json")
    assert argument.exit_code == 0, argument.stderr
    assert argument.stdout == option.stdout


def test_money_alone_names_the_devices_that_it_assumes(run):
    assert "planned for 1024xH100" in run("plan", "$2M").stderr
    assert "planned for 8xH100" in run("plan", "$1000").stderr
    assert "default_devices" not in run("plan", "$2M", "--params", "7B", "--tokens", "140B").stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("70B",), "for a model of that size: isoflop plan 1e21 --params 70B"),
        (("plenty",), "expected FLOPs such as 1e21"),
        (("1e21", "--flops", "1e21"), "--flops: expected one of them"),
        (("--gpus", "8xH100", "--price", "€2M"), "state --price-per-hour in EUR"),
        (("8xH100 some time",), "expected FLOPs such as 1e21"),
    ],
)
def test_what_is_no_budget_is_refused(run, arguments, message):
    result = run("plan", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_device_of_ones_own_is_planned_for(answer, run, tmp_path):
    figures = ("--device-peak", "165e12", "--device-memory", "24GB", "--device-bandwidth", "1.0TB/s")
    budget = ("plan", "--law", "besiroglu2024", "--gpus", "8xMYGPU", "--days", "30")
    plan = answer(*budget, *figures, "--device-price", "0.4")
    assert plan["hours"] == pytest.approx(720, rel=1e-3)
    assert plan["price"] == pytest.approx(8 * 0.4 * plan["hours"])
    assert plan["bill"]["flops"] == pytest.approx(8 * 165e12 * plan["bill"]["utilization"]["expected"] * 720 * 3600)
    placed = answer(*budget, *figures, "--device-link", "25GB/s", "--device-product-share", "0.6")
    assert (placed["layout"]["device"], placed["price"]) == ("MYGPU", None)
    assert placed["hours"] == pytest.approx(720, rel=1e-2)
    file = tmp_path / "hardware.toml"
    file.write_text('[[devices]]\nname = "MYGPU"\npeak = 165e12\nmemory = "24GB"\nbandwidth = "1.0TB/s"\n')
    assert answer(*budget, "--hardware", str(file))["hours"] == plan["hours"]
    assert "did you mean RTX4090" in run("plan", "8xRTX4080 30d").stderr
    assert "needs --device-memory" in run(*budget, "--device-peak", "1e14").stderr
    assert "of which device?" in run("plan", "1e21", "--device-peak", "1e14").stderr
