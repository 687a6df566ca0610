"""python -m isoflop.train.generate RUN_DIR: text from a trained model, and what serving it costs.

Prints the continuation of --prompt, or with --measure one JSON object: tokens per second with a key-value cache and
bytes of memory.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from isoflop.arch import kv_cache_bytes, serve_bytes
from isoflop.corpus import load_tokenizer
from isoflop.errors import InputError, IsoflopError
from isoflop.runs.folder import RunFolder
from isoflop.spec import RunSpec
from isoflop.train.__main__ import use_device
from isoflop.train.loop import corpus_of
from isoflop.train.model import LanguageModel, build
from isoflop.train.weights import load_weights

SERVED_SEQUENCES = 32
"""Sequences decoded at once when serving is measured: enough for arithmetic to dominate Python's overhead."""
MEASURED_ROUNDS = 3


def trained_model(folder: RunFolder, device: str) -> tuple[RunSpec, LanguageModel]:
    """Spec and model of a finished run. Raises InputError when it has no result."""
    spec = folder.read_spec()
    result = folder.read_result()
    if result is None or result.status != "done":
        raise InputError(f"{folder.path}: this run has not finished; train it first with `isoflop run`")
    model = build(spec.architecture, device=device)
    load_weights(folder.weights, model)
    return spec, model.eval()


@torch.inference_mode()
def continue_tokens(
    model: LanguageModel,
    prompt: list[int],
    count: int,
    *,
    temperature: float,
    seed: int,
    stop: int,
    context: int | None = None,
) -> Iterator[int]:
    """Up to `count` tokens after `prompt`, sampled at `temperature` (0: the likeliest), ending before token `stop`.

    The model reads at most `context` tokens, the length that it was trained with: no family predicts well at positions
    that it never saw in training. When the context is full, generation continues from its later half; of a longer
    prompt only the end is read. None: as many as there are learned positions, or all.
    """
    device = model.embedding.device
    generator = torch.Generator().manual_seed(seed)
    longest = min(context or len(prompt) + count, model.arch.n_positions or len(prompt) + count)
    model.positions(0, longest, device)  # cached for the whole length at once
    text = list(prompt)
    caches, tokens = model.caches(1, longest), torch.tensor([text[-longest:]], device=device)
    for _ in range(count):
        if caches[0].length + tokens.shape[1] > longest:
            # half, not all but one: the cache is filled again once every `longest` / 2 tokens
            remaining = max(1, longest // 2)
            caches, tokens = model.caches(1, longest), torch.tensor([text[-remaining:]], device=device)
        logits = model.logits(tokens, caches)[0, -1].float().cpu()
        if temperature > 0:
            chosen = int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator))
        else:
            chosen = int(logits.argmax())
        if chosen == stop:
            return
        yield chosen
        text.append(chosen)
        tokens = torch.tensor([[chosen]], device=device)


@torch.inference_mode()
def measure_serving(model: LanguageModel, seq_len: int) -> dict[str, float | int]:
    """Decoding speed of SERVED_SEQUENCES sequences in parallel, over one context, and its memory in bytes.

    tokens_per_second counts generated tokens of all sequences; it is the median of MEASURED_ROUNDS rounds.
    """
    device = model.embedding.device
    rounds = []
    for _ in range(MEASURED_ROUNDS):
        caches = model.caches(SERVED_SEQUENCES, seq_len)
        model.positions(0, seq_len, device)
        tokens = torch.zeros(SERVED_SEQUENCES, 1, dtype=torch.long, device=device)
        started = time.perf_counter()
        for _ in range(seq_len):
            tokens = model.logits(tokens, caches)[:, -1].argmax(-1, keepdim=True)
        tokens.sum().item()  # waits for a GPU's queue
        rounds.append(SERVED_SEQUENCES * seq_len / (time.perf_counter() - started))
    value_bytes = model.embedding.element_size()
    return {
        "tokens_per_second": statistics.median(rounds),
        "memory_bytes": serve_bytes(model.arch, seq_len, SERVED_SEQUENCES, value_bytes, value_bytes),
        "kv_cache_bytes": kv_cache_bytes(model.arch, seq_len, SERVED_SEQUENCES, value_bytes),
        "sequences": SERVED_SEQUENCES,
        "seq_len": seq_len,
    }


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m isoflop.train.generate", description=__doc__)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--corpus", type=Path, help="folder of the corpus (default: RUN_DIR/../../corpus)")
    parser.add_argument("--prompt", default="")
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure", action="store_true")
    arguments = parser.parse_args()
    try:
        spec, model = trained_model(RunFolder(arguments.run_dir), use_device("cpu"))
        if arguments.measure:
            print(json.dumps(measure_serving(model, spec.seq_len)))
            return 0
        tokenizer = load_tokenizer(arguments.corpus or corpus_of(arguments.run_dir))
    except IsoflopError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    # in training every document follows an end-of-text token, and so does the prompt
    prompt = [tokenizer.eot_id, *tokenizer.encode(arguments.prompt)]
    generated = continue_tokens(
        model,
        prompt,
        arguments.tokens,
        temperature=arguments.temperature,
        seed=arguments.seed,
        stop=tokenizer.eot_id,
        context=spec.seq_len,
    )
    print(arguments.prompt + tokenizer.decode(list(generated)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
