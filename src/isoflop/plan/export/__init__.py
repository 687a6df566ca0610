"""Plans in the words of training engines: one function an engine, each the text of one file of its configuration."""

from __future__ import annotations

from collections.abc import Callable

from isoflop.plan.export.engine_run import EngineRun
from isoflop.plan.export.hf import hf
from isoflop.plan.export.megatron import megatron
from isoflop.plan.export.nanogpt import nanogpt
from isoflop.plan.export.olmo_core import olmo_core
from isoflop.plan.export.torchtitan import torchtitan

EXPORTS: dict[str, Callable[[EngineRun], str]] = {
    "torchtitan": torchtitan,
    "olmo-core": olmo_core,
    "megatron": megatron,
    "nanogpt": nanogpt,
    "hf": hf,
}
"""{engine: (run) -> its configuration's text}; RefusedError `not_expressible` where it has no words for the run."""

__all__ = ["EXPORTS", "EngineRun"]
