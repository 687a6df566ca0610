"""The study that version 0.1.0 finished, unpacked."""

import tarfile

import pytest
from study.conftest import ARCHIVE


@pytest.fixture
def study(tmp_path):
    """Its folder."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "study"
