# The commands that must always work. Everything is set up from nothing in .venv; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup run example-payments example-quix example-flink test check format docs test-clients test-faults test-s3 sim bench clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(STAMP): pyproject.toml setup.py src/anabranch/records/_decode.py src/anabranch/records/_decode.pxd src/anabranch/records/_scan.py src/anabranch/records/_scan.pxd src/anabranch/records/crc32c.h src/anabranch/records/_compact.py src/anabranch/records/_compact.pxd src/anabranch/records/blake2b.h
	@$(PYTHON) -c 'import sys; sys.exit("Anabranch needs Python 3.11 or newer; set PYTHON=python3.12, for instance" if sys.version_info < (3, 11) else 0)'
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

setup: $(STAMP) ## create .venv and install everything

run: $(STAMP) ## the main job: a real stream, broken and recovered (ONCE=1 ends after the report)
	@$(BIN)/python -m examples.flights

example-payments: $(STAMP) ## transfers by HTTP that must not repeat, through kills, a bad deployment and a replay
	@$(BIN)/python -m examples.payments

example-quix: $(STAMP) ## a Quix Streams job rebuilt from its checkpoint, as it is
	@$(BIN)/python -m examples.jobs quix

example-flink: $(STAMP) ## a Flink job rebuilt from its checkpoint, as it is (needs a JDK 17+ and Maven)
	@$(BIN)/python -m examples.jobs flink

test: $(STAMP) ## the default tests
	@$(BIN)/python -m pytest

check: $(STAMP) ## ruff, mypy --strict, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## let ruff rewrite the sources
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

docs: $(STAMP) ## write what is generated from the code: docs/apis.md
	@$(BIN)/python -m anabranch.broker.coverage > docs/apis.md

test-clients: $(STAMP) ## real clients and Kafka's own tools (needs a JDK 17+, Maven, Go, Node.js)
	@$(BIN)/python -m pytest -m clients tests/clients

test-faults: $(STAMP) ## real processes killed with -9, full disks, torn tails
	@$(BIN)/python -m pytest -m faults tests/faults

test-s3: $(STAMP) ## store, WAL and broker on a real S3 server (needs Debian's radosgw, ceph-mon, ceph-osd)
	@ANABRANCH_TEST_S3=radosgw $(BIN)/python -m pytest -m 's3' --timeout=300 tests/storage tests/log tests/faults

sim: $(STAMP) ## simulated clusters with faults (SEED=7 repeats one, MINUTES=5 runs new ones, JOBS=2)
	@$(BIN)/python -m sim $(if $(SEED),--seed $(SEED),--minutes $(or $(MINUTES),1) --jobs $(or $(JOBS),1))

bench: $(STAMP) ## figures beside Kafka and Tansu in one run (ARGS="--quick")
	@$(BIN)/python -m bench $(ARGS)

clean: ## remove what the targets made
	rm -rf $(VENV) build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
	find src -name "*.so" -delete -o -name "_compact.c" -delete -o -name "_decode.c" -delete -o -name "_scan.c" -delete
