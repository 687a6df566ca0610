import json
import sys

import pytest

from isoflop.runs.engines.job_report import SupervisorReport, read_report, supervise_and_report


def test_how_a_trainer_ended_comes_through_a_file(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "3")
    supervise_and_report(
        str(folder.path), [sys.executable, "-c", "raise ValueError('no corpus')"], str(tmp_path / "reports")
    )
    assert read_report(tmp_path / "reports", 3) == SupervisorReport(code=1, message="ValueError: no corpus")
    assert read_report(tmp_path / "reports", 0) is None


def test_a_keeper_that_fails_says_so(tmp_path, folder):
    supervise_and_report(str(folder.path), [str(tmp_path / "no program")], str(tmp_path / "reports"))
    report = read_report(tmp_path / "reports", 0)
    assert report is not None
    assert report.failed
    assert report.message.startswith("FileNotFoundError")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"code": "x", "message": "", "failed": false}', b"\x80\x04N."])
def test_what_is_no_report_is_none(tmp_path, content):
    (tmp_path / "task-0.json").write_bytes(content)
    assert read_report(tmp_path, 0) is None


def test_a_report_is_read_through_no_link(tmp_path):
    (tmp_path / "other").write_text(json.dumps({"code": 0, "message": "", "failed": False}))
    (tmp_path / "task-0.json").symlink_to(tmp_path / "other")
    assert read_report(tmp_path, 0) is None
