# Needs a Rust toolchain (1.95 or newer) and a C compiler; for `make test` also Python 3 with venv, curl, jq and openssl.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
DEMO_OUT ?= lcw-demo
LCW := $(or $(CARGO_TARGET_DIR),target)/debug/lcw

.PHONY: help demo test test-rust test-duckdb test-readers test-schedules test-otlp test-docs test-bench dist windows-check torture fuzz lint fmt schemas bench bench-check bench-accept bench-instructions check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build, export the built-in simulated tenant, show the result
	$(CARGO) build --locked --package lcw-cli
	$(LCW) demo --out $(DEMO_OUT)

test: test-rust test-duckdb test-readers test-schedules test-otlp test-docs test-bench ## everything: unit tests, suites, kills and faults, other programs reading back

test-rust:
	$(CARGO) test --locked --workspace $(PROFILE)

# Every DuckDB that the README promises reads what the built program exports.
test-duckdb: $(VENV)/ready
	$(CARGO) build --locked --package lcw-cli
	LCW=$(LCW) $(VENV)/bin/python tests/duckdb/readback.py

# DuckDB and pyarrow read while exports run, are killed, and replace files.
test-readers: $(VENV)/ready $(VENV)/pyarrow/ready
	$(CARGO) build --locked --package lcw-cli
	LCW=$(LCW) $(VENV)/bin/python tests/readers/readers.py

# What `lcw schedule print` prints, and what is told to Prometheus and OpenLineage, is read by their own libraries.
test-schedules: $(VENV)/schedules/ready
	$(CARGO) build --locked --package lcw-cli
	LCW=$(LCW) PYTHONPATH=$(CURDIR)/$(VENV)/schedules $(VENV)/bin/python tests/schedules/check.py

# A program with the feature otlp, under a name of its own; the next build makes the usual one again.
test-otlp: $(VENV)/schedules/ready
	$(CARGO) build --locked --package lcw-cli --features otlp
	cp $(LCW) $(VENV)/lcw-otlp
	$(CARGO) build --locked --package lcw-cli
	LCW_OTLP=1 LCW=$(VENV)/lcw-otlp PYTHONPATH=$(CURDIR)/$(VENV)/schedules $(VENV)/bin/python tests/schedules/check.py

# Every command and query of README.md and docs/, as a reader would type them.
test-docs: $(VENV)/ready $(VENV)/pyarrow/ready $(VENV)/docs/ready
	$(CARGO) build --locked --package lcw-cli
	LCW=$(LCW) $(VENV)/bin/python -m unittest discover --start-directory tests/docs --quiet
	LCW=$(LCW) $(VENV)/bin/python tests/docs/documents.py

# What is made of the figures of `make bench`, which itself is no part of `make test`.
test-bench:
	$(PYTHON) -m unittest discover --start-directory tests/bench --quiet

torture: export LCW_TORTURE = long
torture: PROFILE = --profile torture
torture: test ## everything in its long form: hours

# Needs cargo-fuzz (cargo install cargo-fuzz --locked); ten minutes each. See fuzz/README.md.
FUZZ_SECONDS ?= 600
fuzz: export RUSTC_BOOTSTRAP = 1
fuzz: export CARGO_TARGET_DIR = fuzz/target
fuzz: ## libFuzzer on every reader of what others write
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo "error: cargo-fuzz is missing: cargo install --locked cargo-fuzz" >&2; exit 1; }
	$(CARGO) metadata --locked --manifest-path fuzz/Cargo.toml --format-version 1 >/dev/null
	$(CARGO) fuzz build -s none --codegen-units 16
	for target in $$($(CARGO) fuzz list); do \
	  mkdir -p fuzz/corpus/$$target; extra=; [ $$target != page ] || extra=tests/fixtures/graph; \
	  $(CARGO) fuzz run -s none --codegen-units 16 $$target fuzz/corpus/$$target fuzz/seeds/$$target $$extra -- \
	    -dict=fuzz/dictionaries/$$target.dict -max_total_time=$(FUZZ_SECONDS) -timeout=10 -report_slow_units=1 \
	    -rss_limit_mb=2048 || exit 1; \
	done

$(VENV)/pyarrow/ready: $(VENV)/ready tests/readers/requirements.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(@D) --requirement tests/readers/requirements.txt
	touch $@

$(VENV)/schedules/ready: $(VENV)/ready tests/schedules/requirements.txt tests/schedules/collector.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(@D) --requirement tests/schedules/requirements.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(@D) --requirement tests/schedules/collector.txt \
	  || echo "warning: there is no rotel for this machine: no collector is told anything" >&2
	touch $@

$(VENV)/docs/ready: $(VENV)/ready tests/docs/requirements.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/docs/requirements.txt
	mkdir -p $(@D)
	touch $@

$(VENV)/ready: tests/duckdb/requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing: the DuckDB suite needs Python 3 (set PYTHON=...)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "error: this Python has no venv: install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python tests/duckdb/install.py
	touch $@

lint: ## formatting, clippy, docs, and what cargo-deny knows of licences, sources and bans
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --locked --workspace --no-deps --quiet
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo "error: cargo-deny is missing: cargo install --locked cargo-deny" >&2; exit 1; }
	$(CARGO) deny --locked check --hide-inclusion-graph bans licenses sources

fmt: ## format everything
	$(CARGO) fmt --all

# Static: against musl where this toolchain has it (rustup target add $(ARCH)-unknown-linux-musl, and musl-gcc), else
# against glibc, whose name service may want its own libraries from the machine that it runs on.
ARCH := $(shell uname -m)
RUST_TARGETS = $(shell rustc --print sysroot)/lib/rustlib
DIST_TARGET ?= $(ARCH)-unknown-linux-$(if $(wildcard $(RUST_TARGETS)/$(ARCH)-unknown-linux-musl),musl,gnu)
DIST_PROFILE ?= release
DIST_BUILT = $(or $(CARGO_TARGET_DIR),target)/$(DIST_TARGET)/$(if $(filter dev,$(DIST_PROFILE)),debug,$(DIST_PROFILE))/lcw
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
DIST_NAME = lcw-$(VERSION)-$(DIST_TARGET)
dist: export RUSTFLAGS = -C target-feature=+crt-static
dist: ## one static program for Linux, as an archive with its checksum, in dist/
	$(CARGO) build --locked --workspace --bin lcw --profile $(DIST_PROFILE) --target $(DIST_TARGET)
	@! readelf --program-headers $(DIST_BUILT) | grep -q INTERP || { echo "error: $(DIST_BUILT) is not static" >&2; exit 1; }
	rm -rf dist/$(DIST_NAME) && mkdir -p dist/$(DIST_NAME)
	cp $(DIST_BUILT) LICENSE README.md CHANGELOG.md dist/$(DIST_NAME)/
	cp -R docs pipelines schemas dist/$(DIST_NAME)/
	dist/$(DIST_NAME)/lcw --version
	tar --create --gzip --owner=0 --group=0 --numeric-owner --sort=name --directory dist --file dist/$(DIST_NAME).tar.gz $(DIST_NAME)
	cd dist && sha256sum *.tar.gz > SHA256SUMS && sha256sum --check --quiet SHA256SUMS

# Needs no Windows: the standard library of the target (rustup target add x86_64-pc-windows-gnu), and mingw-w64's C
# compiler, because zstd and aws-lc are compiled along. On Windows itself: WINDOWS_TARGET=x86_64-pc-windows-msvc.
WINDOWS_TARGET ?= x86_64-pc-windows-gnu
WINDOWS_CC = $(if $(filter %-gnu,$(WINDOWS_TARGET)),x86_64-w64-mingw32-gcc)
windows-check: ## type-check the program for Windows
	@[ -d "$(RUST_TARGETS)/$(WINDOWS_TARGET)/lib" ] || { echo "error: this toolchain has no $(WINDOWS_TARGET): rustup target add $(WINDOWS_TARGET)" >&2; exit 1; }
	@[ -z "$(WINDOWS_CC)" ] || command -v $(WINDOWS_CC) >/dev/null || { echo "error: $(WINDOWS_CC) is missing: install mingw-w64 (Debian: gcc-mingw-w64-x86-64)" >&2; exit 1; }
	$(CARGO) check --locked --workspace --bin lcw --target $(WINDOWS_TARGET)

schemas: ## write the published contracts into schemas/ and docs/data-dictionary.md
	$(CARGO) run --locked --package lcw-cli -- schema --write schemas
	$(CARGO) run --locked --package lcw-cli -- schema --markdown > docs/data-dictionary.md

BENCH = CARGO="$(CARGO)" $(PYTHON) tests/bench/bench.py $(BENCH_OPTIONS)
bench: $(VENV)/bench/ready ## exports, stages and memory beside what they are to be read against: ten minutes
	$(BENCH)

bench-check: $(VENV)/bench/ready ## the same, and what moved by more than 15 % since figures were accepted
	$(BENCH) --check

bench-accept: $(VENV)/bench/ready ## the same with 10,000,000 rows and a release build; writes docs/performance.md
	$(BENCH) --long --build --accept --docs

# Needs valgrind. Counts, and so the same on a busy machine.
bench-instructions: ## instructions of an export per row, by what they are for: five minutes
	CARGO="$(CARGO)" $(PYTHON) tests/bench/instructions.py $(BENCH_OPTIONS)

$(VENV)/bench/ready: tests/bench/requirements.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

check: lint test ## what CI runs

clean: ## remove what was built
	$(CARGO) clean
	rm -rf $(VENV) $(DEMO_OUT) dist
