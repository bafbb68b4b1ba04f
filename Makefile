# Everything a developer or CI does with nacd. `make` alone lists it.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
READY := $(VENV)/.ready
ROOMS := radius eap identity compliance policy vendor audit overload session
PURE := $(wildcard $(ROOMS:%=tests/%)) $(filter-out %_architecture.py %_readable.py %_files.py,$(wildcard tests/test_*.py))
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo run test test-pure check conformance reference bench compiled scenarios fuzz soak wheel deb man debian format peers lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv and install exactly what requirements.lock names (hashes checked)

$(READY): requirements.lock pyproject.toml
	@python=$$(sh tools/find-python) || exit 1; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    echo "setup: $$($$python --version), making $(VENV)"; \
	    "$$python" -m venv --clear $(VENV); \
	fi
	@echo "setup: installing from requirements.lock"
	@$(PIP) install -qq --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) install -qq --no-deps --no-build-isolation --no-index --editable .
	@touch $@
	@echo "setup: ready, try \`make demo\`"

demo: setup ## see it work: simulated Intune, a switch and a laptop against nacd
	@$(BIN)/nacd demo

run: setup ## the same, and nacd keeps running until Ctrl-C
	@$(BIN)/nacd demo --keep-running

test: setup ## every test, real peers included (about 35 minutes)
	@$(BIN)/python tools/peers.py --optional
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

test-pure: setup ## only the rooms that compute (under 10 seconds)
	@$(BIN)/python -m pytest -q -p no:doctest -p no:cacheprovider -m "not slow and not peer and not netns" $(PYTEST_ARGS) $(PURE)

check: setup ## ruff, format, mypy --strict, architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict
	@$(BIN)/mypy --strict tools/peers.py tools/conformance.py
	@$(BIN)/mypy --strict -p tools.man -p tools.packaging
	@$(BIN)/mypy --strict -p tools.bench -p tools.scenarios -p tools.fuzz -p tools.soak -p tools.reference -p tools.compiled
	@$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_readable.py

reference: setup ## every setting, condition and intention on one page (writes docs/reference.md)
	@$(BIN)/python -m tools.reference

conformance: setup ## run every clause's test and write docs/conformance.md
	@$(BIN)/python tools/conformance.py

bench: setup ## nacd beside FreeRADIUS, round by round (about 25 minutes; writes docs/benchmarks.md)
	@$(BIN)/python tools/peers.py
	@$(BIN)/python -m tools.bench --record docs/benchmarks.md $(BENCH_ARGS)

compiled: setup ## a copy of nacd whose hot path is machine code, into build/compiled (needs gcc; about 2 minutes)
	@$(BIN)/python -m tools.compiled

scenarios: setup ## power cut, hostile port, hanging Intune (about 6 minutes; writes docs/overload.md)
	@$(BIN)/python -m tools.scenarios all --record docs/overload.md

fuzz: setup ## ten million broken inputs (about 18 minutes; TOTAL=100000 for less; writes docs/fuzzing.md)
	@$(BIN)/python -m tools.fuzz --code both --total $(or $(TOTAL),10000000) --record docs/fuzzing.md

soak: setup ## ten minutes of everything going wrong, every decision judged (SEED=N; LASTS=60 for less; writes docs/soak.md)
	@$(BIN)/python -m tools.soak --seconds $(or $(LASTS),600) --seed $(or $(SEED),0) --record docs/soak.md

wheel: setup ## nacd's wheel, into dist/ (the same octets each time)
	@$(BIN)/python -m tools.packaging wheel

deb: setup ## a Debian package with all that nacd needs inside, into dist/ (DEB_PYTHON=3.13 for Debian 13)
	@$(BIN)/python -m tools.packaging deb --python $(or $(DEB_PYTHON),3.11)

man: setup ## the manual pages, into build/man
	@$(BIN)/python -m tools.man build/man

debian: setup ## a small Debian under .peers/, which the tests of the package are played on (root; a minute)
	@$(BIN)/python -m tools.packaging.root

format: setup ## let ruff format and sort imports
	@$(BIN)/ruff check --quiet --fix-only --select I .
	@$(BIN)/ruff format .

peers: ## unpack the real peers (eapol_test, FreeRADIUS, strongSwan, a zoo of clients ...) under .peers/
	@python=$$(sh tools/find-python) || exit 1; "$$python" tools/peers.py

lock: ## resolve requirements.lock anew (UPGRADE=1 takes newer releases)
	@PATH="$(BIN):$$PATH"; command -v uv >/dev/null 2>&1 || { echo "uv is missing: $(BIN)/pip install uv"; exit 1; }; \
	echo "hatchling" | uv pip compile pyproject.toml - --group dev --quiet --universal --python-version 3.11 \
	    --generate-hashes --no-build --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) \
	    --output-file requirements.lock
	@if grep -nE -- '^(-i|--(index-url|extra-index-url|find-links|trusted-host))|file:|@ ' requirements.lock; then \
	    echo "lock: the lines above name an index or a path of this machine"; exit 1; fi

clean: ## remove everything the other targets made
	rm -rf $(VENV) .peers .state/fuzz .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find nacd tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
