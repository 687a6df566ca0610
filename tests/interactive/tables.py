"""One table of runs in every form that Python has for it."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from isoflop.laws import published_law

LAW = published_law("besiroglu2024")
FORMS = ("pandas", "polars", "polars lazy", "pyarrow", "columns", "arrays", "records")


def columns():
    """45 runs of the law in five budgets, with a scatter of .4 %."""
    budgets = np.geomspace(1e18, 1e20, 5)
    N = np.concatenate([float(LAW.optimum(C)[0]) * np.geomspace(0.25, 4, 9) for C in budgets])
    D = np.repeat(budgets, 9) / (6 * N)
    loss = LAW.loss(N, D) * np.exp(0.004 * np.random.default_rng(0).standard_normal(45))
    return {"model size": N, "training tokens": D, "final loss": loss}


def table(form, of=None):
    """The runs, or the columns `of`, in one of FORMS."""
    arrays = columns() if of is None else of
    lists = {
        name: [getattr(cell, "item", lambda cell=cell: cell)() for cell in cells] for name, cells in arrays.items()
    }
    match form:
        case "pandas":
            return pd.DataFrame(lists)
        case "polars":
            return pl.DataFrame(lists, strict=False)
        case "polars lazy":
            return pl.LazyFrame(lists, strict=False)
        case "pyarrow":
            return pa.table(lists)
        case "columns":
            return lists
        case "arrays":
            return {name: np.asarray(cells) for name, cells in lists.items()}
        case "records":
            return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    raise ValueError(form)
