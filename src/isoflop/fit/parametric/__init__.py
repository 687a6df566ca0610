"""Approach 3: the parametric loss, fitted by a robust objective from many starts."""
