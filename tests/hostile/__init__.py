"""Input that was made to break the command line: tables, command lines, configurations, study folders."""
