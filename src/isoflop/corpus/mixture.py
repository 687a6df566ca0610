"""A mixture of domains: how much of each domain's text is trained on, so that their shares are as asked for.

Text is left out and never repeated: the domain that is scarcest for its weight is taken whole. Validation text is not
touched, so that losses on it compare with those of any other mixture of the same domains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isoflop.errors import InputError, close_names


def check_weights(domains: Sequence[str], weights: Mapping[str, float]) -> None:
    """Raises InputError that lists what is wrong with the weights of `domains`: one is missing, unknown or negative."""
    problems = [
        f"{name}: no domain of this text; did you mean {close_names(name, domains)}?"
        for name in weights
        if name not in domains
    ]
    problems += [f"{name}: expected a weight, 0 to leave it out of training" for name in domains if name not in weights]
    problems += [f"{name}: expected at least 0, got {weight}" for name, weight in weights.items() if not weight >= 0]
    if not problems and not any(weights.values()):
        problems = ["expected a weight above 0"]
    if problems:
        raise InputError.gathered("corpus.weights", problems)


def kept_shares(domain_bytes: Mapping[str, int], weights: Mapping[str, float]) -> dict[str, float]:
    """{domain: share of its text that is kept}, 0 to 1, the most of all text whose bytes have the ratio of `weights`.

    >>> kept_shares({"a": 100, "b": 300}, {"a": 1.0, "b": 1.0})
    {'a': 1.0, 'b': 0.3333333333333333}
    """
    scarcest = min(size / weights[name] for name, size in domain_bytes.items() if weights[name] > 0)
    return {name: min(1.0, weights[name] * scarcest / size) if size else 0.0 for name, size in domain_bytes.items()}
