"""Engines: who works through run folders, and where."""
