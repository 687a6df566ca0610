"""Each run of a study as the report shows it, and what runs come to together: the rate check and the contest."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from isoflop.arch import flops_per_token
from isoflop.runs.folder import RunFolder
from isoflop.runs.out_of_memory import out_of_memory_events
from isoflop.runs.result import RunResult
from isoflop.spec import RunSpec
from isoflop.study.file_shapes import read_serving
from isoflop.study.folder import StudyFolder
from isoflop.study.sweep_table import PARAMS_CONVENTION
from isoflop.sweep import Design

_NUMBERS = (
    "d_model",
    "n_layers",
    "tokens",
    "budget_flops",
    "flops",
    "flops_per_token",
    "peak_lr",
    "batch_tokens",
    "steps",
    "seed",
    "val_loss_nats",
    "val_loss_se",
    "bits_per_byte",
    "wall_seconds",
    "flops_per_second",
    "mfu",
    "epochs",
)


def designs_of(folder: StudyFolder) -> list[Design]:
    """The designs of a study: the sweep's, then that of the final runs, as far as there are."""
    return [Design.load(path) for path in (folder.sweep, folder.final_design) if path.exists()]


def run_entries(folder: StudyFolder, designs: Iterable[Design], train_tokens: int | None) -> list[dict[str, Any]]:
    """Every designed run as `run_entry` shows it, the sweep's, then the final ones."""
    purposes: dict[str, list[str]] = {}
    specs: dict[str, RunSpec] = {}
    for design in designs:
        for name, spec in design.by_id.items():
            specs.setdefault(name, spec)
        for name, found in design.purposes().items():
            purposes.setdefault(name, []).extend(p for p in found if p not in purposes.get(name, []))
    return [
        run_entry(RunFolder(folder.runs / name), specs[name], wanted, train_tokens) for name, wanted in purposes.items()
    ]


def run_entry(folder: RunFolder, spec: RunSpec, purposes: list[str], train_tokens: int | None) -> dict[str, Any]:
    """The run of `spec` as the report shows it; numbers that are not known yet are None.

    The spec is the design's, whose hash is the name of the folder: the copy there is for trainers.
    """
    if not folder.spec.exists():
        return _unmade(folder.run_id, purposes)
    result = folder.read_result(spec)
    beat = folder.read_heartbeat() if result is None else None
    params = result.params if result else None
    count = spec.architecture.params()
    status, told = result.status if result else folder.status(), result or beat
    return {
        "run_id": folder.run_id,
        "purposes": purposes,
        "status": "waiting" if status == "interrupted" else status,
        "reason": result.reason if result else "",
        "message": result.message if result else "",
        "params": {
            name: params[name] if params else getattr(count, name) for name in ("total", "non_embedding", "matmul")
        },
        "d_model": spec.architecture.d_model,
        "n_layers": spec.architecture.n_layers,
        "tokens": result.tokens_seen if result else (beat.tokens if beat else spec.tokens),
        "budget_flops": spec.budget_flops,
        "flops": result.flops.get("matmul") if result else None,
        "flops_per_token": _flops_per_token(spec.architecture, spec.seq_len),
        "peak_lr": spec.peak_lr,
        "batch_tokens": spec.batch_tokens,
        "steps": spec.steps,
        "schedule": f"{spec.schedule.kind} to {spec.schedule.final_fraction:g}",
        "group": spec.group,
        "seed": spec.seed,
        "val_loss_nats": result.val_loss_nats if result else None,
        "val_loss_se": result.val_loss_se if result else None,
        "bits_per_byte": result.bits_per_byte if result else None,
        "domains": result.domains if result else {},
        "wall_seconds": result.wall_seconds if result else None,
        "flops_per_second": told.flops_per_second if told else None,
        "mfu": told.mfu if told else None,
        "shortages": len(out_of_memory_events(folder.path)),
        "attempts": result.attempts if result else len(folder.attempts()),
        "made_by": _made_by(result),
        "epochs": spec.tokens / train_tokens if train_tokens else None,
    }


_flops_per_token = cache(flops_per_token)  # thousands of runs have a few dozen shapes


def rate_checks(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each cell of the learning-rate check whose runs have all ended: rates, losses, and whether the middle is best."""
    cells: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        if "learning_rate_check" in run["purposes"] and run["status"] in ("done", "failed"):
            cells.setdefault(run["group"], []).append(run)
    checks = []
    for cell in cells.values():
        cell.sort(key=lambda run: run["peak_lr"])
        losses = [run["val_loss_nats"] for run in cell]
        known = [(loss, place) for place, loss in enumerate(losses) if loss is not None]
        if len(cell) < 3 or not known:
            continue
        best = min(known)[1]
        chosen = next((r["peak_lr"] for r in cell if "isoflop" in r["purposes"]), cell[len(cell) // 2]["peak_lr"])
        checks.append(
            {
                "params": cell[0]["params"][PARAMS_CONVENTION],
                "budget_flops": cell[0]["budget_flops"],
                "rates": [run["peak_lr"] for run in cell],
                "losses": losses,
                "chosen": chosen,
                "interior": 0 < best < len(cell) - 1,
            }
        )
    return sorted(checks, key=lambda check: check["params"])


def contest(folder: StudyFolder, runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The planned and the larger model side by side; None until both have ended well."""
    serving = read_serving(folder.serving)
    sides: dict[str, Any] = {}
    for run in runs:
        for side in ("planned", "larger"):
            if side in run["purposes"] and run["status"] == "done":
                served = serving.get(run["run_id"], {})
                sides[side] = {
                    **{key: run[key] for key in ("run_id", "tokens", "flops", "bits_per_byte", "domains")},
                    "params": run["params"],
                    "loss": run["val_loss_nats"],
                    "loss_se": run["val_loss_se"],
                    "wall_seconds": run["wall_seconds"],
                    "d_model": run["d_model"],
                    "n_layers": run["n_layers"],
                    "tokens_per_second": served.get("tokens_per_second"),
                    "memory_bytes": served.get("memory_bytes"),
                    "served_sequences": served.get("sequences"),
                }
    return {side: sides[side] for side in ("planned", "larger")} if len(sides) == 2 else None


def _made_by(result: RunResult | None) -> str:
    if result is None or result.torch_version is None:
        return ""
    threads = f"{result.threads} thread{'s' if result.threads != 1 else ''}"
    rounded = "" if result.products in (None, "float32") else f", products in {result.products}"
    return f"isoflop {result.code_version}, torch {result.torch_version}, {result.device}, {threads}{rounded}"


def _unmade(run_id: str, purposes: list[str]) -> dict[str, Any]:
    return {
        **dict.fromkeys(_NUMBERS),
        "run_id": run_id,
        "purposes": purposes,
        "status": "waiting",
        "reason": "",
        "message": "",
        "params": {},
        "schedule": "",
        "group": "",
        "domains": {},
        "attempts": 0,
    }
