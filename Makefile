# Each target does all of its own set-up in .venv; a second run finds it there and is quick.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test torture bench check run lock clean screenshots

help:                  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: .venv/.run       ## Watch the whole job happen against the sandbox (ARGS=--exit to leave at the end)
	$(BIN)/billwatch demo $(ARGS)

test: .venv/.dev       ## Run the tests (ARGS is handed to pytest)
	$(BIN)/python -m pytest -n 2 $(ARGS)

torture: .venv/.dev   ## Run the long trials: crashes, foul weather, attacks; prints what was counted
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "torture or attack" -o timeout=0 $(ARGS)

bench: .venv/.dev      ## Measure against the sandbox and hold the promises (ARGS names one part)
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: .venv/.dev ## Take pictures of every page and mail, into screenshots/ (needs Chromium)
	$(BIN)/python tests/browser/screenshots.py

check: .venv/.dev      ## Lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

run: .venv/.run        ## Run the daemon with ./billwatch.toml (ARGS is handed to billwatch serve)
	$(BIN)/billwatch serve $(ARGS)

lock:                  ## Write the hashed requirements anew (needs uv; --python-version keeps 3.11 the floor)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.txt $(ARGS)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -c requirements.txt -o requirements-dev.txt $(ARGS)

clean:                 ## Remove .venv and everything that was built
	rm -rf .venv build dist .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.run: requirements.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements.txt
	$(PIP) install --no-deps -e .
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@
