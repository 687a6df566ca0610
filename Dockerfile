# isoflop with everything that a study on CPUs needs.
#   docker build --tag isoflop .
#   docker run --rm --volume "$PWD:/work" isoflop plan 1e21
#   docker run --rm --volume "$PWD:/work" isoflop study study --minutes 15
FROM python:3.11-slim

# PyTorch's default wheel for Linux brings gigabytes of CUDA libraries; this one is for CPUs alone.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY constraints.txt /isoflop/
RUN torch="$(grep '^torch==' /isoflop/constraints.txt)" \
    && pip install --no-cache-dir --constraint /isoflop/constraints.txt --extra-index-url "$TORCH_INDEX" "$torch"

COPY pyproject.toml README.md LICENSE /isoflop/
COPY src /isoflop/src
RUN pip install --no-cache-dir --constraint /isoflop/constraints.txt '/isoflop[train,corpus]'

# Files in the mounted folder belong to whoever owns it: docker run --user "$(id -u):$(id -g)".
ENV HOME=/tmp
WORKDIR /work
ENTRYPOINT ["isoflop"]
CMD ["--help"]
