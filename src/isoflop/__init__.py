"""Plan and prove compute-optimal training of language models."""

__version__ = "0.1.0"
