"""Runs: a folder each, the engines that work through them, and the run index derived from them."""
