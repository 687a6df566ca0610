from __future__ import annotations

import numpy as np
import pytest

from isoflop.report.fitted_runs import FittedRuns
from isoflop.report.panel import Absent
from isoflop.report.panels.landscape import landscape


def test_published_systems_stand_where_6nd_puts_them(study_runs: FittedRuns) -> None:
    values = landscape(study_runs)
    assert not isinstance(values, Absent)
    at = {mark.label: (mark.flops, mark.value) for mark in values.systems}
    # 6 N D of the printed N and D (Hoffmann et al. 2022, Table 1; Chowdhery et al. 2022, Table 21).
    assert at["Gopher 280B"] == (pytest.approx(5.04e23), 280e9)
    assert at["MT-NLG 530B"] == (pytest.approx(8.586e23), 530e9)
    assert at["Chinchilla 70B"] == (pytest.approx(5.88e23), 70e9)
    assert at["PaLM 540B"] == (pytest.approx(2.5272e24), 540e9)
    assert at["140B on 3T"] == (pytest.approx(2.52e24), 140e9)
    for law in values.published:
        best = float(np.exp(np.interp(np.log(5.04e23), np.log(law.flops), np.log(law.values))))
        assert best < 280e9 / 3, law.name
    assert values.flops_range[1] == 1e25
