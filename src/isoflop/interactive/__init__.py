"""isoflop in a notebook: frames in, answers with methods, figures and tables out. On the top floor, as `cli/`."""
