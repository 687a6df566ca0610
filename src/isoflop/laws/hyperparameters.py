"""Published laws of the batch and of the peak learning rate, as functions of size and training tokens.

They are priors: where to begin a learning-rate check, not a reason to skip it. A power law that rises does not know
where to stop, so beyond its runs a law is `held`: it continues where that lowers its value, and does not rise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.errors import InputError
from isoflop.laws.practice import SAME_SIZE
from isoflop.units import format_number

Domain = Mapping[str, tuple[float, float]]
"""{quantity: (smallest, largest)}; quantities: params, tokens, flops."""


@dataclass(frozen=True)
class Power:
    """factor N^params D^tokens C^flops, with C = 6 N D."""

    factor: float
    params: float = 0.0
    tokens: float = 0.0
    flops: float = 0.0

    def __call__(self, N: float, D: float) -> float:
        """Its value at N parameters and D tokens."""
        return self._at({"params": N, "tokens": D, "flops": 6 * N * D})

    def held(self, N: float, D: float, domain: Domain) -> float:
        """Its value with each quantity held at the edge of `domain` beyond which the value would rise.

        A quantity that is beyond its other edge stays as it is: there the value falls further.
        """
        values = {"params": N, "tokens": D, "flops": 6 * N * D}
        for name, (low, high) in domain.items():
            exponent = getattr(self, name)
            values[name] = min(values[name], high) if exponent > 0 else max(values[name], low)
        return self._at(values)

    def _at(self, values: Mapping[str, float]) -> float:
        exponents = {"params": self.params, "tokens": self.tokens, "flops": self.flops}
        value = self.factor
        for name, exponent in exponents.items():
            value *= values[name] ** exponent
        return value


@dataclass(frozen=True, kw_only=True)
class HyperparameterLaw:
    """The best peak rate and batch for N parameters on D tokens, by one paper."""

    name: str
    paper: str
    """Paper and place."""
    params_convention: str
    """What N counts; see `arch.PARAMS_CONVENTIONS`."""
    batch_tokens: Power
    """(N, D) -> tokens per optimiser step."""
    peak_lr: Power
    """(N, D) -> peak learning rate of AdamW, with one rate for all tensors."""
    domain: Domain
    """Range of the runs that it was fitted to."""

    def held_lr(self, N: float, D: float) -> float:
        """Peak rate at N parameters and D tokens, no higher than the law is at the edge of its runs (`Power.held`)."""
        return self.peak_lr.held(N, D, self.domain)

    def held_batch(self, N: float, D: float) -> float:
        """Tokens a step, held in the same way."""
        return self.batch_tokens.held(N, D, self.domain)

    def has_size(self, N: float) -> bool:
        """Whether its runs had models of about N parameters: within SAME_SIZE of them. False where it has no sizes."""
        if "params" not in self.domain:
            return False
        low, high = self.domain["params"]
        return low / SAME_SIZE <= N <= high * SAME_SIZE

    def outside(self, N: float, D: float) -> str:
        """Where (N, D) lie outside of the runs that the law was fitted to, in words; empty inside."""
        values = {"params": N, "tokens": D, "flops": 6 * N * D}
        outside = []
        for quantity, (low, high) in self.domain.items():
            if values[quantity] > high:
                outside.append(f"{quantity} {format_number(values[quantity] / high)} times above")
            elif values[quantity] < low:
                outside.append(f"{quantity} {format_number(low / values[quantity])} times below")
        return ", ".join(outside)


STEP_LAW = HyperparameterLaw(
    name="steplaw2025",
    paper="Li et al. 2025 (2503.04715), Step Law",
    params_convention="non_embedding",
    batch_tokens=Power(0.58, tokens=0.571),
    peak_lr=Power(1.79, params=-0.713, tokens=0.307),
    # the dense runs that were published with it (step-law/steplaw, dense_lr_bs_loss.csv): five sizes, 17 pairs of N, D
    domain={"params": (214_663_680, 1_073_741_824), "tokens": (4e9, 1e11)},
)
DEEPSEEK = HyperparameterLaw(
    name="deepseek2024",
    paper="Bi et al. 2024 (2401.02954), section 3.1",
    params_convention="non_embedding",
    # its C is M D, M the FLOPs a token without the embedding; 6 N D stands for it here
    batch_tokens=Power(0.2920, flops=0.3271),
    peak_lr=Power(0.3118, flops=-0.1250),
    # "compute budgets ranging from 1e17 to 2e19"; then checked at one of 1e20
    domain={"flops": (1e17, 2e19)},
)
PORIAN = HyperparameterLaw(
    name="porian2024",
    paper="Porian et al. 2024 (2406.19146), tuned sweep",
    params_convention="matmul",
    batch_tokens=Power(2048 * 0.00037, params=0.703),  # 0.00037 N^0.703 sequences of 2,048
    peak_lr=Power(3.7, params=-0.36),
    domain={"params": (5e6, 9.01e8)},
)
HYPERPARAMETER_LAWS: dict[str, HyperparameterLaw] = {law.name: law for law in (STEP_LAW, DEEPSEEK, PORIAN)}
"""{name: law}."""


def hyperparameter_law(name: str) -> HyperparameterLaw:
    """The law called `name`. Raises InputError that lists the names.

    >>> law = hyperparameter_law("steplaw2025")
    >>> f"{law.peak_lr(1e9, 2e10):.3e} {law.batch_tokens(1e9, 2e10):.3e}"
    '9.960e-04 4.419e+05'
    """
    if name not in HYPERPARAMETER_LAWS:
        raise InputError(f"rates: expected one of {', '.join(HYPERPARAMETER_LAWS)}, got {name!r}")
    return HYPERPARAMETER_LAWS[name]
