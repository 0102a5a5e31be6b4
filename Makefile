# Every command there is. `make` alone lists them; `make run` and `make test` need nothing prepared.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run check test fmt generated web browser clients bench profile bench-growth bench-console bench-live abuse soak fuzz supply screenshots package package-test clean

SHELL := bash
# Where cargo installs its tools, for those whose PATH lacks it.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin
ARGS ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

run: web ## builds muster and starts it with demonstration data (ARGS="--listen 0.0.0.0:8081" is handed on)
	cargo build --release --package muster
	"$${CARGO_TARGET_DIR:-target}/release/muster" demo $(ARGS)

check: web ## the fast half of the tests: format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

test: ## everything that is checked before a change goes in, on SQLite and on PostgreSQL
	@scripts/test

fmt: ## formats the Rust code
	cargo fmt --all

generated: web ## writes config.example.toml, openapi.json and endpoints.txt anew
	cargo run --quiet --package muster -- generated

web: web/dist/.built ## builds what the console's pages load, into web/dist

browser: web ## the browser tests alone (FILES="web/tests/live.test.mjs" picks some)
	cargo build --workspace --bins --tests
	scripts/with-postgres scripts/browser-test $(FILES)

clients: web ## other people's client programs against the server, on both databases (Python is needed)
	cargo build --workspace --bins
	scripts/with-postgres scripts/clients

bench: web ## one table of all that is claimed, beside ceilings of the same run (ARGS="1000000 lists" for a size, a section)
	scripts/with-postgres --durable cargo bench -p muster --bench whole -- $(ARGS)

profile: web ## what takes the time of a part of the bench, as ARGS="10000 uploads sqlite" (needs perf)
	scripts/profile $(ARGS)

bench-growth: web ## how cost grows with punches and terminals, drawn into docs/growth.svg
	scripts/with-postgres --durable cargo bench -p muster --bench whole -- growth

bench-console: web ## how long the console's pages of a hundred rows take, with PUNCHES=1000000 of PEOPLE=100000
	scripts/with-postgres --durable cargo bench -p muster --bench console -- $(or $(PUNCHES),1000000) $(or $(PEOPLE),100000)

bench-live: web ## what the browser needs for the live page with fifty punches a second, for MINUTES=10
	cargo build --release --package muster
	TEST_MUSTER="$${CARGO_TARGET_DIR:-target}/release/muster" scripts/live-memory $(or $(MINUTES),10)

abuse: web ## attacks the server with what no terminal should send: its memory, and how an honest terminal fares
	cargo bench -p muster --bench abuse

soak: web ## an hour: kills under load (ROUNDS=50), faults of FAULT=60 seconds each, then terminals for MINUTES=15 on each database while memory and open files are watched
	TEST_KILL_ROUNDS=$(or $(ROUNDS),50) scripts/with-postgres cargo nextest run --workspace --profile soak -E 'test(/kill_/)' --no-capture
	TEST_FAULT_SECONDS=$(or $(FAULT),60) TEST_FAULT_CONNECTIONS=10000 \
		scripts/with-postgres --durable cargo nextest run --workspace --profile soak -E 'test(/^faults::/)' --no-capture
	cargo build --release --package muster
	scripts/with-postgres --durable scripts/soak $(or $(MINUTES),15)

fuzz: ## feeds made-up messages to the parsers, EXECUTIONS=1000000 each
	scripts/fuzz $(or $(EXECUTIONS),1000000)

supply: ## licenses, sources and known holes of all crates, and bills of materials into target/sbom
	scripts/supply

screenshots: web ## pictures of every page of the console, wide and on a telephone, light and dark, into screenshots/
	cargo build --package muster
	scripts/screenshots

package: web ## makes the Debian package, into target/debian
	scripts/package

package-test: package ## installs the package in a copy of this system, starts it, removes it (Debian, as root)
	scripts/test-package target/debian/muster_*.deb

clean: ## removes everything that was built
	rm -rf target web/dist web/node_modules screenshots

# What npm has installed, and what the copy step has made of it. The folders stand in the list for files that were removed.
web/node_modules/.installed: web/package.json web/package-lock.json web/.npmrc
	@scripts/need node nodejs npm
	@scripts/need npm npm
	cd web && npm ci --ignore-scripts
	@touch $@

web/dist/.built: web/node_modules/.installed web/copy.mjs $(shell find web/styles web/scripts web/icons 2>/dev/null)
	@scripts/need node nodejs npm
	@cd web && node copy.mjs
	@touch $@
