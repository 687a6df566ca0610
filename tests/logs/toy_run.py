"""The run that every library of a fixture logs, as `tests/golden/logs/write.py` states it."""

import runpy
from pathlib import Path
from types import SimpleNamespace

GOLDEN = Path(__file__).parents[1] / "golden" / "logs"
# Not by way of sys.path: the folders of fixtures have the names of the libraries that wrote them.
toy = SimpleNamespace(**runpy.run_path(str(GOLDEN / "write.py"), run_name="write"))
