"""One file a figure: its values, how they are drawn, and its panel."""
