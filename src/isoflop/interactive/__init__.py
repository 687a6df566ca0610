"""isoflop in a notebook: frames in, answers with methods, figures and tables out. Beside `cli/`, on the top floor."""
