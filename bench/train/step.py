"""One contender's training step, in a process of its own, which takes turns with others.

python bench/train/step.py isoflop|transformers|litgpt|attention gpt|llama WIDTH LAYERS TOKENS
python bench/train/step.py sgemm

Every contender trains the same shape on the same random bytes as its documentation has a plain loop: forward and loss,
backward, clipping to 1, AdamW. Context 256, 257 tokens, one thread, each package's default settings. After a few steps
it says {"params"}; for each line of standard input, a number of seconds, it takes steps for so long, at least one, and
says their median {"seconds"}.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"

import torch

CONTEXT, VOCABULARY = 256, 257
WARM_STEPS = 3


def shape(family: str, width: int, layers: int):
    """The architecture that all contenders build."""
    from isoflop.arch import Architecture

    heads = max(2, width // 64) if width >= 256 else width // 32
    llama = family == "llama"
    return Architecture(
        family=family,
        n_layers=layers,
        d_model=width,
        n_heads=heads,
        n_kv_heads=heads,
        head_dim=width // heads,
        d_ff=8 * round(width / 3) if llama else 4 * width,
        vocab_size=VOCABULARY,
        tied_embedding=not llama,
        n_positions=None if llama else CONTEXT,
        without=("query_key_norm",) if llama else (),
    )


def isoflop_step(arch) -> tuple[torch.nn.Module, Callable]:
    from isoflop.recipe import SmallRecipe
    from isoflop.train.model import build
    from isoflop.train.optim import build_optimizer, set_lr

    model = build(arch)
    optimizer = build_optimizer(model, SmallRecipe(vocab_size=VOCABULARY).optimizer)
    set_lr(optimizer, 1e-3)

    def step(rows: torch.Tensor) -> float:
        value = model.objective(rows)[0]
        value.backward()
        optimizer.clipped_step(1.0)
        return value.item()

    return model, step


def transformers_step(arch) -> tuple[torch.nn.Module, Callable]:
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    if arch.family == "gpt":
        dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        size = {"n_embd": arch.d_model, "n_layer": arch.n_layers, "n_head": arch.n_heads, "n_positions": CONTEXT}
        model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCABULARY, use_cache=False, **size, **dropout))
    else:
        size = {"hidden_size": arch.d_model, "num_hidden_layers": arch.n_layers, "intermediate_size": arch.d_ff}
        heads = {"num_attention_heads": arch.n_heads, "max_position_embeddings": CONTEXT}
        model = LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, use_cache=False, **size, **heads))
    model.train()

    def loss(rows: torch.Tensor) -> torch.Tensor:
        # one token more than the context, of which the last is a label alone
        return model(input_ids=rows[:, :-1], labels=rows[:, :-1]).loss

    return model, plain(model, torch.optim.AdamW(model.parameters(), lr=1e-3), loss)


def litgpt_step(arch) -> tuple[torch.nn.Module, Callable]:
    from litgpt import GPT, Config

    llama = arch.family == "llama"
    kind = (
        {"norm_class_name": "RMSNorm", "mlp_class_name": "LLaMAMLP", "bias": False, "rotary_percentage": 1.0}
        if llama
        else {"norm_class_name": "LayerNorm", "mlp_class_name": "GptNeoxMLP", "bias": True, "parallel_residual": False}
    )
    model = GPT(
        Config(
            block_size=CONTEXT,
            padded_vocab_size=VOCABULARY,
            n_layer=arch.n_layers,
            n_head=arch.n_heads,
            n_embd=arch.d_model,
            intermediate_size=arch.d_ff,
            **kind,
        )
    )

    def loss(rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())

    return model, plain(model, torch.optim.AdamW(model.parameters(), lr=1e-3), loss)


def plain(model: torch.nn.Module, optimizer: torch.optim.Optimizer, loss: Callable) -> Callable:
    """A step of the plain loop."""

    def step(rows: torch.Tensor) -> float:
        value = loss(rows)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return value.item()

    return step


def attention_step(arch) -> tuple[torch.nn.Module, Callable]:
    """Attention alone, of all layers: beside the products at the speed of sgemm, what no step can do without."""
    from isoflop.train.attention import causal_attention

    held: list[torch.Tensor] = []

    def step(rows: torch.Tensor) -> None:
        if not held:
            shape = (len(rows), arch.n_heads, CONTEXT, arch.head_dim)
            held.extend(torch.randn(shape, requires_grad=index < 3) for index in range(4))
        *given, gradient = held
        for _ in range(arch.n_layers):
            torch.autograd.grad(causal_attention(*given), given, gradient)

    return torch.nn.Module(), step


def sgemm_step(arch) -> tuple[torch.nn.Module, Callable]:
    """A float32 product of 512 x 512."""
    del arch
    a, b = torch.randn(512, 512), torch.randn(512, 512)
    return torch.nn.Module(), lambda _: torch.mm(a, b)


STEPS = {
    "isoflop": isoflop_step,
    "transformers": transformers_step,
    "litgpt": litgpt_step,
    "attention": attention_step,
    "sgemm": sgemm_step,
}


def main() -> None:
    torch.set_num_threads(1)
    contender, family, width, layers, tokens = (*sys.argv[1:], "llama", 64, 2, CONTEXT)[:5]
    torch.manual_seed(0)
    model, step = STEPS[contender](shape(family, int(width), int(layers)))

    def timed() -> float:
        rows = torch.randint(VOCABULARY - 1, (int(tokens) // CONTEXT, CONTEXT + 1))
        before = time.perf_counter()
        step(rows)
        return time.perf_counter() - before

    for _ in range(WARM_STEPS):
        timed()
    print(json.dumps({"params": sum(parameter.numel() for parameter in model.parameters())}), flush=True)
    for line in sys.stdin:
        ends = time.perf_counter() + float(line)
        seconds = [timed()]
        while time.perf_counter() < ends:
            seconds.append(timed())
        # of products the best is the machine's speed; of steps the usual is the user's
        found = min(seconds) if contender == "sgemm" else statistics.median(seconds)
        print(json.dumps({"seconds": found}), flush=True)


if __name__ == "__main__":
    main()
