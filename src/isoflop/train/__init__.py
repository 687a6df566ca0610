"""The trainer. PyTorch lives in this room and nowhere else, and nothing imports this room: it is started as a process."""
