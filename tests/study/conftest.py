"""The study that version 0.1.0 finished, unpacked: a whole study without training one."""

import tarfile
from pathlib import Path

import pytest

ARCHIVE = Path(__file__).parents[1] / "golden" / "study-0.1.0.tar.xz"


@pytest.fixture
def old_study(tmp_path) -> Path:
    """Its folder."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "study"
