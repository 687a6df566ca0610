"""Shapes on devices: published utilisation, and what fits where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.test_architecture import ARCH
from isoflop.arch.devices import layout_of, on_devices
from isoflop.arch.layout import Layout, TrainingSetup
from isoflop.arch.published import published_shape
from isoflop.errors import InputError
from isoflop.hardware import hardware_named


@pytest.mark.parametrize(
    ("name", "count", "device", "tokens_per_second", "utilization"),
    [
        # Chowdhery et al. 2022, section 4.1 and Table 3
        ("palm-540b", 6144, "TPUv4", 238.3e3, 0.462),
        ("mt-nlg-530b", 2240, "A100", 65.43e3, 0.302),
        ("gopher-280b", 4096, "TPUv3", 0.0152 * 3072 * 2048, 0.325),
    ],
)
def test_published_speeds_are_their_published_utilisation(name, count, device, tokens_per_second, utilization):
    arch, seq_len = published_shape(name)
    actual = on_devices(arch, TrainingSetup(seq_len=seq_len, layout=layout_of(count)), hardware_named(device))
    assert actual.utilization(tokens_per_second) == pytest.approx(utilization, abs=6e-4)
    assert actual.layout == Layout(sharded=count)


def test_a_utilization_is_the_inverse_of_a_speed():
    arch, seq_len = published_shape("palm-540b")
    actual = on_devices(arch, TrainingSetup(seq_len=seq_len, layout=layout_of(6144)), hardware_named("TPUv4"))
    # Chowdhery et al. 2022, section 4.1: 46.2 % are 238.3K tokens a second
    assert actual.tokens_per_second(0.462) == pytest.approx(238.3e3, rel=1e-3)
    assert actual.utilization(actual.tokens_per_second(0.3)) == pytest.approx(0.3)
    for share in (0, -0.1, 1.01, 46.2):
        with pytest.raises(InputError, match="utilization: expected a share of the peak above 0 and up to 1"):
            actual.tokens_per_second(share)


def test_mt_nlg_530b_fits_as_it_was_laid_out():
    # Smith et al. 2022, section 2.3: 8-way tensor and 35-way pipeline parallel, 8 replicas on 280 nodes of eight A100
    arch, seq_len = published_shape("mt-nlg-530b")
    actual = on_devices(
        arch,
        TrainingSetup(seq_len=seq_len, layout=layout_of(2240, tensor=8, pipeline=35, sharded=1)),
        hardware_named("A100"),
    )
    assert actual.layout.data == 8
    assert actual.fits_recomputed
    alone = on_devices(arch, TrainingSetup(seq_len=seq_len, layout=Layout()), hardware_named("A100"))
    assert not alone.fits_recomputed


def test_json_holds_the_layout_and_what_follows():
    actual = on_devices(
        ARCH, TrainingSetup(seq_len=64, layout=Layout(sharded=4, data=2)), hardware_named("H100")
    ).as_json()
    assert (actual["device"], actual["count"], actual["fits"]) == ("H100", 8, True)
    assert actual["layout"] == {"data": 2, "sharded": 4, "tensor": 1, "pipeline": 1, "interleaved": 1, "expert": 1}
    assert actual["train_bytes"]["total"] > actual["train_recomputed_bytes"]["total"] > 0


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 16), st.integers(1, 16))
def test_remaining_devices_are_replicas(tensor, pipeline, sharded, data):
    count = tensor * pipeline * sharded * data
    assert layout_of(count, tensor=tensor, pipeline=pipeline, sharded=sharded).data == data
    assert layout_of(count, tensor=tensor, pipeline=pipeline).sharded == sharded * data


def test_stages_may_be_interleaved():
    assert layout_of(280, tensor=8, pipeline=35, interleaved=3).interleaved == 3
    with pytest.raises(InputError, match="3 interleaved pieces of a stage need stages"):
        layout_of(280, tensor=8, interleaved=3)


@pytest.mark.parametrize("ways", [{"tensor": 3}, {"sharded": 7}, {"tensor": 16}, {"pipeline": 5, "tensor": 2}])
def test_ways_that_do_not_divide_the_devices_are_refused(ways):
    with pytest.raises(InputError, match="layout: expected tensor x pipeline x sharded to divide 8 devices, got"):
        layout_of(8, **ways)


def test_a_format_without_a_peak_is_refused():
    with pytest.raises(InputError, match="TPUv4: expected a format of bfloat16, got 'float8'"):
        on_devices(ARCH, TrainingSetup(seq_len=64, layout=Layout()), hardware_named("TPUv4"), dtype="float8")
