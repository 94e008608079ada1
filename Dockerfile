# Everything that the workflow needs: the hashed versions of requirements.lock, and ladr with its embedded models.
#
#   docker build -t ladr .                                     torch as pip takes it by default: on Linux with CUDA
#   docker build -t ladr:cpu --build-arg TORCH=WHEEL .         WHEEL: the address of torch's CPU wheel for Linux
#   apptainer build ladr.sif docker-daemon://ladr:latest       for a cluster; snakemake --sdm apptainer
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

ARG TORCH=torch==2.13.0
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1

# Git is for DVC and for what a cell says of its commit; rsync is for Snakemake's storage plugin `fs`.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git rsync \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/ladr
COPY requirements.lock ./
RUN python -m pip install "${TORCH}" \
    && python -m pip install --require-hashes --no-deps -r requirements.lock

COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE CITATION.cff ./
COPY src ./src
COPY models ./models
RUN python -m pip install --no-deps --no-build-isolation . \
    && rm -rf build

# Jobs write into the folder that they are started in, and caches into a home that anybody may write.
RUN useradd --create-home --uid 1000 ladr \
    && install -d -m 1777 /work /cache
ENV HOME=/cache
WORKDIR /work
USER ladr
CMD ["ladr", "--help"]
