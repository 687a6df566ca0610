"""How the columns of a drawn table are called and written: names, units, locales, what else stands beside."""

import math
from dataclasses import dataclass

import numpy as np

NAMES_OF_N = {
    "ones": ["params", "N", "n_params", "Parameters", "model_param_count", "num_params", "config/model/n_params",
             "total_params", "# params"],
    "millions": ["params_m", "params (M)", "Params (millions)", "N [10^6]", "n_params_millions", "model size (M)"],
    "billions": ["params (B)", "N_B", "parameters_bn", "Model Size [B]"],
    "suffix": ["Model Size", "params", "size", "N"],
    "log10": ["log10_N", "log10(params)"],
}  # fmt: skip
NAMES_OF_D = {
    "ones": ["tokens", "D", "num_input_tokens_seen", "consumed_tokens", "throughput/total_tokens", "n_tokens_seen",
             "time/token", "Training Tokens", "consumed-tokens"],
    "millions": ["tokens_m", "tokens (M)", "D (M tokens)"],
    "billions": ["tokens_bn", "tokens (B)", "Tokens (billions)", "D [B]", "train_tokens_b"],
    "suffix": ["tokens", "D", "Tokens seen"],
    "log10": ["log10_D", "log10 tokens"],
}  # fmt: skip
NAMES_OF_C = {
    "ones": ["flops", "C", "total_flos", "compute", "Training compute (FLOP)", "train_flops"],
    "giga": ["total_gflops", "throughput/total_gflops", "compute (GFLOPs)"],
    "exa": ["compute_exaflops", "FLOPs (1e18)", "C (10^18)", "EFLOPs"],
    "zetta": ["compute (ZFLOPs)", "total zettaFLOPs"],
    "days": ["PF-days", "compute_pf_days", "Compute (petaflop/s-days)"],
    "times": ["FLOPs", "Compute"],
    "log10": ["log10(flops)", "log10_compute"],
}  # fmt: skip
_UNITS = {"ones": 1.0, "millions": 1e6, "billions": 1e9, "giga": 1e9, "exa": 1e18, "zetta": 1e21, "days": 8.64e19}
LOSSES = {
    "nats": (["loss", "val_loss", "nll", "lm loss validation", "eval/val/loss", "train/CrossEntropyLoss",
              "metrics/eval/LanguageCrossEntropy", "eval/c4/CrossEntropyLoss", "final loss (nats)"], lambda x: x),
    "bits": (["loss (bits/token)", "bits_per_token", "val_bits_per_token"], lambda x: x / math.log(2)),
    "perplexity": (["val_ppl", "perplexity", "eval/perplexity"], np.exp),
    "log perplexity": (["log_perplexity", "eval/log_ppl"], lambda x: x),
    "likelihood": (["log_likelihood", "neg_loss"], lambda x: -x),
    "bits per byte": (["val_bpb", "bits_per_byte"], lambda x: x / math.log(2) / 4.2),
    "bits per character": (["val_bpc", "bits_per_char"], lambda x: x / math.log(2) / 4.5),
}  # fmt: skip
LOCALES = [(".", "", ","), (".", "", ","), (".", ",", ","), (",", "", ";"), (",", ".", ";"), (",", " ", ";"),
            (".", " ", ","), (".", "'", "\t"), (",", "", "\t")]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Written:
    """How numbers are written in one locale."""

    mark: str
    group: str
    decimals: int

    def decimal(self, value):
        return f"{value:.{self.decimals}f}".replace(".", self.mark)

    def digits(self, value):
        """Five significant digits, never fewer than the whole number."""
        text = f"{value:.5g}"
        return (f"{value:.0f}" if "e+" in text else text).replace(".", self.mark)

    def count(self, value):
        return f"{value:,.0f}".replace(",", self.group)

    def scientific(self, value):
        return f"{value:.5e}".replace(".", self.mark)


def id_columns(style, rows):
    if style == "none":
        return {}
    return (
        {"experiment": ["sweep"] * rows} if style == "one experiment" else {"run_name": [f"r{i}" for i in range(rows)]}
    )


def count_columns(styles, names, N, D, budget, written):
    columns = {names["N"]: _cells(styles["N"], N, written)}
    steps = np.round(D / (256 * 2048))
    if styles["D"] == "steps":
        D[:] = steps * 256 * 2048
        columns |= {"steps": [f"{x:.0f}" for x in steps], "batch_size": ["256"] * len(N), "seq_len": ["2048"] * len(N)}
    elif styles["D"] == "samples":
        D[:] = np.round(D / 4096) * 4096
        columns |= {"consumed_samples": [f"{x / 4096:.0f}" for x in D], "seq_length": ["4096"] * len(N)}
    elif styles["D"] == "ratio":
        columns["D/N"] = [written.digits(x) for x in D / N]
    elif styles["D"] == "chinchilla":
        columns["chinchilla_multiple"] = [written.digits(x) for x in D / N / 20]
    elif styles["D"] != "none":
        columns[names["D"]] = _cells(styles["D"], D, written)
    if styles["C"] != "none":
        # exact counts of small models lie above 6ND: attention and the output head
        factor = 1.05 + 0.3 * (N / 2e7) ** -0.4 if styles["flops"] == "exact" else 1.0
        columns[names["C"]] = _cells(styles["C"], 6 * N * D * factor, written)
    if styles["budget"] != "none":
        name = "flops_budget" if styles["budget"] == "ones" else "budget (EFLOPs)"
        columns[name] = [written.scientific(x) for x in budget / _UNITS[styles["budget"]]]
    return columns


def _cells(style, values, written):
    if style == "log10":
        return [f"{x:.5f}".replace(".", written.mark) for x in np.log10(values)]
    if style == "suffix":
        return [written.digits(x / 1e9) + "B" if x >= 1e9 else written.digits(x / 1e6) + "M" for x in values]
    if style == "times":
        powers = np.floor(np.log10(values))
        mantissas = [f"{x / 10**p:.4f}".replace(".", written.mark) for x, p in zip(values, powers, strict=True)]
        return [f"{mantissa}×10^{p:.0f}" for mantissa, p in zip(mantissas, powers, strict=True)]
    scaled = values / _UNITS[style]
    if scaled.max() > 1e14:
        return [written.scientific(x) for x in scaled]
    return [written.count(x) if style == "ones" else written.digits(x) for x in scaled]


def columns_beside(style, N, D, loss, written):
    """What else stands in the table, and must be passed over, named or asked about."""
    if style == "counts":
        return {"L": [f"{x:.0f}" for x in 4 * np.log2(N / 1e6)], "d_model": _widths(N)}
    if style == "rates":
        rates = {"tflops": [written.digits(180 + i % 7) for i in range(len(N))]}
        return rates | {"tokens_per_sec": [written.digits(3e5)] * len(N), "accuracy": ["41%"] * len(N)}
    if style == "embedding":
        return {"params_with_embedding": [f"{x:.0f}" for x in N + 32000 * np.sqrt(N) / 9]}
    if style == "experts":
        return {"total_parameter_count": [f"{x:.0f}" for x in N * (1.5 + np.sqrt(N / 2e7))]}
    if style == "width":
        return {"D": _widths(N)}
    if style == "smoothed":
        return {"smooth loss": [written.decimal(x + 0.002) for x in loss]}
    return {}


def _widths(N):
    return [f"{x:.0f}" for x in 64 * np.round(np.sqrt(N) / 600)]
