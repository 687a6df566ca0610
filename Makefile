# Two commands to start with: make study, make test. Both set up .venv by themselves.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= study
MINUTES ?= 15
SEED ?= 0
# What a study needs, and what the tests need besides.
STUDY_SET := $(VENV)/.study-set
TEST_SET := $(VENV)/.test-set
# OLMo-core's libraries want an older rich and filelock than the tools do: an environment of its own that sees .venv's.
OLMO := $(VENV)/olmo
OLMO_SET := $(VENV)/.olmo-set
OLMO_TESTS := src/isoflop/train/olmo tests/train/olmo tests/runs/engines/test_olmo.py tests/study/test_olmo.py \
	tests/plan/export/test_olmo_core.py
# A test file a process, one more of them than there are cores, since the tests of engines and studies wait much of their
# time for the processes that they start; in the order of tests/conftest.py.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
AT_ONCE := -n $(shell expr $(CORES) + 1) --maxprocesses 8 --dist loadfile --no-loadscope-reorder
PACKAGES := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'

# A real Slurm for the contract tests of its engine: installed where a package can be, by root.
SLURM_PACKAGES := munge slurm-client slurmctld slurmd
INSTALL_SLURM := apt-get update -qq && apt-get install -qq --yes --no-install-recommends $(SLURM_PACKAGES)

.PHONY: study test test-slurm check docs format clean

study: $(STUDY_SET)
	$(BIN)/isoflop study $(STUDY) --minutes $(MINUTES) --seed $(SEED)
	@echo; echo "Next: source $(BIN)/activate; isoflop generate $(STUDY) --prompt 'The '"

test: check $(OLMO_SET)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(AT_ONCE)
	OMP_NUM_THREADS=1 $(OLMO)/bin/python -m pytest $(AT_ONCE) $(OLMO_TESTS)

# Sets up a Slurm of its own in a temporary folder, runs the contract of the engine on it, and takes it down. What there
# is of a Slurm on this machine is left alone but for its programs.
test-slurm: $(TEST_SET)
	@PATH="$$PATH:/usr/sbin:/sbin"; for each in munged slurmctld slurmd sbatch; do \
		command -v $$each >/dev/null || missing=yes; done; \
	if test -z "$$missing"; then :; \
	elif test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		DEBIAN_FRONTEND=noninteractive timeout 120 sh -c '$(INSTALL_SLURM)' >/dev/null 2>&1 \
			|| echo "Slurm cannot be installed from the packages here: its tests skip"; \
	else echo "Slurm is not here, and installing it takes root and apt-get: its tests skip"; fi
	ISOFLOP_TEST_SLURM=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs tests/runs/engines/test_real_slurm.py

check: $(TEST_SET)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/ty check src

# The documentation as a site in site/; a link that leads nowhere fails.
docs: $(TEST_SET)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "Next: open site/index.html, or $(BIN)/mkdocs serve"

format: $(TEST_SET)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "isoflop needs Python 3.11 or later: install it, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(STUDY_SET): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,corpus]'
	touch $@

$(TEST_SET): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,corpus,tables,notebook,slurm,tensorboard,dev]'
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[ray]' \
		|| echo "no Ray for this system and Python: the contract tests of the engine ray skip"
	touch $@ $(STUDY_SET)

$(OLMO_SET): constraints-olmo.txt $(TEST_SET)
	$(BIN)/python -m venv --without-pip $(OLMO)
	echo "import site; site.addsitedir('$$($(BIN)/python $(PACKAGES))')" > "$$($(OLMO)/bin/python $(PACKAGES))/above.pth"
	@$(BIN)/python -m pip --python $(OLMO)/bin/python install -qqq --constraint constraints-olmo.txt ai2-olmo-core \
		|| echo "no OLMo-core for this system and Python: the tests of the engine olmo skip"
	touch $@

clean:
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache
