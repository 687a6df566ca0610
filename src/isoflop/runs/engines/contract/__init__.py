"""What every engine promises, as a test suite to subclass."""
