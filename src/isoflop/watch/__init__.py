"""A run that is under way, held to its forecast: where it will end, how sure, and whether it is on course."""
