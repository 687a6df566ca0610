"""The whole loop in small, for the families that the other tests of a study do not train."""

import json

import pytest

from isoflop.runs.folder import run_folders

from .tiny import OPTIONS, RUNS, call, isoflop


@pytest.mark.parametrize("family", ["gpt"])
def test_a_study_of_another_family_goes_from_text_to_a_scored_forecast(family, text_folder, tmp_path):
    study = tmp_path / "study"
    code, stdout, stderr = isoflop("study", study, "--text", text_folder, "--family", family, *OPTIONS)
    assert code == 0, stderr
    assert "Planned against larger" in stdout
    status = json.loads(call("status", study, "--json").stdout)
    assert status["runs"] == {"done": RUNS, "failed": 0, "running": 0, "waiting": 0}
    assert status["forecast"]["actual"] is not None
    specs = [folder.read_spec() for folder in run_folders(study / "runs")]
    assert {spec.architecture.family for spec in specs} == {family}
    if family == "palm":
        assert {spec.architecture.n_kv_heads for spec in specs} == {1}
        assert max(spec.architecture.n_heads for spec in specs) > 1
        assert {spec.z_loss for spec in specs} == {1e-4}
    else:
        assert {spec.architecture.n_positions for spec in specs} == {32}
    # more tokens than the context of 32, which learned positions end with
    code, stdout, stderr = isoflop("generate", study, "--prompt", "The", "--tokens", "80")
    assert code == 0, stderr
    assert stdout.startswith("The")
