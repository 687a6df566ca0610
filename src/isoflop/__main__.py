"""`python -m isoflop`: the command line, for environments whose scripts are not on the path."""

from isoflop.cli import main

if __name__ == "__main__":
    main(prog_name="isoflop")
