"""python -m isoflop.train.count_config < config.json: what transformers builds of a configuration, on the meta device.

Nothing is downloaded, no code but that of the installed library is run, and no weights are made: only shapes. Prints
one JSON object: {"version", "params", "embedding", "output_head", "tied", "context", "vocab_size", "known", "contexts",
"forward_flops"}; or {"problem"} in words, where the library cannot build it.
"""

from __future__ import annotations

import json
import os
import sys

# Read by the libraries when they are imported: nothing may be fetched, whatever the configuration names.
os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "critical"}

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

_REMOTE = (
    "auto_map",
    "custom_pipelines",
    "quantization_config",
    "_name_or_path",
    "_commit_hash",
    "dtype",
    "torch_dtype",
)
"""Fields that name code, places or formats, none of which says how large the model is."""
CONTEXTS = (64, 128, 192)
"""Tokens of the sequences whose products are counted: three, to see that their number a token is a line."""


def counted(values: dict[str, object]) -> dict[str, object]:
    """Sizes of the model of `values`, its fields that the library knows, and FLOPs of a forward pass."""
    values = {name: value for name, value in values.items() if name not in _REMOTE}
    kind = str(values.pop("model_type"))
    config = transformers.AutoConfig.for_model(kind, **values)
    blank = transformers.AutoConfig.for_model(kind)
    known = {*blank.to_dict(), *type(config).attribute_map, *type(config).attribute_map.values()}
    text = config.get_text_config(decoder=True)
    if text is not config:
        raise ValueError("it describes more than a language model, and not under text_config")
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False, attn_implementation="eager"
        )
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    tied = head is not None and head.weight is table.weight
    return {
        "version": transformers.__version__,
        "params": sum(tensor.numel() for tensor in model.parameters()),
        "embedding": table.weight.numel(),
        "output_head": 0 if head is None or tied else head.weight.numel(),
        "tied": tied,
        "vocab_size": table.weight.shape[0],
        "context": getattr(config, "max_position_embeddings", None),
        "known": sorted(known),
        "contexts": list(CONTEXTS),
        "forward_flops": _forward_flops(model),
    }


def _forward_flops(model: torch.nn.Module) -> list[int] | None:
    """FLOPs of a forward pass of one sequence of each of CONTEXTS tokens; None where it cannot be run without values.

    Experts are chosen by values, which the meta device has not.
    """
    model.eval()
    found = []
    for length in CONTEXTS:
        tokens = torch.ones((1, length), dtype=torch.long, device="meta")
        try:
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                model(input_ids=tokens, attention_mask=tokens, use_cache=False)
        except Exception:  # any model's code may ask for values, in any way
            return None
        found.append(counter.get_total_flops())
    return found


def main() -> int:
    """Answers the configuration on standard input."""
    try:
        answer = counted(json.load(sys.stdin))
    except Exception as error:  # whatever the library says of odd values is the answer
        lines = str(error).strip().splitlines() or [type(error).__name__]
        words = lines[0].split(". ")[0][:300]
        answer = {"problem": f"{type(error).__name__}: {words}"}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
