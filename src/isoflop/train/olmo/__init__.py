"""OLMo-core as the library that trains a run folder: its modules, optimiser, sharding and loop under our spec."""

from __future__ import annotations

import logging

# What it logs of every start and step is for its own users; a log line on stderr would be taken for a last word.
logging.getLogger("olmo_core").setLevel(logging.CRITICAL)
