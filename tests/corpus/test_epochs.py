import pytest

from isoflop.corpus import check_epochs
from isoflop.errors import InputError


def test_one_epoch_is_silent_more_warn_and_above_four_refuse():
    assert check_epochs(1000, 1000) == []
    (notice,) = check_epochs(4000, 1000)
    assert notice.code == "repeated_data"
    with pytest.raises(InputError, match=r"4.1 epochs of 1K; expected at most 4. Give more text"):
        check_epochs(4100, 1000)
    assert check_epochs(4100, 1000, allow=True)[0].code == "repeated_data"
