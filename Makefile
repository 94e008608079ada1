# Every target first makes .venv: torch from the index that pip is set up for (TORCH=... to choose
# another build), then everything else from the hashed lock, through uv (seconds where pip takes minutes).
PYTHON ?= python3
TORCH  ?= torch==2.13.0
CORES  ?= all
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TORCHS_OWN := torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cccl \
  nvidia-cuda-cupti nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile \
  nvidia-curand nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink \
  nvidia-nvshmem-cu13 nvidia-nvtx

# The extras whose packages stand in the lock. The others (demo, docs, crate) are for one command each.
LOCKED := workflow figures real judge pictures slurm dev

PORT   ?= 5000
WORKERS ?= auto

# Of the trained backbone at full size. The 8B model's own; on a CPU with AVX512-BF16 or AMX passes take two thirds
# of float32's time, on one without they take many times as long: DTYPE=float32 there.
DTYPE  ?= bfloat16
SUITES := mini-geneval mini-unigen mini-dpg mini-t2i
EXTENDED ?= false
EMBEDDED := $(foreach group,ablations.figure5 ablations.figure6 ablations.decomposition sweeps.steps,$(group).backbones=[mixture,shapes,pictures])
FULL   := $(USE:%=use=[%]) extended=$(EXTENDED) ablations.doubt.extended=false theory=true latency.prompts=10 sweeps.alpha_tau.backbones=[mixture,shapes] \
  $(EMBEDDED) \
  $(SUITES:%=backbones.mixture.benchmarks.%=full) $(SUITES:%=backbones.shapes.benchmarks.%=100) \
  backbones.pictures.benchmarks.mini-pictures=full backbones.mixture.images.mini-dpg=4 backbones.shapes.images.mini-dpg=2 backbones.shapes.settings.dtype=$(DTYPE) \
  sweeps.thresholds.size=100
# What `make reproduce` asked for once: few prompts of all four suites on the trained backbone, more on the exact one.
WIDE   := use=[mixture,shapes] $(EMBEDDED) latency.prompts=3 backbones.mixture.benchmarks.mini-unigen=default \
  backbones.mixture.benchmarks.mini-t2i=default backbones.shapes.benchmarks.mini-geneval=2 backbones.shapes.benchmarks.mini-unigen=1 \
  backbones.shapes.benchmarks.mini-dpg=4 backbones.shapes.benchmarks.mini-t2i=2

.PHONY: setup reproduce full wide smoke report ui unlock test test-all check golden slurm storage pages faults plan count lint format lock fuzz hostile licences sbom audit docs clean

setup: $(READY)
	@echo 'Ready. Next: source $(VENV)/bin/activate, then ladr --help'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ladr needs Python >= 3.11: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv
	$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install -q --disable-pip-version-check $(TORCH)
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes --no-deps -r requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

# Everything that params.yaml asks for. Again after any kind of end: what is done is kept, what is damaged is mended.
reproduce: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --quiet rules --cores $(CORES)

# The same with all prompts of the exact backbone and of the pictures, and 100 per column of the miniature: what figures/published
# and docs/results.md show (`ladr publish` afterwards). Hours; `make full USE=mixture` is the exact backbone alone, `make full GOAL=figures` draws
# alone, and GOAL="--report results/report.html" makes the page.
full: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --quiet rules --cores $(CORES) $(GOAL) --config set="$(FULL)"

# The exact backbone and the miniature on all four suites, with few prompts of the trained one: the older default experiment.
wide: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --quiet rules --cores $(CORES) $(GOAL) --config set="$(WIDE)"

# The whole workflow without weights, in a folder of its own.
smoke: $(READY)
	mkdir -p runs/smoke
	cp -r Snakefile workflow profiles runs/smoke
	cp smoke.yaml runs/smoke/params.yaml
	cd runs/smoke && PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --quiet rules --cores $(CORES)

report: reproduce
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --report results/report.html

ui: $(READY)
	$(BIN)/ladr ui --port $(PORT)

# Only if Snakemake says that the directory is locked and `make reproduce` does not mend it.
unlock: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --unlock

# The tests on all cores: WORKERS=1 for a single one, WORKERS=0 in this process (for a debugger).
test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not slurm and not trust"

test-all: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slurm and not trust and not full_size"

# Kills, full disks, clocks, two writers, every file spoilt in every way: half an hour on two cores. The last line says
# how many of them were survived; LADR_KILLS=3 makes a short one.
faults: $(READY)
	$(BIN)/python -m pytest -m trust tests/trust/test_faults.py

# Every hostile file, text and server: prints how many were refused, ran code, or touched a file outside.
hostile: $(READY)
	PYTHONPATH=tests $(BIN)/python -m trust.hostile

# Thousands of drawn inputs for files, options, commands, records and the Python API: prints how many were refused or
# answered as they must be. `--seed N` draws others, `--door NAME` those of one door.
fuzz: $(READY)
	PYTHONPATH=tests $(BIN)/python -m trust.fuzz

# The licence of every pinned package, written into LICENSES/third-party.md.
licences: $(READY)
	PYTHONPATH=tests $(BIN)/python -m house.licences

# A bill of materials in CycloneDX.
sbom: $(READY)
	PYTHONPATH=tests $(BIN)/python -m house.sbom build/sbom.json

# Known advisories about the pinned packages. Fails, and says so, where the service cannot be reached.
audit: $(READY)
	PYTHONPATH=tests $(BIN)/python -m house.audit $(BIN)/uvx

# Renew what is recorded: tokens of new samplers and raised versions, the schema of params.yaml, the floor plan.
golden: plan
	$(BIN)/python -m pytest tests/decoding/test_policies.py -k tokens_change --renew-golden
	$(BIN)/ladr params --schema > docs/params.schema.json

# What must pass at every commit on main, in the shortest time.
check: lint test

# A Slurm of one node, started for the test and stopped after it; needs slurm-wlm and munge, not a cluster.
slurm: $(READY)
	$(BIN)/python -m pytest -m slurm -rs tests/workflow/test_slurm.py

# The workflow with its files in a storage, each job in an empty folder. Needs rsync; the plugins lie beside the
# locked environment.
storage: $(READY)
	test -d build/storage-tools || $(BIN)/uv pip install -q --python $(BIN)/python --target build/storage-tools --group storage
	PYTHONPATH="$(CURDIR)/build/storage-tools" $(BIN)/python -m pytest -rs tests/workflow/test_storage.py tests/workflow/test_profiles.py

# What needs tools outside the lock, each beside the locked environment: the site, the crate's validator, the demo. Then
# every page in a browser, where Chromium or Chrome is installed, and the wheel in an empty environment.
pages: docs
	test -d build/crate-tools || $(BIN)/uv pip install -q --python $(BIN)/python --target build/crate-tools --group crate
	test -d build/demo-tools || $(BIN)/uv pip install -q --python $(BIN)/python --target build/demo-tools 'gradio>=6'
	PYTHONPATH="$(CURDIR)/build/crate-tools" $(BIN)/python -m pytest -rs -k validator tests/experiment/test_crate.py
	PYTHONPATH="$(CURDIR)/build/demo-tools" $(BIN)/python -m pytest -rs tests/cli/test_demo.py
	$(BIN)/python -m pytest -rs tests/cli/test_links.py tests/cli/test_readme_page.py tests/figures/test_gallery.py \
	  tests/workflow/test_report.py tests/experiment/test_ui.py tests/house/test_wheel.py

# Draw the floor plan of docs/architecture.md again.
plan: $(READY)
	PYTHONPATH=tests $(BIN)/python -m house.plan

# Rooms, arrows, circles and what breaks a limit.
count: $(READY)
	PYTHONPATH=tests $(BIN)/python -m house.count

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/codespell
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

lock: pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 $(LOCKED:%=--extra %) --generate-hashes \
	  $(TORCHS_OWN:%=--no-emit-package %) --no-annotate --no-header pyproject.toml -o requirements.lock

# The documentation as a site in build/site. Its tools lie beside the locked environment; the build needs no network.
docs: $(READY)
	test -d build/docs-tools || $(BIN)/uv pip install -q --python $(BIN)/python --target build/docs-tools --group docs
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=build/docs-tools:src $(BIN)/python -m mkdocs build -q

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
