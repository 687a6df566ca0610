"""Two recipes compared by pairs of runs that are trained for it: the same cells, data order and seeds on both sides."""
