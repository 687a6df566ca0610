"""One minimisation over N and D for every objective and limit of a plan."""
