"""A device of one's own has what was stated, and an unknown one is refused."""

import pytest

from isoflop.errors import InputError
from isoflop.hardware import hardware_named
from isoflop.own_hardware import DeviceFigures, device_named, read_devices
from isoflop.plan.layout_search import find_layout

FIGURES = DeviceFigures(peak=165e12, memory="24GB", bandwidth="1.0TB/s")


def test_the_figures_of_options_make_a_device():
    device = device_named("MYGPU", figures=FIGURES)
    assert device.peak_flops == {"bfloat16": 165e12}
    assert (device.memory_bytes, device.bandwidth) == (24e9, 1e12)
    assert (device.source, device.price_per_hour, device.product_share) == ("given", None, None)


def test_an_unknown_device_is_refused_with_near_names_and_never_guessed():
    with pytest.raises(InputError, match="did you mean RTX4090.*--device-peak"):
        device_named("RTX4080")
    with pytest.raises(InputError, match="'RTX4080' is not in the catalogue.*needs --device-bandwidth too"):
        device_named("RTX4080", figures=DeviceFigures(peak=1e14, memory="16GB"))


def test_a_catalogued_device_takes_the_stated_figures():
    device, known = device_named("H100", figures=DeviceFigures(memory="94GB")), hardware_named("H100")
    assert device.memory_bytes == 94e9
    assert device.peak_flops == known.peak_flops
    assert device.source.endswith("memory as given")
    assert device_named("V100", figures=DeviceFigures(peak=1e14)).training_format == "float16"


def test_links_and_a_product_share_give_a_layout():
    from isoflop.arch.published import published_shape

    shape, seq_len = published_shape("llama3-8b")
    linked = DeviceFigures(
        peak=165e12, memory="24GB", bandwidth="1.0TB/s", link="25GB/s", network=3e9, node_devices=8, product_share=0.6
    )
    device = device_named("MYGPU", count=64, figures=linked)
    found = find_layout(shape, seq_len, device, 64, batch=256)
    assert found.device == "MYGPU"
    assert found.layout.devices == 64
    assert 0 < found.time.utilization < 0.6
    alone = DeviceFigures(peak=165e12, memory="24GB", bandwidth="1.0TB/s", link="25GB/s")
    assert device_named("MYGPU", count=16, figures=alone).node_devices == 16


FILE = """
[[devices]]
name = "Our card"
peak = "165T"
format = "float16"
memory = "24GiB"
bandwidth = "1.0TB/s"
link = 25e9
node_devices = 4
product_share = 0.6
watts = 300
price_per_hour = "0.4 EUR"
source = "our own measurement"
"""


def test_a_file_of_devices_comes_before_the_catalogue(tmp_path):
    path = tmp_path / "hardware.toml"
    path.write_text(FILE + FILE.replace("Our card", "h100").replace("165T", "9e14"))
    card = device_named("our-card", file=path)
    assert (card.training_format, card.peak_flops["float16"], card.memory_bytes) == ("float16", 165e12, 24 * 2**30)
    assert (card.node_devices, card.node_bandwidth, card.price_per_hour, card.watts) == (4, 25e9, 0.4, 300)
    assert card.source == "our own measurement (hardware.toml)"
    assert device_named("H100", file=path).peak_flops == {"float16": 9e14}
    assert device_named("A100", file=path) == hardware_named("A100")
    with pytest.raises(InputError, match="hardware.toml has Our card, h100"):
        device_named("other", file=path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected tables"),
        ("devices = 3", "expected tables"),
        ("x =", "expected a TOML file"),
        (FILE.replace("peak =", "peek ="), "unknown 'peek': did you mean peak"),
        (FILE.replace('memory = "24GiB"', ""), "Our card: expected memory too"),
        (FILE.replace('"24GiB"', '"24"').replace("165T", "fast"), "--device-peak: expected a number"),
        (FILE.replace("link = 25e9", ""), "link and node_devices: expected both or neither"),
        (FILE.replace("0.6", "1.6"), "expected a share up to 1"),
        (FILE.replace("watts = 300", "watts = -1"), "watts: expected a number above zero"),
        (FILE.replace("node_devices = 4", "node_devices = 1.5"), "expected a whole number"),
        (FILE.replace('"float16"', '"int8"'), "expected bfloat16 or float16"),
        (FILE.replace("25e9", "true"), "link: expected a number"),
        (FILE + FILE, "device 2: 'Our card' stands twice"),
    ],
)
def test_a_file_with_a_problem_is_refused_by_it(tmp_path, text, problem):
    path = tmp_path / "hardware.toml"
    path.write_text(text)
    with pytest.raises(InputError, match="--hardware") as caught:
        read_devices(path)
    assert problem in str(caught.value)


def test_a_missing_file_and_bytes_are_refused(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("none.toml", "bytes"):
        with pytest.raises(InputError, match="expected a TOML file"):
            read_devices(tmp_path / name)
