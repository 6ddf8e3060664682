# Needs GNU make and Python 3.11 or newer, nothing else. `make help` lists the targets.
#
# On a machine without an NVIDIA GPU, `UV_TORCH_BACKEND=cpu make demo` installs PyTorch without its CUDA libraries
# (about 0.2 GB instead of 3 GB); the variable is uv's own and is read at the first installation.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraints constraints.txt --build-constraints constraints.txt
LOCK := pyproject.toml constraints.txt

define FIND_PYTHON
for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
    python=; \
done; \
if [ -z "$$python" ]; then echo "No Python 3.11 or newer was found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; fi
endef

define NO_PIP
This Python cannot make virtual environments: its package ensurepip is missing.
On Debian and Ubuntu: apt-get install python3-venv (or python3.X-venv for a Python of version 3.X).
endef
export NO_PIP

.PHONY: help demo test check bench docs build lock clean

help: ## List the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.for-demo ## Install what is needed, then tell the story of one user with the real embedding model
	@$(BIN)/beliefgraph demo

test: $(VENV)/.for-work ## Install what is needed, then run every test
	@$(BIN)/pytest $(ARGS)

check: $(VENV)/.for-work ## Lint, formatting, types, and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.for-work ## Print every figure that the README states
	@$(BIN)/python -m bench --memory $(ARGS)

docs: $(VENV)/.for-work ## Build the documentation, strictly, into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

build: $(VENV)/.for-work ## Build the wheel and the source archive into dist/
	$(BIN)/uv build --quiet --build-constraints constraints.txt

lock: $(BIN)/uv ## Resolve constraints.txt anew, for every platform and Python version that we support
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --no-emit-index-url \
	    --no-header --output-file constraints.txt pyproject.toml

clean: ## Remove everything that was built, the virtual environment included
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

# What each target needs, installed once and again when the versions change.

$(BIN)/python:
	@$(FIND_PYTHON); \
	"$$python" -c 'import ensurepip' 2>/dev/null || { echo "$$NO_PIP" >&2; exit 1; }; \
	"$$python" -m venv $(VENV)

$(BIN)/uv: | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv

$(VENV)/.for-demo: $(LOCK) | $(BIN)/uv
	@echo "Installing into $(VENV) (PyTorch is large: minutes at first, seconds once it was downloaded) …"
	@$(INSTALL) --editable '.[offline]'
	@touch $@

$(VENV)/.for-work: $(LOCK) | $(BIN)/uv
	@echo "Installing into $(VENV) (PyTorch is large: minutes at first, seconds once it was downloaded) …"
	@$(INSTALL) --editable '.[offline,neo4j,plot,otel,docs,test,dev]'
	@touch $@ $(VENV)/.for-demo
