# Everything a person runs.  `make demo` and `make test` need Python 3.11+ and package registries.
#
#   TORCH   what to install as PyTorch.  The tested version by default; a GPU user gives another
#           build:  make demo TORCH='torch==2.13.0 --index-url URL-OF-THE-CUDA-WHEELS'
#   PYTHON  interpreter that makes the virtual environment
#   PYTEST  arguments of `make test`, e.g. make test PYTEST='tests/test_jsoc.py -x'

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
PYTEST ?= --numprocesses auto --dist loadfile
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo now test lint types wheel-check bench bench-large format clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.base: pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "flaremon needs Python 3.11 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "this Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing flaremon into $(VENV) (a minute or two) ..."
	@$(PIP) install -qq --constraint .ci/constraints.txt $(TORCH)
	@$(PIP) install -qq --constraint .ci/constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "Installing what the tests need ..."
	@$(PIP) install -qq --constraint .ci/constraints.txt --editable '.[test,lint,dask,onnx]'
	@touch $@

demo: $(VENV)/.base  ## the main job on three real magnetograms, off-line
	@$(BIN)/flaremon demo

now: $(VENV)/.base  ## the main job once against the live JSOC (exit 0 also when the answer is "flare")
	@$(BIN)/flaremon now; code=$$?; [ $$code -le 1 ] || exit $$code

test: $(VENV)/.dev  ## the whole suite; installs PostgreSQL's programs where they are missing
	@sh .ci/install-postgres
	@FLAREMON_TEST_REQUIRE_POSTGRES=1 $(BIN)/python -m pytest $(PYTEST)

lint: $(VENV)/.dev  ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## mypy, strict, on flaremon and flows
	@$(BIN)/mypy

wheel-check: $(VENV)/.dev  ## build the wheel, install it in a clean environment, score with it
	@sh .ci/check-wheel $(BIN)/python '$(TORCH)'

bench: $(VENV)/.dev  ## measure; prints tables, fails nothing
	@$(BIN)/python -m tests.benchmarks.main_job

bench-large: $(VENV)/.dev  ## the same with a million rows, and a backfill; takes half an hour
	@for what in store verify_stored status outcomes backfill; do \
	  echo "== $$what"; $(BIN)/python -m tests.benchmarks.$$what || exit 1; done

format: $(VENV)/.dev  ## let ruff rewrite
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:  ## remove the environment and everything generated
	rm -rf $(VENV) var build dist .pytest_cache .mypy_cache .ruff_cache
