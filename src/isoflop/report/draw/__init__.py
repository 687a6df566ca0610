"""Plain values of figures/ -> plotly figures as JSON dicts. No arithmetic beyond axis ticks, no import of plotly."""
