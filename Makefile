# make up      from a fresh machine to a verified cluster on the local cloud
# make down    remove it all again
# make test    all tests; T=unit, T=local_cloud, T=integration or T=cluster for one group
# make lint    the quality gates;  make bench  the figures;  make docs  the plugins' and roles' pages as text
#
# Settings: CLUSTER=name CLOUD=name CONTROL_PLANE=1 WORKERS=2 DELAYS=none|short|real ARGS='more for ansible-playbook'

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin

CLUSTER ?= flotilla
CLOUD ?= flotilla
CONTROL_PLANE ?= 1
WORKERS ?= 2
DELAYS ?= none
ARGS ?=
T ?= unit local_cloud integration cluster
export CLUSTER CLOUD CONTROL_PLANE WORKERS
export PATH := $(BIN):$(PATH)

.PHONY: help up down destroy status test lint format bench docs lock

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

# The environment: from the lock files, hashes checked. The stamp is last, so that an interrupted install is done again.
$(VENV)/up.stamp: requirements.txt local_cloud/pyproject.toml
	@echo "python environment in $(VENV) (about half a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version). Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "installing python3-venv"; apt-get install -y -qq python3-venv >/dev/null; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e local_cloud
	@touch $@

$(VENV)/test.stamp: $(VENV)/up.stamp requirements-dev.txt
	@echo "test tools in $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

up: $(VENV)/up.stamp
	@local-cloud build
	@ln -sf "$$($(BIN)/python -c 'from local_cloud.build import artifacts; from local_cloud.paths import cache_root; print(artifacts(cache_root()).kubectl)')" $(BIN)/kubectl
	@local-cloud start --name $(CLOUD) --delays $(DELAYS)
	@ansible-playbook site.yml $(ARGS)
	@echo "kubectl is there as $(VENV)/bin/kubectl"

down: $(VENV)/up.stamp
	@local-cloud stop --name $(CLOUD) --purge
	@rm -rf .state/$(CLUSTER)

destroy: $(VENV)/up.stamp
	@ansible-playbook destroy.yml -e confirm=$(CLUSTER) $(ARGS)

status: $(VENV)/up.stamp
	@local-cloud status --name $(CLOUD)

test: $(VENV)/test.stamp
	@tests/run $(T)

lint: $(VENV)/test.stamp
	@ruff check .
	@ruff format --check .
	@mypy
	@cd local_cloud && mypy
	@yamllint --strict .
	@ansible-lint --offline -q
	@find . -name .venv -prune -o -path ./local_cloud/src/local_cloud/build/go -prune -o -name '*.sh' -print | xargs -r shellcheck --shell=bash --exclude=SC1091 tests/run .ci/run

format: $(VENV)/test.stamp
	@ruff check --fix .
	@ruff format .

bench: $(VENV)/test.stamp
	@$(BIN)/python bench/bench.py $(ARGS)

docs: $(VENV)/up.stamp
	@$(BIN)/python docs/render.py

# New versions: edit requirements*.in, then make lock.
lock: $(VENV)/test.stamp
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements.txt requirements.in
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url -c requirements.txt -o requirements-dev.txt requirements-dev.in
