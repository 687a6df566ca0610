"""Operations of the layers as compiled loops for float32 on a CPU."""
