# Needs a Rust toolchain (1.95 or newer), a C compiler, and Python 3 with venv for `make test`.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
DEMO_OUT ?= lcw-demo
LCW := $(or $(CARGO_TARGET_DIR),target)/debug/lcw

.PHONY: help demo test test-rust test-duckdb lint fmt schemas bench check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build, export the built-in simulated tenant, show the result
	$(CARGO) build --locked --package lcw-cli
	$(LCW) demo --out $(DEMO_OUT)

test: test-rust test-duckdb ## everything: unit tests, suites, docs, and DuckDB reading back

test-rust:
	$(CARGO) test --locked --workspace

# Every DuckDB that the README promises reads what the built program exports.
test-duckdb: $(VENV)/ready
	$(CARGO) build --locked --package lcw-cli
	LCW=$(LCW) $(VENV)/bin/python tests/duckdb/readback.py

$(VENV)/ready: tests/duckdb/requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing: the DuckDB suite needs Python 3 (set PYTHON=...)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "error: this Python has no venv: install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python tests/duckdb/install.py
	touch $@

lint: ## formatting, clippy, docs, and cargo-deny where it is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --locked --workspace --no-deps --quiet
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check bans licenses sources; \
	else echo "cargo-deny is not installed: bans, licences and sources were not checked"; fi

fmt: ## format everything
	$(CARGO) fmt --all

schemas: ## write the published contracts into schemas/
	$(CARGO) run --locked --package lcw-cli -- schema --write schemas

bench: ## rows per second of every stage and of a whole export, with peak memory
	$(CARGO) bench --locked --package lcw-tests

check: lint test ## what CI runs

clean: ## remove what was built
	$(CARGO) clean
	rm -rf $(VENV) $(DEMO_OUT)
