# Targets for installation, checks, tests and the demo, used by developers and CI. Needs Python 3.11 to 3.13, make and a package index.

PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo "$$python" && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := search_spaces trainables study reports segstudy

DEMO := demo
CASES ?= 40
JOBS ?= 2
RUNS ?= 10
SEED ?= 1

.PHONY: help install lint format test slow chaos bench demo docs clean
.DEFAULT_GOAL := help

help:
	@echo 'make install  .venv with segstudy and its development tools'
	@echo 'make demo     a small study on generated images: table and report in minutes, under demo/'
	@echo 'make test     lint, types, then the tests with coverage'
	@echo 'make lint     ruff, mypy, import-linter, vulture           (make format fixes what can be fixed)'
	@echo 'make slow     the tests that make test excludes: longer than ten seconds each'
	@echo 'make chaos    RUNS=10 studies whose processes are killed at random; network outages of three hosts; autoscaler; ray up'
	@echo 'make docs     the documentation as a site, under build/site/'
	@echo 'make bench    all scripts of benchmarks/'
	@echo 'make clean    remove what the targets above made, .venv included'

install: $(STAMP)

# torch is installed first, by itself: the pin alone then selects the build, also where an index offers CUDA builds.
$(STAMP): pyproject.toml constraints.txt
	@test -n '$(PYTHON)' || { echo 'Error: Python 3.11, 3.12 or 3.13 is needed; none is on the PATH. Say make PYTHON=…' >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing into $(VENV): a minute or two, 2.5 GB.'
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: lint
	$(BIN)/pytest -m 'not slow' -n $(JOBS) --dist loadfile --no-loadscope-reorder --cov --cov-report=term --cov-fail-under=90

slow: $(STAMP)
	$(BIN)/pytest -m slow --timeout=3600

# Each script runs even if an earlier one fails; the last three need root.
chaos: $(STAMP)
	@failed=0; $(BIN)/python -m tests.chaos --runs $(RUNS) --seed $(SEED) || failed=1; \
	$(BIN)/python -m tests.chaos.three_hosts || failed=1; \
	$(BIN)/python -m tests.chaos.from_zero || failed=1; \
	$(BIN)/python -m tests.chaos.ray_up || failed=1; exit $$failed

bench: $(STAMP)
	@missed=0; for script in $(wildcard benchmarks/*.py); do \
		echo "== $$script"; $(BIN)/python "$$script" || missed=$$((missed + 1)); done; \
	echo "$$missed of $(words $(wildcard benchmarks/*.py)) missed their figures"; test $$missed = 0

demo: $(STAMP)
	rm -rf $(DEMO)
	$(BIN)/segstudy phantom $(DEMO)/data --cases $(CASES) --dim 2 --seed 1
	$(BIN)/segstudy run demo --data $(DEMO)/data --home $(DEMO)/runs

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo 'build/site/index.html; with search: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site'

clean:
	rm -rf $(VENV) $(DEMO) build dist *.egg-info .coverage .coverage.* htmlcov \
		.pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +
