# Everything that one does to this project, one target each. `make help` lists them.
#
# Only make and a Python >= 3.11 are needed; the rest goes into .venv. PYTHON=... chooses the
# interpreter, VENV=... another folder.

VENV ?= .venv
MINIMUM := 3.11
VERSIONS ?= 3.11 3.12 3.13
INSTALLED := $(VENV)/.installed
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check lint mypy pyright imports format pytest wheel bench clean
.PHONY: explore explore-workflows explore-races explore-mutants explore-model

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## Index a folder, be killed half-way, recover
	$(BIN)/python examples/demo.py

test: check pytest wheel  ## Everything that must be green: lint, types, tests, the wheel

test-all:  ## The tests and the wheel on every supported Python (absent ones are skipped, but not in CI)
	@for version in $(VERSIONS); do \
	    if python=$$(.ci/find-python $$version); then \
	        echo "== Python $$version: $$python"; \
	        $(MAKE) --no-print-directory VENV=.venv-$$version PYTHON="$$python" pytest wheel || exit 1; \
	    elif [ "$(CI)" = true ]; then \
	        echo "== Python $$version: not found, and in CI every version must be there" >&2; exit 1; \
	    else \
	        echo "== Python $$version: not found, skipped"; \
	    fi; \
	done

check: lint mypy pyright imports  ## Lint, types and the dependency rule (make -k check: all of them, whatever fails)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

mypy: $(INSTALLED)
	$(BIN)/mypy -p durably.actors -p durably.workflows

pyright: $(INSTALLED)
	$(BIN)/pyright --pythonpath $(BIN)/python

imports: $(INSTALLED)
	$(BIN)/lint-imports

format: $(INSTALLED)  ## Format, and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pytest: $(INSTALLED)  ## The tests, in random order (ARGS=... for pytest)
	$(BIN)/python -m pytest $(ARGS)

wheel: $(INSTALLED)  ## Build the wheel and run the README's example from it in an empty environment
	$(BIN)/python -m tests.house.check_wheel

bench: $(INSTALLED)  ## This SDK beside the official one and beside a floor
	$(BIN)/python -m tests.benchmarks $(ARGS)

explore: explore-workflows explore-races explore-mutants explore-model  ## All of what is explored: an hour or so

explore-workflows: $(INSTALLED)  ## 100,000 schedules of workflows, and how many a second (CAMPAIGN=...)
	$(BIN)/python -m tests.simulation.campaign $(CAMPAIGN)

explore-races: $(INSTALLED)  ## Each scenario of docs/races.md under 1,000 random and 1,000 PCT schedules
	$(BIN)/python -m tests.simulation.races --more 1000

explore-mutants: $(INSTALLED)  ## Hunt the mutants of docs/mutants.md anew, and find those of docs/mechanical-mutants.md again
	$(BIN)/python -m tests.simulation.mutants
	$(BIN)/python -m tests.simulation.mechanical --again

explore-model: $(INSTALLED)  ## Every interleaving of the protocol's model (minutes, gigabytes; ARGS=...)
	$(BIN)/python tests/model/run.py $(ARGS)

clean:  ## Remove what these targets made
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find actors workflows tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# A second run installs nothing: the stamp is newer than what was installed from. Without a stamp the
# installation was interrupted, or never begun: the environment is made anew.
$(INSTALLED): pyproject.toml
	@if [ -e $@ ]; then rm $@; exit; fi; \
	python="$(PYTHON)"; \
	if [ -z "$$python" ] && ! python=$$(.ci/find-python $(MINIMUM)+); then \
	    echo "No Python >= $(MINIMUM) with venv and ensurepip found (looked for python3, python3.11 to python3.14" >&2; \
	    echo "and in pyenv). Install one, or name it: make PYTHON=/path/to/python ..." >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	    echo "PYTHON=$$python is no Python >= $(MINIMUM)." >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$python"; \
	"$$python" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[local]" --group dev
	@touch $@
