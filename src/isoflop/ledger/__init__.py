"""How good forecasts have been: what was predicted, what came, and how often the intervals held it."""
