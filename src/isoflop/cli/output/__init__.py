"""Text that verbs print: tables, progress and the answers of larger verbs."""
