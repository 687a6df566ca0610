"""Forecasts of losses from fits, with errors learnt from rolling origins."""
