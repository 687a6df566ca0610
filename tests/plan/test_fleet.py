"""Hours and money."""

import pytest

from isoflop.errors import InputError
from isoflop.laws import published_law
from isoflop.plan import Fleet, make_plan


def test_a_fleets_own_budget_takes_its_days():
    fleet = Fleet.parse("512xH100", days=30)
    assert fleet.flops() == pytest.approx(512 * 989.4e12 * 0.4 * 30 * 86400)
    bill = fleet.bill(fleet.flops())
    assert bill.hours == pytest.approx(720)
    assert bill.device_hours == pytest.approx(720 * 512)
    assert bill.notices == ()
    assert bill.price is None


def test_a_missed_deadline_is_said():
    plan = make_plan(published_law("besiroglu2024"), 5.76e23, fleet=Fleet.parse("64xA100", days=30, price_per_hour=1.5))
    assert "misses_deadline" in {notice.code for notice in plan.notices}
    assert plan.bill.hours == pytest.approx(5.76e23 / (64 * 312e12 * 0.4) / 3600)
    assert plan.bill.price == pytest.approx(1.5 * plan.bill.device_hours)


@pytest.mark.parametrize("text", ["H100", "0xH100", "512xH1000", "-3xH100", "512x"])
def test_a_fleet_that_is_none_is_refused(text):
    with pytest.raises(InputError):
        Fleet.parse(text)


@pytest.mark.parametrize("utilization", [0, 1.5, -1])
def test_a_utilization_outside_its_range_is_refused(utilization):
    with pytest.raises(InputError, match="--utilization"):
        Fleet.parse("8xH100", utilization=utilization)


def test_devices_without_days_are_no_budget():
    with pytest.raises(InputError, match="--days"):
        Fleet.parse("8xH100").flops()
