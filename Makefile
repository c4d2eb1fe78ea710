# Everything a developer needs. It makes its own virtual environment, pinned by hash; Python 3.11+ and Go must be there.

PYTHON ?= python3
VERSION ?=
JOBS ?= 6
FROM ?=
ROUNDS ?=
SEED ?=
FOR ?= 300
TAG ?=
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/.ready
ON_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"

.DEFAULT_GOAL := help
.PHONY: help demo test lint quick unit docs man realnode controlplane build may krew manifest bench parity faults fuzz lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(READY): requirements-dev.txt setup.cfg pyproject.toml
	@echo "making $(VENV) (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; say make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## roll a StatefulSet out on an embedded control plane and watch it (KEEP=1 leaves it up)
	@$(ON_VENV) KEEP=$(KEEP) $(BIN)/python -m tests.demo

test: lint ## lint, then the tests, those on the real control plane included (VERSION= as below)
	@$(ON_VENV) CONTROLPLANE_VERSION=$(VERSION) $(BIN)/python -m pytest -m "not node" -n $(JOBS) --dist worksteal

realnode: $(READY) ## the tests on a real node: kubelet, containerd, CoreDNS pods (root on Linux; installs what it lacks)
	@$(ON_VENV) $(BIN)/python -m tests.node prepare
	@$(ON_VENV) $(BIN)/python -m pytest -m node tests/node

quick: $(READY) ## the domain and the views, with fewer random cases
	@$(ON_VENV) HYPOTHESIS_TIMES=0.05 $(BIN)/python -m pytest -q tests/domain tests/views -m "not real and not slow" -n auto

unit: $(READY) ## the tests that need neither control plane nor node
	@$(ON_VENV) $(BIN)/python -m pytest -m "not real and not node" -n auto

lint: $(READY) ## flake8, isort, mypy strict (also for macOS and Windows), import contracts
	@$(BIN)/flake8 kubectl_pets krew tests
	@$(BIN)/isort --check-only --diff kubectl_pets krew tests
	@$(BIN)/mypy
	@for system in darwin win32; do $(BIN)/mypy --platform $$system --cache-dir .mypy_cache/$$system kubectl_pets krew || exit 1; done
	@$(BIN)/lint-imports --no-logo

controlplane: $(READY) ## build the control plane (VERSION=v1.34.4 for another server version)
	@$(ON_VENV) $(BIN)/python -m tests.controlplane build $(if $(VERSION),--version $(VERSION))

build: $(READY) ## dist/kubectl-pets, one executable for this machine
	@$(BIN)/python -m krew.build

docs: $(READY) ## the docs as a site, in build/site; every link and anchor has to lead somewhere
	@$(BIN)/mkdocs build --strict

man: $(READY) ## man pages of every verb, from its help, in dist/man
	@$(BIN)/python -m krew.man

may: $(READY)
	@$(BIN)/python -m krew.release --may --tag "$(TAG)"

krew: $(if $(TAG),may) build ## the archive that krew installs, its sum and manifest (FROM=folder adds others; TAG=v1.2.3: has to be that)
	@$(BIN)/python -m krew.release --try $(if $(FROM),--from "$(FROM)")

manifest: $(READY) ## sums and manifest of archives that were made elsewhere, which stay as they are (FROM=folder)
	@$(BIN)/python -m krew.release --merge --from "$(FROM)" $(if $(TAG),--tag "$(TAG)")

parity: $(READY) ## real kubectl beside kubectl-pets on 460 kubeconfigs, flags and surroundings, and what differs on purpose
	@$(ON_VENV) PARITY=all CONTROLPLANE_VERSION=$(VERSION) $(BIN)/python -m pytest -n $(JOBS) tests/parity
	@$(BIN)/python -m tests.parity

bench: $(READY) ## speed and requests, as ratios in one run
	@$(ON_VENV) $(BIN)/python -m tests.bench

faults: $(READY) ## kills, outages, bad networks, other people, lost nodes; with figures (ROUNDS=100, SEED=, VERSION=)
	@$(ON_VENV) CONTROLPLANE_VERSION=$(VERSION) $(BIN)/python -m tests.faults $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))

fuzz: $(READY) ## every decoder against mutated inputs, five minutes, with figures (FOR=seconds, SEED=)
	@$(ON_VENV) $(BIN)/python -m tests.fuzz --seconds $(FOR) $(if $(SEED),--seed $(SEED))

lock: $(READY) ## pin the dependencies anew, for every platform
	@for what in requirements requirements-dev; do \
		$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			--output-file $$what.txt $$what.in; done

clean: ## remove what was built here; the control plane's cache stays
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
