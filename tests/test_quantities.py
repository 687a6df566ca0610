"""Numbers of objectives, limits and devices may be text; what is no quantity is refused when the value is made."""

import pickle
from dataclasses import replace

import pytest

import isoflop
from isoflop.codec import fields_to_json
from isoflop.errors import InputError


@pytest.mark.parametrize(
    ("by_text", "by_number"),
    [
        (isoflop.FixedParams(params="70B"), isoflop.FixedParams(params=70e9)),
        (isoflop.FixedTokens(tokens="1.4T"), isoflop.FixedTokens(tokens=1.4e12)),
        (isoflop.FixedRatio(tokens_per_param="20"), isoflop.FixedRatio(tokens_per_param=20)),
        (isoflop.InferenceDemand(tokens="1 trillion"), isoflop.InferenceDemand(tokens=1e12)),
        (isoflop.LimitedData(unique_tokens="300B"), isoflop.LimitedData(unique_tokens=300e9)),
        (isoflop.ServingLimit(memory_bytes="80GB"), isoflop.ServingLimit(memory_bytes=80e9)),
        (
            isoflop.Cluster.parse("8xH100", days="1 week", max_price="$2K", price_per_hour="$2"),
            isoflop.Cluster.parse("8xH100", days=7, max_price=2000, price_per_hour=2.0),
        ),
    ],
)
def test_text_is_the_number_that_it_writes(by_text, by_number):
    assert by_text == by_number
    assert fields_to_json(by_text) == fields_to_json(by_number)
    assert pickle.loads(pickle.dumps(by_text)) == by_text
    assert replace(by_text) == by_text


def test_a_latency_has_its_unit():
    on = isoflop.hardware_named("H100")
    assert isoflop.ServingLimit(latency_seconds="20ms", hardware=on).latency_seconds == 0.02
    assert isoflop.ServingLimit(latency_seconds=0.02, hardware=on).memory_bytes is None


@pytest.mark.parametrize("wrong", ["seventy", "-70B", 0, float("nan"), float("inf"), "1,5B"])
def test_what_is_no_quantity_is_refused(wrong):
    with pytest.raises(InputError, match="params: expected"):
        isoflop.FixedParams(params=wrong)


def test_a_field_without_a_value_is_missing():
    with pytest.raises(TypeError, match="params"):
        isoflop.FixedParams()


def test_functions_take_text_too():
    law = isoflop.published_law("besiroglu2024")
    assert isoflop.predict(law, "70B", "1.4T") == isoflop.predict(law, 70e9, 1.4e12)
    assert isoflop.flops_for_loss(law, "2.0") == isoflop.flops_for_loss("besiroglu2024", 2.0)
    assert isoflop.nearest_shape("7B") == isoflop.nearest_shape(7e9)
