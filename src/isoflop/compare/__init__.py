"""Two recipes compared: by how much compute, data, time or money one is worth more than the other, and how sure."""

from isoflop.compare.result import Audit, Comparison, Multiplier, NoiseFloor, Savings, SetVerdict

__all__ = ["Audit", "Comparison", "Multiplier", "NoiseFloor", "Savings", "SetVerdict"]
