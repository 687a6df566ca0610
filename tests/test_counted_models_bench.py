"""bench/counted_models.py: the page that has its table."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_is_what_the_bench_prints(capsys):
    spec = importlib.util.spec_from_file_location("counted_models", ROOT / "bench" / "counted_models.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    assert capsys.readouterr().out == (ROOT / "docs" / "models.md").read_text()
