"""OLMo-core as the library that trains a run folder: its modules, optimiser, sharding and loop, by our spec."""

from __future__ import annotations

import logging

# its log of every start and step is for its own users; drivers quote the last lines of stderr as the reason of a crash
logging.getLogger("olmo_core").setLevel(logging.CRITICAL)
