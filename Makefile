# Each command makes what it needs first: a fresh clone and Python 3.11 or later are enough.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: report test coverage mutants lint bench clean

report: .venv/installed
	$(BIN)/kpi report

test: .venv/installed-dev
	$(BIN)/pytest -n auto --dist worksteal

# The tests again, twice as long: what they run of the package, and by which test.
coverage: .venv/installed-dev
	$(BIN)/pytest -n auto --dist worksteal --thorough --cov --cov-context=test

mutants: .venv/installed-dev
	$(BIN)/python benchmarks/mutants.py $(ARGS)

lint: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/installed-dev
	for script in $(filter-out benchmarks/mutants.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@
