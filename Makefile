# Everything a newcomer needs: `make run` and `make test`. The rest is for daily work.
.PHONY: run test bench schema lint fmt setup setup-test clean

CARGO ?= cargo
DATA ?= data

run: setup
	$(CARGO) build -p work-accounts
	$(CARGO) run -q -p work-accounts -- serve --development --data $(DATA) --tour

test: setup-test lint
	$(CARGO) test --workspace --quiet

bench: setup
	$(CARGO) build --release -p tests --bin bench
	$(CARGO) run -q --release -p tests --bin bench

# Regenerates what is derived from the code: JSON Schemas, goldens' index, SDL. Existing goldens are never changed.
schema: setup
	$(CARGO) run -q -p schema --example generate
	$(CARGO) run -q -p tests --bin sdl

lint: setup
	$(CARGO) fmt --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings

fmt:
	$(CARGO) fmt

setup:
	@.ci/setup build

setup-test:
	@.ci/setup test

clean:
	$(CARGO) clean
	rm -rf $(DATA)
