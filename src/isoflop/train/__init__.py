"""The trainer: the only room that imports PyTorch. Nothing imports it; it is started as a process."""
