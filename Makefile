# `make` alone lists the targets. Two of them are all one needs: `make test` and `make demo`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A marker: newer than pyproject.toml if the environment is up to date.
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup docker lint format types imports unit contract integration acceptance browser test demo screenshots bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12    the interpreter that .venv is made with (3.11 or newer)"
	@echo "  ARGS='-k pool -x'    more arguments for pytest"
	@echo "  NOTEBOOK=path.ipynb  the only notebook that the demo is to run"

setup: $(INSTALLED) ## make .venv and install nbfaas into it, with all that tests and notebooks need
	@:
$(INSTALLED): pyproject.toml scripts/setup.sh
	@PYTHON='$(PYTHON)' sh scripts/setup.sh $(VENV)

docker: setup ## see to it that a Docker daemon answers: install and start one if need be
	@$(BIN)/python scripts/docker_daemon.py

lint: setup ## ruff: rules and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## let ruff put right what it can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: setup ## mypy --strict
	$(BIN)/mypy --strict

imports: setup ## the layers: imports go down only
	$(BIN)/lint-imports

unit: setup ## the tests that need nothing but Python
	$(BIN)/python -m pytest tests/unit $(ARGS)

contract integration acceptance browser: setup
	@$(BIN)/python scripts/run_tests.py tests/$@ $(ARGS)

test: setup lint types imports ## every check and every test, Docker's included
	@$(BIN)/python scripts/run_tests.py $(ARGS)

demo: setup ## run the notebooks in real containers and print what comes out
	@$(BIN)/python scripts/demo.py $(NOTEBOOK)

screenshots: setup ## take the pictures in docs/images, with JupyterLab in Chromium
	@$(BIN)/python scripts/screenshots.py

bench: setup ## nbfaas beside its peers, in one table; ARGS="--only warm,map --no-peers --rounds 3"
	@$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove .venv, build/ and caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find nbfaas tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
