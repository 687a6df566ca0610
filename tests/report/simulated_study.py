"""The view of a study that never ran: 5 budgets x 7 sizes drawn from a law of Chinchilla form with seeded noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from report.simulated_size import simulated_size, simulated_size_backtest, simulated_size_band

# E + A/N^alpha + B/D^beta with constants that put the vertices of bytes-level runs near 15k, 33k and 77k parameters
# at 3e11, 1e12 and 3e12 FLOPs.
TRUTH = {"E": 1.1, "A": 12.85, "B": 23.5, "alpha": 0.34, "beta": 0.28}
BUDGETS = (1e11, 3e11, 1e12, 3e12, 1e13)
WIDTHS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160)
VOCAB, SEQ_LEN = 257, 256
DOMAINS = {"dictionary": 1.04, "encyclopedia": 0.93}


def loss_at(params: float, tokens: float) -> float:
    return TRUTH["E"] + TRUTH["A"] / params ** TRUTH["alpha"] + TRUTH["B"] / tokens ** TRUTH["beta"]


def shape(width: int) -> dict[str, int]:
    layers = 3 if width >= 96 else 2
    non_embedding = 12 * layers * width * width + 5 * layers * width
    return {
        "d_model": width,
        "n_layers": layers,
        "non_embedding": non_embedding,
        "total": non_embedding + 2 * VOCAB * width,
        "matmul": non_embedding + VOCAB * width,
    }


def flops_per_token(width: int) -> float:
    one = shape(width)
    return 6.0 * one["matmul"] + 12.0 * one["n_layers"] * width * SEQ_LEN


def run(
    width: int, budget: float, rng: np.random.Generator, *, purposes: list[str], noise: float = 0.004
) -> dict[str, Any]:
    one = shape(width)
    tokens = round(budget / flops_per_token(width) / 512) * 512
    loss = loss_at(one["non_embedding"], tokens) * float(np.exp(rng.normal(0, noise)))
    return {
        "run_id": f"{width:03d}-{budget:.0e}-{rng.integers(16**8):08x}",
        "purposes": purposes,
        "status": "done",
        "reason": "",
        "params": {key: one[key] for key in ("total", "non_embedding", "matmul")},
        "d_model": width,
        "n_layers": one["n_layers"],
        "tokens": tokens,
        "budget_flops": budget,
        "flops": tokens * flops_per_token(width),
        "peak_lr": 5e-3 * (64 / width) ** 0.5,
        "batch_tokens": 512,
        "seed": 0,
        "val_loss_nats": loss,
        "val_loss_se": 0.006,
        "bits_per_byte": loss / np.log(2),
        "domains": {
            name: {
                "loss_nats": loss * by,
                "loss_se": 0.008,
                "bits_per_byte": loss * by / np.log(2),
                "tokens": 65536,
                "bytes": 65300,
            }
            for name, by in DOMAINS.items()
        },
        "wall_seconds": budget / 1.5e10,
        "attempts": 1,
        "epochs": tokens / 2.4e7,
    }


def curve(one: dict[str, Any]) -> dict[str, list[float]]:
    tokens = np.geomspace(one["tokens"] / 60, one["tokens"], 40)
    end = one["val_loss_nats"]
    start = loss_at(one["params"]["non_embedding"], one["tokens"])
    # Above the final law while the learning rate is high; meets it at the end, as a cosine run does.
    shape_of = [loss_at(one["params"]["non_embedding"], t) + 0.12 * (1 - t / one["tokens"]) for t in tokens]
    return {
        "tokens": [float(t) for t in tokens],
        "flops": [float(t) * one["flops"] / one["tokens"] for t in tokens],
        "train_loss_nats": [float(x + end - start) for x in shape_of],
    }


def vertices(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for budget in BUDGETS:
        rows = [r for r in runs if r["budget_flops"] == budget and r["status"] == "done" and "isoflop" in r["purposes"]]
        n = np.log([r["params"]["non_embedding"] for r in rows])
        fit = np.polyfit(n, [r["val_loss_nats"] for r in rows], 2)
        at = -fit[1] / (2 * fit[0])
        kept = bool(fit[0] > 0 and n.min() < at < n.max())
        d = np.interp(at, n, np.log([r["tokens"] for r in rows]))
        found.append(
            {
                "flops": budget,
                "params": float(np.exp(at)),
                "params_interval": [float(np.exp(at - 0.2)), float(np.exp(at + 0.22))],
                "tokens": float(np.exp(d)),
                "tokens_interval": [float(np.exp(d - 0.2)), float(np.exp(d + 0.18))],
                "loss": float(np.polyval(fit, at)),
                "loss_interval": [float(np.polyval(fit, at)) - 0.008, float(np.polyval(fit, at)) + 0.008],
                "kept": kept,
                "reason": "" if kept else "vertex outside the sizes",
            }
        )
    return found


def power(flops: list[float], values: list[float]) -> tuple[float, float]:
    exponent, log_k = np.polyfit(np.log(flops), np.log(values), 1)
    return float(exponent), float(np.exp(log_k))


def band(flops: np.ndarray, exponent: float, coefficient: float, spread: float) -> dict[str, list[float]]:
    middle = coefficient * flops**exponent
    width = spread * (1 + 0.5 * np.abs(np.log(flops / 1e12)))
    return {
        "low": (middle * np.exp(-width)).tolist(),
        "high": (middle * np.exp(width)).tolist(),
        "mid": middle.tolist(),
    }


def frontier(exponent: float, k_params: float, b: float, k_tokens: float, spread: float) -> dict[str, list[float]]:
    flops = np.geomspace(BUDGETS[0], 4e13, 24)
    n, d = band(flops, exponent, k_params, spread), band(flops, b, k_tokens, spread)
    return {
        "flops": flops.tolist(),
        "params": n["mid"],
        "params_low": n["low"],
        "params_high": n["high"],
        "tokens": d["mid"],
        "tokens_low": d["low"],
        "tokens_high": d["high"],
    }


def simulated_fit(runs: list[dict[str, Any]]) -> dict[str, Any]:
    budgets = vertices(runs)
    kept = [b for b in budgets if b["kept"]]
    flops = [b["flops"] for b in kept]
    a, k_params = power(flops, [b["params"] for b in kept])
    b, k_tokens = power(flops, [b["tokens"] for b in kept])
    done = [r for r in runs if r["status"] == "done" and "isoflop" in r["purposes"]]
    residuals = [
        {
            "run_id": r["run_id"],
            "params": r["params"]["non_embedding"],
            "tokens": r["tokens"],
            "flops": r["flops"],
            "loss": r["val_loss_nats"],
            "predicted": loss_at(r["params"]["non_embedding"], r["tokens"]),
        }
        for r in done
    ]

    def interval(value: float, by: float) -> list[float]:
        return [value * (1 - by), value * (1 + by)]

    return {
        "observations": {
            "rows_read": len(runs),
            "rows_used": len(done),
            "dropped": [{"row": 17, "reason": "diverged"}, {"row": 40, "reason": "status running"}],
            "params_convention": "non_embedding",
            "flops_convention": "matmul",
            "loss_unit": "nats_per_token",
        },
        "parametric": {
            "status": "ok",
            "reason": "",
            **TRUTH,
            "a": a - 0.02,
            "b": b + 0.02,
            "objective": 0.00212,
            "delta": 1e-3,
            "starts": {"tried": 4500, "at_best": 3117},
            "identified": {"E": True, "A": True, "B": True, "alpha": True, "beta": True},
            "intervals": {
                "level": 0.95,
                **{key: interval(value, 0.12) for key, value in TRUTH.items()},
                "a": [a - 0.05, a + 0.02],
                "b": [b - 0.02, b + 0.05],
            },
            "warnings": [
                {
                    "code": "strongly_correlated",
                    "message": "ln A and alpha move together (correlation 0.999): read N_opt.",
                }
            ],
            "frontier": frontier(a - 0.02, k_params * 1e12**0.02 * 0.93, b + 0.02, k_tokens / 1e12**0.02 * 1.07, 0.12),
            "residuals": residuals,
        },
        "isoflop": {
            "status": "ok",
            "reason": "",
            "a": a,
            "b": b,
            "params_coefficient": k_params,
            "tokens_coefficient": k_tokens,
            "intervals": {"level": 0.95, "a": [a - 0.04, a + 0.05], "b": [b - 0.05, b + 0.04]},
            "budgets": budgets,
            "warnings": [],
            "frontier": frontier(a, k_params, b, k_tokens, 0.09),
        },
        "envelope": {
            "status": "ok",
            "reason": "",
            "a": a + 0.03,
            "b": b - 0.03,
            "params_coefficient": k_params / 1e12**0.03 * 1.1,
            "tokens_coefficient": k_tokens * 1e12**0.03 / 1.1,
            "intervals": {"level": 0.95, "a": [a - 0.03, a + 0.08], "b": [b - 0.08, b + 0.03]},
            "warnings": [],
            "frontier": frontier(a + 0.03, k_params / 1e12**0.03 * 1.1, b - 0.03, k_tokens * 1e12**0.03 / 1.1, 0.15),
        },
        "disagreement": {"params_ratio_at": {"4e+13": 1.31}},
    }


def contestant(one: dict[str, Any], speed: float) -> dict[str, Any]:
    return {
        "params": one["params"],
        "tokens": one["tokens"],
        "flops": one["flops"],
        "loss": one["val_loss_nats"],
        "bits_per_byte": one["bits_per_byte"],
        "domains": one["domains"],
        "tokens_per_second": speed,
        "memory_bytes": one["params"]["total"] * 4 + 2_000_000,
        "wall_seconds": one["wall_seconds"],
    }


def simulated_runs(rng: np.random.Generator) -> list[dict[str, Any]]:
    runs = []
    for i, budget in enumerate(BUDGETS):
        runs += [run(width, budget, rng, purposes=["isoflop"]) for width in WIDTHS[i : i + 7]]
    diverged = {**run(160, 1e12, rng, purposes=["isoflop"]), "status": "failed", "reason": "diverged"}
    waiting = {**run(128, 3e12, rng, purposes=["replicate"]), "status": "waiting", "attempts": 0, "wall_seconds": None}
    for one in (diverged, waiting):
        one.update(val_loss_nats=None, val_loss_se=None, bits_per_byte=None, domains=None)
    return [*runs, diverged, waiting]


def simulated_view(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    runs = simulated_runs(rng)
    fit = simulated_fit(runs)
    budget = 4e13
    planned, larger = (run(width, budget, rng, purposes=[why]) for width, why in ((96, "planned"), (192, "larger")))
    runs += [planned, larger]
    n, d = planned["params"]["non_embedding"], planned["tokens"]
    forecast = loss_at(n, d)
    actual = planned["val_loss_nats"]
    top = [r for r in runs if r["budget_flops"] == BUDGETS[-1] and "isoflop" in r["purposes"]]
    backtest = [
        {
            "params": r["params"]["non_embedding"],
            "tokens": r["tokens"],
            "actual": r["val_loss_nats"],
            "predicted": p,
            "interval": [p * 0.985, p * 1.015],
            "error": p / r["val_loss_nats"] - 1,
        }
        for r in top
        for p in [loss_at(r["params"]["non_embedding"], r["tokens"]) * 1.004]
    ]
    best = min(backtest, key=lambda row: row["actual"])
    rates = [0.00125, 0.0025, 0.005, 0.01, 0.02]
    return {
        "schema": 1,
        "title": "study",
        "created": "2025-06-01T12:00:00+00:00",
        "versions": {"isoflop": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.0"},
        "machine": {
            "cores": 2,
            "matmul_flops_per_core": 6.1e10,
            "trainer_flops": [{"d_model": 32, "flops_per_second": 9.1e9}, {"d_model": 96, "flops_per_second": 2.4e10}],
        },
        "corpus": {
            "schema": 1,
            "kind": "english",
            "digest": "9f2c" * 16,
            "gram_words": 13,
            "tokenizer": {"name": "bytes", "vocab_size": 257, "eot_id": 256, "sha256": "00" * 32},
            "domains": {
                "dictionary": {"files": 1, "train_bytes": 20_100_000, "train_documents": 101_234},
                "encyclopedia": {"files": 1, "train_bytes": 4_200_000, "train_documents": 9_876},
            },
            "dropped": {
                "duplicate_documents": 312,
                "duplicate_lines": 20_911,
                "duplicate_line_bytes": 1_500_000,
                "empty_documents": 0,
            },
            "train": {"tokens": 24_400_000, "bytes": 24_300_000, "documents": 111_110, "file": "train.bin"},
            "validation": {
                "dictionary": {"tokens": 250_000, "bytes": 249_000, "seen_in_training": 0.021},
                "encyclopedia": {"tokens": 120_000, "bytes": 119_000, "seen_in_training": 0.004},
            },
            "notices": [],
        },
        "conventions": {"params": "non_embedding", "flops": "matmul", "loss_unit": "nats_per_token"},
        "runs": runs,
        "curves": {r["run_id"]: curve(r) for r in runs if r["status"] == "done"},
        "fit": fit,
        "backtest": {
            "held_out_budget_flops": BUDGETS[-1],
            "rows": backtest,
            "loss_actual": best["actual"],
            "loss_predicted": best["predicted"],
            "interval": best["interval"],
            "error": best["error"],
            "inside": True,
        },
        "size_backtest": simulated_size_backtest(fit["isoflop"]["budgets"][-1]),
        "size_band": simulated_size_band(BUDGETS[0], budget, n, d),
        "learning_rate_check": [
            {
                "params": shape(width)["non_embedding"],
                "rates": rates,
                "losses": [base + 0.05 * np.log(rate / (0.005 * (48 / width) ** 0.5)) ** 2 for rate in rates],
                "chosen": 5e-3 * (48 / width) ** 0.5,
                "interior": True,
            }
            for width, base in ((20, 2.31), (48, 2.02), (112, 1.79))
        ],
        "plan": {
            "params": n,
            "tokens": d,
            "tokens_per_param": d / n,
            "flops": budget,
            "loss": forecast,
            "loss_interval": [forecast * 0.985, forecast * 1.015],
            "params_interval": [n * 0.7, n * 1.4],
            "expected_waste": 0.021,
            "size": simulated_size(budget, n),
            "memory_bytes": {"train": 5_300_000, "serve": 1_400_000},
            "hours": 0.19,
            "price": None,
            "level": 0.9,
            "law": {"name": "fitted", "paper": "", "place": "this study, approach 2"},
            "architecture": {
                "family": "llama",
                "n_layers": 3,
                "d_model": 96,
                "n_heads": 3,
                "n_kv_heads": 3,
                "head_dim": 32,
                "d_ff": 256,
                "vocab_size": 257,
                "tied_embedding": False,
            },
            "warnings": [],
        },
        "forecast": {
            "loss": forecast,
            "interval": [forecast * 0.985, forecast * 1.015],
            "level": 0.9,
            "sealed": 1748778000.0,
            "digest": "ab" * 32,
            "observations_digest": "cd" * 32,
            "sealed_before_run": True,
            "seal_order": {"order": "before", "evidence": "the first start of the run names it", "began": 1.0},
            "actual": actual,
            "error": forecast / actual - 1,
            "inside": abs(forecast / actual - 1) < 0.015,
        },
        "contest": {"planned": contestant(planned, 5200.0), "larger": contestant(larger, 2100.0)},
        "notices": [{"code": "small_models", "message": "Embedding and head hold 18 to 60 % of the parameters."}],
    }
