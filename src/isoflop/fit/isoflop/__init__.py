"""Approach 2: isoFLOP profiles, their optima, and power laws through the optima."""
