"""The catalogue against published utilizations; the measurement against itself."""

import pytest

from isoflop.errors import InputError
from isoflop.hardware import HARDWARE, available_cores, hardware_named, measure_machine


def test_palm_utilization_from_the_catalogue():
    # Chowdhery et al. 2022: 238.3K tokens a second on 6,144 TPU v4, 45.7 % without attention.
    tpu = hardware_named("TPU v4")
    achieved = 238.3e3 * 6 * 540e9
    assert achieved / (6144 * tpu.peak_flops["bfloat16"]) == pytest.approx(0.457, abs=5e-4)


def test_mt_nlg_utilization_from_the_catalogue():
    # Chowdhery et al. 2022 on MT-NLG: 65.43K tokens a second on 2,240 A100, 29.7 % without attention.
    peak = hardware_named("a100").peak_flops["bfloat16"]
    assert 65.43e3 * 6 * 530e9 / (2240 * peak) == pytest.approx(0.297, abs=1e-3)


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


def test_every_device_names_its_source_and_no_price():
    for device in HARDWARE.values():
        assert device.source
        assert device.price_per_hour is None


def test_this_machine(tmp_path):
    machine = measure_machine(tmp_path / "not" / "there", seconds=0.1)
    assert machine.cores == available_cores() >= 1
    # from a slow board to a fast desktop core; a result in other units would be outside
    assert 1e8 < machine.matmul_flops_per_core < 1e13
    assert machine.memory_bytes > 2**28
    assert machine.disk_free_bytes > 0
    assert set(machine.as_json()) == {"cores", "matmul_flops_per_core", "memory_bytes", "disk_free_bytes"}


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
