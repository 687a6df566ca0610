"""Architecture families, a file each, and their table."""
