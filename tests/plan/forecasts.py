"""A forecast that tests seal."""

from isoflop.plan import Forecast


def forecast(**changes):
    values = {
        "params": 1.2e6,
        "tokens": 4.5e7,
        "flops": 3.3e14,
        "loss": 1.5,
        "interval": (1.45, 1.56),
        "level": 0.9,
        "law": "fitted",
        "observations_digest": "ab" * 32,
        "params_convention": "non_embedding",
        "flops_convention": "matmul",
        "loss_unit": "nats_per_token",
        "run_id": "0123456789ab",
    }
    return Forecast(**{**values, **changes})
