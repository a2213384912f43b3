# The commands of this repository. Each first installs what it needs and is missing, and says what;
# with everything in place that takes a moment. All work in a fresh clone, in any folder, without input.

SHELL := bash
.DEFAULT_GOAL := help
# One gateway, one build, one test run at a time: the recipes share the target folder.
.NOTPARALLEL:

PYTHON := .build/venv/bin/python
ARGS ?=
REQUESTS ?= 1000000

.PHONY: help demo run build test lint fmt bench books

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the gateway with simulated providers, faults and traffic; prints its address and sign-in; Ctrl-C stops it
	@scripts/setup.sh rust console
	@cargo run --locked --release --bin waybill -- demo $(ARGS)

run: ## the gateway for real: accounts from provider keys in the environment, or ARGS="--config FILE"
	@scripts/setup.sh rust console
	@cargo run --locked --release --bin waybill -- serve $(ARGS)

build: ## the release binary with its console, target/release/waybill
	@scripts/setup.sh rust console
	@cargo build --locked --release --bin waybill

test: ## everything CI checks; ARGS="NAME…" runs only the steps named (ARGS=--list names them)
	@scripts/setup.sh rust rust-tools python node console chromium services
	@$(PYTHON) scripts/check.py $(ARGS)

lint: ## the checks that need no test run: format, clippy, dependencies, repository
	@scripts/setup.sh rust rust-tools python
	@$(PYTHON) scripts/check.py format clippy dependencies repository

fmt: ## format the Rust code in place
	@scripts/setup.sh rust rust-tools
	@cargo fmt --all

books: ## the books of a million simulated requests, on both stores, against the truth; REQUESTS=20000 takes less
	@scripts/setup.sh rust services
	@WAYBILL_ROLLUP_REQUESTS=$(REQUESTS) cargo test --locked --release -p waybill-store --test store -- \
		--nocapture --test-threads=1 every_number_of_every_length_is_the_truth

bench: ## the gateway, nginx and no proxy side by side; ARGS=--quick takes three minutes
	@scripts/setup.sh rust
	@bash bench/run $(ARGS)
