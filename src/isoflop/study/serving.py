"""What serving the final models costs on this machine, measured one by one: the stage `serve`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from isoflop.codec import Count, Positive, from_json, to_json
from isoflop.digest import read_value, write_with_digest
from isoflop.runs.folder import RunFolder
from isoflop.study.trainer import run_trainers
from isoflop.study.training_stages import Study
from isoflop.sweep import Design


@dataclass(frozen=True, kw_only=True)
class ServingCost:
    """Generation by one model with a key-value cache."""

    json_if_set: ClassVar = ("sequences", "seq_len", "kv_cache_bytes")

    tokens_per_second: Positive
    """Of all sequences together."""
    memory_bytes: Count
    """Weights and cache."""
    sequences: Count | None = None
    """Sequences generated side by side; None in files of versions that do not state it, as what follows."""
    seq_len: Count | None = None
    """Tokens that the cache holds of each."""
    kv_cache_bytes: Count | None = None


def read_serving(path: Path) -> dict[str, ServingCost]:
    """{run id: what serving it costs} in plans/serving.json at `path`; empty before the first measurement.

    Raises InputError that lists what is not as isoflop writes it.
    """
    return read_value(dict[str, ServingCost], path) if path.exists() else {}


def serve(study: Study, final: Design) -> None:
    """Measures the final models that are trained and not measured yet."""
    study.listener.stage("serve")
    costs = read_serving(study.folder.serving)
    for spec in final.specs:
        if spec.run_id in costs:
            continue
        folder = RunFolder(study.folder.runs / spec.run_id)
        result = folder.read_result()
        if result is not None and result.status == "done":
            costs[spec.run_id] = measure_serving(folder.path, study.folder.corpus)
            write_with_digest(study.folder.serving, {name: to_json(cost) for name, cost in costs.items()})


def measure_serving(run: Path, corpus: Path) -> ServingCost:
    """What serving the model in the run folder `run` costs on this machine, measured in a process of its own.

    Raises InputError with the error message of that process when it fails.
    """
    command = [sys.executable, "-P", "-m", "isoflop.train.generate", str(run), "--corpus", str(corpus), "--measure"]
    (output,) = run_trainers([command])
    return from_json(ServingCost, json.loads(output), "isoflop.train.generate")
