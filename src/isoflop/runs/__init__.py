"""Runs: a folder each, the engines that work through them, and the ledger derived from them."""
