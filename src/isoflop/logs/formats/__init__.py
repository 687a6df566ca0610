"""One file a kind of log, each with `recognise` and `read`; `registry.py` lists them."""
