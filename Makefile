# The two commands a newcomer needs are `make study` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
STUDY ?= fashion-rotations
export OMP_NUM_THREADS ?= 1

.PHONY: install study test lint docs notebooks test-slow test-cluster bench clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt "torch==2.13.0"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(STAMP)

study: $(STAMP)  ## the default study on real images, fitted, with a report
	$(BIN)/curvefit run $(STUDY) --out out/$(STUDY) || [ $$? -eq 4 ]  # 4: some runs failed, and are records
	$(BIN)/curvefit report out/$(STUDY) --out out/$(STUDY) || [ $$? -eq 3 ]  # 3: written, not converged; said first

test: $(STAMP)  ## everything that is checked: lint, types, floors, tests, docs, notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 -m "not slow and not cluster"

test-slow: $(STAMP)  ## calibration, coverage and kill suites; results are kept in docs/results
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[numpyro]"
	$(BIN)/pytest -m slow

test-cluster: $(STAMP)  ## Ray on two simulated nodes and a one-node Slurm
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[ray]"
	$(BIN)/pytest -m cluster -rs  # says what is not installed

bench: $(STAMP)  ## benchmarks: ratios against named references, measured in one run
	$(BIN)/python -m tests.benchmarks

docs: $(STAMP)
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) out site
