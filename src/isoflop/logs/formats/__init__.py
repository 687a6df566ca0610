"""One file for each format of training log."""
