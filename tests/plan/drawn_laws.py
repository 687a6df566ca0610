"""Laws of the Chinchilla form drawn by chance, with an optimum at every budget."""

from hypothesis import strategies as st

from isoflop.laws import ChinchillaLaw

positive_laws = st.builds(
    ChinchillaLaw,
    E=st.floats(0.5, 2.5),
    A=st.floats(50, 2000),
    B=st.floats(50, 5000),
    alpha=st.floats(0.2, 0.6),
    beta=st.floats(0.2, 0.6),
)
