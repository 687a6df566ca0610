"""A whole sweep by isoflop, beside the same runs done by transformers one after another: seconds, as Markdown.

python bench/train/sweep.py FOLDER [--minutes 3] [--busy] [--trained]

FOLDER is designed and trained as `isoflop sweep FOLDER --go` does it, or is with --trained that of a study which went
through without a stop: its sweep took from its design to its last result. Then each of the runs is done again with
transformers' Llama in a fresh process, as a script of one's own would: the same shape, steps, batches and validation,
a plain loop, every setting as it comes. --busy keeps one core busy all the while.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isoflop.runs.folder import RunFolder
from isoflop.study.folder import StudyFolder
from isoflop.sweep.designs import Design


def with_transformers(folder: RunFolder) -> float:
    """Trains and evaluates the run of `folder`; returns its validation loss in nats."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from isoflop.corpus import TokenBatches, load_corpus

    spec, arch = folder.read_spec(), folder.read_spec().architecture
    torch.manual_seed(spec.seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=arch.vocab_size,
            hidden_size=arch.d_model,
            num_hidden_layers=arch.n_layers,
            intermediate_size=arch.d_ff,
            num_attention_heads=arch.n_heads,
            num_key_value_heads=arch.n_kv_heads,
            head_dim=arch.head_dim,
            max_position_embeddings=spec.seq_len,
            use_cache=False,
        )
    )
    corpus = load_corpus(folder.path.parent.parent / "corpus")
    batches, sequences = TokenBatches(corpus.train, spec.seq_len, spec.seed), spec.batch_tokens // spec.seq_len
    optimizer = torch.optim.AdamW(model.parameters(), lr=spec.peak_lr)

    def nats(rows: torch.Tensor) -> torch.Tensor:
        logits = model(input_ids=rows[:, :-1]).logits
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())

    for step in range(spec.steps):
        rows = torch.from_numpy(batches.sequences(step * sequences, sequences))
        token = (step + 0.5) * spec.batch_tokens
        factor = spec.schedule.factor(token, tokens=spec.tokens, warmup_tokens=spec.warmup_tokens)
        for group in optimizer.param_groups:
            group["lr"] = spec.peak_lr * factor
        nats(rows).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), spec.optimizer.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    found, windows = 0.0, 0
    with torch.inference_mode():
        for tokens in corpus.validation.values():
            count = max(1, min(spec.eval_tokens, len(tokens) - 1) // spec.seq_len)
            for start in range(0, count, 32):
                some = range(start, min(count, start + 32))
                rows = [tokens[i * spec.seq_len : (i + 1) * spec.seq_len + 1].astype("int64") for i in some]
                found += nats(torch.stack([torch.from_numpy(row) for row in rows])).item() * len(rows)
                windows += len(rows)
    return found / windows


@contextmanager
def load(busy: bool) -> Iterator[None]:
    """One core kept busy, or nothing."""
    spinning = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
    try:
        yield
    finally:
        if spinning is not None:
            spinning.kill()
            spinning.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", default="3", help="of the study that the sweep belongs to")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--trained", action="store_true", help="the sweep in FOLDER ended just now")
    parser.add_argument("--one", action="store_true", help="FOLDER is that of a run to do with transformers")
    arguments = parser.parse_args()
    if arguments.one:
        print(with_transformers(RunFolder(arguments.folder)))
        return
    design = [sys.executable, "-m", "isoflop", "sweep", str(arguments.folder), "--minutes", arguments.minutes]
    if not arguments.trained:
        subprocess.run(design, check=True, stdout=subprocess.DEVNULL)
    with load(arguments.busy):
        if not arguments.trained:
            subprocess.run([*design, "--go"], check=True, stdout=subprocess.DEVNULL)
        study = StudyFolder(arguments.folder)
        folders = [RunFolder(study.runs / spec.run_id) for spec in Design.load(study.sweep).specs]
        results = [result for folder in folders if (result := folder.read_result()) is not None]
        assert len(results) == len(folders)
        ours = max(result.finished for result in results) - study.sweep.stat().st_mtime
        started = time.monotonic()
        for folder, result in zip(folders, results, strict=True):
            once = [sys.executable, __file__, "--one", str(folder.path)]
            done = subprocess.run(once, check=True, text=True, capture_output=True)
            loss = "none" if result.val_loss_nats is None else f"{result.val_loss_nats:.3f}"
            print(f"{folder.run_id}: {loss} and {float(done.stdout):.3f} nats", file=sys.stderr, flush=True)
        theirs = time.monotonic() - started
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    state = "one core kept busy" if arguments.busy else "otherwise idle"
    print(f"| {len(folders)} | {cores} cores, {state} | {ours:.0f} | {theirs:.0f} | {theirs / ours:.2f} |")


if __name__ == "__main__":
    main()
