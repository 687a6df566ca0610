"""The catalogue against published utilizations; the measurement against itself."""

import re

import pytest

from isoflop.codec import to_json
from isoflop.errors import InputError
from isoflop.hardware import (
    available_cores,
    hardware_catalogue,
    hardware_named,
    measure_machine,
)


def test_palm_utilization_from_the_catalogue():
    # Chowdhery et al. 2022: 238.3K tokens a second on 6,144 TPU v4, 45.7 % without attention, 46.2 % with.
    peak = 6144 * hardware_named("TPU v4").peak_flops["bfloat16"]
    assert 238.3e3 * 6 * 540e9 / peak == pytest.approx(0.457, abs=5e-4)
    attention = 12 * 118 * 48 * 256 * 2048
    assert 238.3e3 * (6 * 540e9 + attention) / peak == pytest.approx(0.462, abs=5e-4)


def test_mt_nlg_utilization_from_the_catalogue():
    # Chowdhery et al. 2022 on MT-NLG: 65.43K tokens a second on 2,240 A100, 29.7 % without attention, 30.2 % with.
    peak = 2240 * hardware_named("a100").peak_flops["bfloat16"]
    assert 65.43e3 * 6 * 530e9 / peak == pytest.approx(0.297, abs=1e-3)
    attention = 12 * 105 * 20480 * 2048
    assert 65.43e3 * (6 * 530e9 + attention) / peak == pytest.approx(0.302, abs=1e-3)


def test_gopher_utilization_from_the_catalogue():
    # Chowdhery et al. 2022 on Gopher: 0.0152 steps a second of 3,072 sequences on 4,096 TPU v3, with attention
    peak = 4096 * hardware_named("TPUv3").peak_flops["bfloat16"]
    per_token = 6 * 280e9 + 12 * 80 * 16384 * 2048
    assert 0.0152 * 3072 * 2048 * per_token / peak == pytest.approx(0.325, abs=5e-4)


@pytest.mark.parametrize(("per_device", "share"), [(430e12, 0.43), (400e12, 0.41), (380e12, 0.38)])
def test_llama_3_utilization_from_the_catalogue(per_device, share):
    # Grattafiori et al. 2024, Table 4, both columns rounded to two digits
    assert per_device / hardware_named("H100").peak_flops["bfloat16"] == pytest.approx(share, abs=0.006)


def test_hours_and_flops_are_inverse():
    gpu = hardware_named("H100")
    hours = gpu.hours(1e22, count=64, utilization=0.4)
    assert gpu.flops_in(hours, count=64, utilization=0.4) == pytest.approx(1e22)
    assert hours == pytest.approx(1e22 / (64 * 989.4e12 * 0.4) / 3600)


@pytest.mark.parametrize("utilization", [0.0, -0.1, 1.01])
def test_a_utilization_outside_its_range_is_refused(utilization):
    with pytest.raises(InputError, match="utilization"):
        hardware_named("H100").hours(1e20, count=1, utilization=utilization)


def test_unknown_devices_and_formats_list_the_known_ones():
    with pytest.raises(InputError, match="A100.*TPUv4"):
        hardware_named("H1000")
    with pytest.raises(InputError, match="bfloat16"):
        hardware_named("TPUv3").hours(1e20, count=1, utilization=0.4, dtype="float8")


@pytest.mark.parametrize("device", hardware_catalogue().values(), ids=lambda device: device.name)
def test_every_device_names_its_sources(device):
    assert device.source
    # a price never goes without who says so and the year
    assert (device.price_per_hour is None) == (device.price_source == "")
    assert device.price_per_hour is None or re.search(r"20\d\d", device.price_source)
    assert device.peak_flops[device.training_format] == max(
        peak for dtype, peak in device.peak_flops.items() if dtype != "float8"
    )
    # between an early accelerator and the next generations: another unit would be outside
    assert 5e13 < device.peak_flops[device.training_format] < 1e16
    assert 1e10 < device.memory_bytes < 1e12
    assert 2e11 < device.bandwidth < 2e13
    assert device.watts is None or 50 < device.watts < 2000


def test_what_is_not_known_is_not_guessed():
    unstated = {device.name for device in hardware_catalogue().values() if device.watts is None}
    assert unstated == {"TPUv5e", "TPUv5p", "TPUv6e", "Trainium2", "GH200"}
    with_price = {device.name for device in hardware_catalogue().values() if device.price_per_hour is not None}
    assert with_price == {"A100", "H100", "H200", "B200", "MI300X", "TPUv3", "TPUv4", "TPUv5e", "TPUv5p"}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("h100", "H100"),
        ("H100 SXM", "H100"),
        ("h100-pcie", "H100-PCIe"),
        ("A100-80GB", "A100"),
        ("a100 40gb", "A100-40GB"),
        ("TPU v5e", "TPUv5e"),
        ("tpu-v5p", "TPUv5p"),
        ("mi300x", "MI300X"),
        ("RTX 4090", "RTX4090"),
        ("rtx a6000", "A6000"),
        ("l40s", "L40S"),
        ("trn2", "Trainium2"),
    ],
)
def test_devices_are_known_as_people_write_them(written, name):
    assert hardware_named(written).name == name


@pytest.mark.parametrize(
    ("name", "peak", "memory", "bandwidth"),
    [
        # units x dense FLOP of a unit in a clock, sums in 32 bits (GeForce cards: at half rate) x boost clock;
        # bits of the bus / 8 x rate of a pin
        ("RTX3090", 82 * 512 * 1.695e9, 24e9, 384 / 8 * 19.5e9),
        ("A6000", 84 * 1024 * 1.8e9, 48e9, 384 / 8 * 16e9),
        ("RTX4090", 128 * 512 * 2.52e9, 24e9, 384 / 8 * 21e9),
        ("RTX5090", 170 * 512 * 2.407e9, 32e9, 512 / 8 * 28e9),
        ("L40S", 142 * 1024 * 2.49e9, 48e9, 384 / 8 * 18e9),
        ("T4", 40 * 1024 * 1.59e9, 16e9, 256 / 8 * 10e9),
        ("A10", 72 * 1024 * 1.695e9, 24e9, 384 / 8 * 12.5e9),
        ("L4", 58 * 1024 * 2.04e9, 24e9, 192 / 8 * 12.5e9),
        ("MI250X", 220 * 1024 * 1.7e9, 128e9, 8192 / 8 * 3.2e9),
        ("MI325X", 304 * 2048 * 2.1e9, 256e9, 8192 / 8 * 6e9),
        ("MI355X", 256 * 4096 * 2.4e9, 288e9, 8192 / 8 * 8e9),
    ],
)
def test_dense_peaks_and_bandwidths_follow_from_units_and_clocks(name, peak, memory, bandwidth):
    device = hardware_named(name)
    assert device.peak_flops[device.training_format] == pytest.approx(peak, rel=0.02)
    assert device.memory_bytes == memory
    assert device.bandwidth == pytest.approx(bandwidth, rel=0.03)


def test_no_two_devices_share_a_name():
    names = [name.lower() for device in hardware_catalogue().values() for name in (device.name, *device.aliases)]
    assert len(names) == len(set(names))


def test_a_device_without_bfloat16_trains_in_float16():
    v100 = hardware_named("V100")
    assert v100.training_format == "float16"
    # GPT-3's 3.14e23 FLOPs (Brown et al. 2020) at the published 21.3 %: some 3.3 million device hours
    assert v100.hours(3.14e23, count=1, utilization=0.213) == pytest.approx(3.14e23 / (125e12 * 0.213) / 3600)
    with pytest.raises(InputError, match="float16"):
        v100.hours(1e20, count=1, utilization=0.4, dtype="bfloat16")


def test_this_machine(tmp_path):
    machine = measure_machine(tmp_path / "not" / "there", seconds=0.1)
    assert machine.cores == available_cores() >= 1
    # from a slow board to a fast desktop core; a result in other units would be outside
    assert 1e8 < machine.matmul_flops_per_core < 1e13
    assert machine.memory_bytes > 2**28
    assert machine.disk_free_bytes > 0
    assert set(to_json(machine)) == {"cores", "matmul_flops_per_core", "memory_bytes", "disk_free_bytes"}


def test_measuring_uses_one_thread_whatever_the_caller_set(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "isoflop.hardware._MATMUL_SCRIPT",
        "import os, json; print(json.dumps(float(os.environ['OMP_NUM_THREADS'])))",
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert measure_machine(tmp_path, seconds=0).matmul_flops_per_core == 1.0


def test_a_failing_measurement_says_what_happened(monkeypatch, tmp_path):
    monkeypatch.setattr("isoflop.hardware._MATMUL_SCRIPT", "raise SystemExit('no numpy here')")
    with pytest.raises(InputError, match="no numpy here"):
        measure_machine(tmp_path)
