# The commands that people and CI run. All need nothing but Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FUZZ_SECONDS ?= 300

.PHONY: help demo test test-browser test-faults check contracts format bench bench-peers fuzz clean

help: ## Show these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.demo ## See the whole pipeline work, on servers of its own
	@$(BIN)/reviewstream demo $(ARGS)

test: $(VENV)/.dev ## Run every test, on a real Kafka and a real Valkey
	@$(BIN)/python -m embedded.warm
	@$(BIN)/python -m pytest $(ARGS)

test-browser: $(VENV)/.dev ## Use the dashboard in a real Chromium, which has to be installed
	@$(BIN)/python -m pytest tests/browser -m browser $(ARGS)

test-faults: $(VENV)/.dev ## Break the pipeline hundreds of times, and publish what held (half an hour)
	@$(BIN)/python -m embedded.warm
	FAULTS_REPORT=docs $(BIN)/python -m pytest tests/faults -m 'long or not long' --capture=no $(ARGS)

check: $(VENV)/.dev ## Format, lint, types, import rules, generated contracts, compose file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m schemas.contracts --check
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

contracts: $(VENV)/.dev ## Generate the JSON Schemas, AsyncAPI document and settings reference anew
	$(BIN)/python -m schemas.contracts

format: $(VENV)/.dev ## Format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Measure: engine, publishing, pipeline, scale, aggregator, verify, rebuild, memory, dashboard (minutes)
	$(BIN)/python -m benchmarks.engine
	$(BIN)/python -m benchmarks.publish
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.aggregate
	$(BIN)/python -m benchmarks.memory --events 100000 --reviews 2000
	$(BIN)/python -m benchmarks.verify --events 20000 100000
	$(BIN)/python -m benchmarks.rebuild --products 250 2500
	$(BIN)/python -m benchmarks.redis_memory --reviews 100000
	$(BIN)/python -m benchmarks.dashboard --products 1000 --reviews 50000 --seconds 30

bench-peers: $(VENV)/.dev ## Measure what people would use instead, in environments of their own (gigabytes of downloads)
	$(BIN)/python -m benchmarks.peers $(ARGS)

fuzz: $(VENV)/.dev ## Fuzz the readers of records and bundles (FUZZ_SECONDS each; Linux on x86-64)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@for target in review scored manifest tokenizer; do \
		$(BIN)/python tests/fuzz/fuzz.py $$target -max_total_time=$(FUZZ_SECONDS) -max_len=4000 -timeout=20 || exit 1; \
	done

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .fuzz-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "reviewstream needs Python 3.11 or newer; try: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.demo
