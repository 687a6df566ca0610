"""Training logs of other tools and of our own, read into typed runs: configuration, curves, final losses."""

from isoflop.logs.run import LoggedRun, Series

__all__ = ["LoggedRun", "Series"]
