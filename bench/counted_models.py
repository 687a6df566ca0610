"""The models of published configurations, as isoflop counts them, beside what their makers print.

    python bench/counted_models.py > docs/models.md

tests/arch/huggingface holds that transformers builds as many parameters from the same configurations.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from isoflop.arch.huggingface import read_model
from isoflop.arch.huggingface.read import READERS
from isoflop.units import format_bytes, format_number, format_quantity
from tests.arch.huggingface.released import RELEASED, Released

CONTEXT = 4096
INTRODUCTION = """# Models counted from their configurations

`isoflop count config.json` counts the model that a Hugging Face configuration describes, part by part: grouped and
latent attention, windows of some layers, norms of queries and keys, biases, tied tables, experts and shared experts.
Parameters are those that transformers builds from the same file, to the last one (a test). A field that may change the
count and that no reader knows is refused by name.

A kind without a reader is counted through transformers where that is installed (`pip install 'isoflop[hf]'`), on the
meta device and in a process of its own, and the answer says so (`counted_by_library`). Nothing is downloaded and no
code of a repository is run. Products and cache that cannot be known without a reader are left out: those of experts and
of windows.

Of a mixture of experts all parameters are stored and served, and FLOPs are those of the experts that a token uses, with
the whole router, the shared part and the head. "Used" has the table of the embedding, "in products" has it only where
it is the output head too: makers print either, as the last columns show, and some count layers that predict further
tokens. The cache is that of one sequence of 4,096 tokens in 16 bits."""


def main() -> None:
    """Print the page."""
    print(f"{INTRODUCTION}\n\nKinds that are read, by `model_type`: {', '.join(READERS)}.\n")
    print(f"Made by `python bench/{Path(__file__).name}`.\n")
    print("| model | printed | counted | difference | printed, used | used | difference | in products | cache |")
    print("|---|---|---|---|---|---|---|---|---|")
    for released in RELEASED:
        print(row(released))


def row(released: Released) -> str:
    """One model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(released.values))
        model = read_model(path).composed
    stored, used = model.params().total, model.active_params()
    cells = [released.name, format_quantity(released.printed, 3), f"{stored:,}", _apart(stored, released.printed)]
    if released.printed_active is None:
        cells += ["", "", ""]
    else:
        printed = released.printed_active
        cells += [format_quantity(printed, 3), format_quantity(used.total, 4), _apart(used.total, printed)]
    products = format_quantity(used.matmul, 4)
    if released.printed_active is not None:
        products += f" ({_apart(used.matmul, released.printed_active)})"
    return f"| {' | '.join([*cells, products, format_bytes(model.cache_bytes(CONTEXT))])} |"


def _apart(counted: float, printed: float) -> str:
    share = 100 * (counted / printed - 1)
    return f"{'+' if share >= 0 else '−'}{format_number(abs(share), 2)} %"


if __name__ == "__main__":
    main()
