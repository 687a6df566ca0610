"""Architecture families, one file each, and their table."""
