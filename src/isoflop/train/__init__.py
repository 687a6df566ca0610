"""The trainer. PyTorch lives here and nowhere else, and nothing imports this room: it is started as a process."""
