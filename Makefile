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

.PHONY: study test check format clean

study: $(STUDY_SET)
	$(BIN)/isoflop study $(STUDY) --minutes $(MINUTES) --seed $(SEED)

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

check: $(TEST_SET)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/ty check src

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
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,corpus,tables,slurm,tensorboard,dev]'
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[ray]' \
		|| echo "no Ray for this system and Python: the contract tests of the engine ray skip"
	touch $@ $(STUDY_SET)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
