"""Public tables that lie beside the repository, not in it."""

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(name: str) -> Path:
    """The file; skips the test where it is absent."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"needs {path}")
    return path
