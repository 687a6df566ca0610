"""Seconds of a step: against published runs, and against what must hold for any layout."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.test_architecture import ARCH
from isoflop.arch.layout import Layout, TrainingSetup
from isoflop.arch.published import published_shape
from isoflop.arch.step_time import PUBLISHED_OVER_PREDICTED, step_time
from isoflop.errors import InputError
from isoflop.hardware import hardware_catalogue, hardware_named

H100, A100 = hardware_named("H100"), hardware_named("A100")
LLAMA, SEQ_LEN = published_shape("llama3-8b")
PAGE = Path(__file__).parents[2] / "docs" / "devices.md"


def bench():
    """bench/devices.py, which has the published runs."""
    path = Path(__file__).parents[2] / "bench" / "devices.py"
    spec = importlib.util.spec_from_file_location("bench_devices", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


BENCH = bench()
RUNS = BENCH.published_runs()


@pytest.mark.parametrize(
    "run", RUNS, ids=lambda run: f"{run.name}-{run.layout.devices}-{run.recompute}-{run.source[:5]}"
)
def test_published_runs_within_ten_per_cent_but_for_those_that_the_page_explains(run):
    off = [] if run.seconds is None else [run.time().seconds / run.seconds - 1]
    off += [] if run.bytes is None else [run.memory() / run.bytes - 1]
    assert off
    assert (max(map(abs, off)) <= 0.1) == run.held
    assert max(map(abs, off)) < 0.25


def test_the_range_holds_every_published_step_and_no_more():
    ratios = [run.seconds / run.time().seconds for run in RUNS if run.seconds is not None]
    assert (min(ratios), max(ratios)) == pytest.approx(PUBLISHED_OVER_PREDICTED, abs=5e-4)
    time = RUNS[0].time()
    assert time.seconds_range[0] < time.seconds < time.seconds_range[1]
    assert time.utilization_range[0] * time.seconds_range[1] == pytest.approx(time.utilization * time.seconds)


def test_three_families_of_published_runs_hold():
    assert {"MT-NLG 530B", "PaLM 540B", "Llama 3.1 8B"} <= {run.name for run in RUNS if run.held}
    assert any(run.held and run.seconds and run.bytes for run in RUNS)


def test_the_page_has_the_table_that_the_bench_makes():
    page = PAGE.read_text()
    for run in RUNS:
        assert "| " + " | ".join(BENCH.row(run)) + " |" in page


@pytest.mark.parametrize("device", BENCH.MOSAIC)
def test_the_catalogues_shares_are_those_that_the_bench_finds(device):
    assert hardware_named(device).product_share == pytest.approx(BENCH.calibrated(device), abs=6e-4)


def time_of(layout, *, hardware=H100, batch=64, **options):
    return step_time(LLAMA, TrainingSetup(seq_len=SEQ_LEN, layout=layout, **options), hardware, batch=batch)


def test_one_device_by_hand():
    # products of 6 N and attention over all pairs at 47.7 % of the peak, and the rest from the data sheet's bandwidth
    actual = time_of(Layout(), batch=2, sequences=2)
    flops = 2 * SEQ_LEN * (6 * LLAMA.params().matmul + 12 * 32 * 4096 * SEQ_LEN)
    values = 2 * SEQ_LEN * (32 * 5 * 2 * (4 * 4096 + 3 * 14_336 + 2 * (4096 + 1024)) + 2 * 12 * 128_256)
    assert actual.compute == pytest.approx(flops / (0.477 * 989.4e12) + values / 3.35e12)
    assert actual.tensor == actual.sharded == actual.pipeline == actual.data == 0


def test_the_bubble_is_the_stages_less_one_over_the_micro_batches():
    # Narayanan et al. 2021, section 2.2: (p - 1) / (v m)
    plain, dealt = (
        step_time(
            BENCH.MT_NLG,
            TrainingSetup(seq_len=2048, layout=Layout(tensor=8, pipeline=35, interleaved=v)),
            A100,
            batch=280,
        )
        for v in (1, 3)
    )
    assert plain.pipeline / (plain.compute + plain.tensor) == pytest.approx(34 / 280, rel=0.1)
    assert plain.pipeline > 1.8 * dealt.pipeline


def test_gradients_of_replicas_by_hand():
    # a ring sends each device's 2-byte gradients twice, less a share, over its 400 Gb/s
    actual = time_of(Layout(data=2, sharded=8), batch=64)
    assert actual.data == pytest.approx(2 * 2 * LLAMA.params().total / 8 / 2 / (50e9 * 370 / 450), rel=1e-6)


@given(st.sampled_from([1, 2, 4, 8]), st.sampled_from([8, 16, 32]), st.sampled_from([1, 2]))
def test_more_devices_take_less_time(tensor, sharded, sequences):
    few = time_of(Layout(sharded=sharded, tensor=tensor), batch=128, sequences=sequences)
    many = time_of(Layout(sharded=2 * sharded, tensor=tensor), batch=128, sequences=sequences)
    assert many.seconds < few.seconds
    assert many.tokens == few.tokens
    assert 0 < many.utilization <= few.utilization * (1 + 1e-9) < 1


@given(st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4]))
def test_recomputation_takes_longer(tensor, pipeline):
    seconds = [
        time_of(Layout(sharded=8, tensor=tensor, pipeline=pipeline), recompute=recompute).seconds
        for recompute in ("none", "selective", "full")
    ]
    assert seconds == sorted(seconds)
    assert seconds[0] < seconds[1] < seconds[2] < 1.5 * seconds[0]


@given(st.sampled_from([1, 2, 8]), st.sampled_from([1, 8]), st.sampled_from([1, 4]))
def test_the_parts_add_up(data, sharded, pipeline):
    actual = time_of(Layout(data=data, sharded=sharded, pipeline=pipeline))
    json = actual.as_json()
    assert sum(json["seconds_by_part"].values()) == pytest.approx(json["seconds"])
    assert min(json["seconds_by_part"].values()) >= 0
    assert json["tokens_per_second"] * json["seconds"] == pytest.approx(64 * SEQ_LEN)


@pytest.mark.parametrize(
    ("hardware", "layout", "message"),
    [
        ("B200", Layout(), "B200: no published runs say how fast its products are in training"),
        ("H100", Layout(sharded=7), "batch: expected a multiple of 7 x 1 sequences, .* got 64"),
        ("H100", Layout(sharded=128), "batch: expected a multiple of 128 x 1 sequences"),
    ],
)
def test_an_unknown_step_time_is_an_error(hardware, layout, message):
    with pytest.raises(InputError, match=message):
        time_of(layout, hardware=hardware_named(hardware))


def test_unknown_links_are_an_error_only_where_they_are_needed():
    alone = replace(H100, node_devices=None, node_bandwidth=None)
    assert step_time(ARCH, TrainingSetup(seq_len=64, layout=Layout()), alone, batch=4).seconds > 0
    with pytest.raises(InputError, match="its links are not in the catalogue"):
        step_time(ARCH, TrainingSetup(seq_len=64, layout=Layout(sharded=2)), alone, batch=4)
    one_node = replace(H100, network_bandwidth=None)
    assert step_time(ARCH, TrainingSetup(seq_len=64, layout=Layout(sharded=8)), one_node, batch=16).seconds > 0
    with pytest.raises(InputError, match="the network between its nodes is not in the catalogue"):
        step_time(ARCH, TrainingSetup(seq_len=64, layout=Layout(sharded=16)), one_node, batch=16)


@pytest.mark.parametrize("device", hardware_catalogue().values(), ids=lambda device: device.name)
def test_what_the_catalogue_says_of_links_and_products_has_a_source(device):
    assert (device.node_devices is None) == (device.node_bandwidth is None) == (not device.links_source)
    assert (device.product_share is None) == (not device.product_source)
    if device.network_bandwidth is not None:
        assert device.network_bandwidth < device.node_bandwidth < device.bandwidth
    if device.product_share is not None:
        assert 0.3 < device.product_share < 0.9


def test_the_page_lists_the_catalogue():
    rows = {f"| {' | '.join(BENCH.catalogue_row(device))} |" for device in hardware_catalogue().values()}
    assert not rows - set(PAGE.read_text().splitlines())
