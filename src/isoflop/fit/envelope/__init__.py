"""Approach 1: the lower envelope of finished training curves."""
