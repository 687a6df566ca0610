"""Functional forms of the loss, as fits and forecasts use them."""
