"""Entries of the ledger that tests make up."""

from isoflop.ledger import Entry


def entry(**changes):
    """An entry that counts: a loss of 2 forecast as 2 (1.9 to 2.1 with 90 %)."""
    values = {
        "name": "big run",
        "source": "sealed",
        "quantity": "loss",
        "unit": "nats_per_token",
        "predicted": 2.0,
        "interval": (1.9, 2.1),
        "level": 0.9,
        "made_from": "runs",
        "study": "study",
        "sealed": 1_700_000_000.0,
        "evidence": "the first start of the run names it",
        "stated_only": False,
        "path": "final.json",
        "actual": 2.0,
        "scored": 1_700_100_000.0,
    }
    return Entry(**{**values, **changes})
