# `make` alone lists the targets. Everything the targets write lies inside this clone.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

ROOT := $(CURDIR)
CACHE := $(ROOT)/.cache
BIN := $(ROOT)/.venv/bin
UV ?= uv
PIP_QUIET := --quiet --quiet --disable-pip-version-check --no-warn-script-location

export TMPDIR := $(CACHE)/tmp
export PIP_CACHE_DIR := $(CACHE)/pip
export XDG_CACHE_HOME := $(CACHE)
export MPLCONFIGDIR := $(CACHE)/matplotlib
export KERAS_HOME := $(CACHE)/keras
export PREFECT_HOME := $(CACHE)/prefect
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS := 120
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export GX_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export TF_CPP_MIN_LOG_LEVEL := 3
export PYTHONDONTWRITEBYTECODE := 1

# What `make run` plays and where it publishes.
DAY ?= 2026-05-20
REGION ?=
TRIPS ?=
MINUTES ?=
# What `make live-check` looks at, and the region that it writes.
URL ?=
FILE ?= look.yaml
REGIONS ?= deployments/regions
ALERT ?=
# Of the Prefect server on this machine.
PORT ?= 4200

.PHONY: help
help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: install
install: .venv/installed  ## Create the environment from the hashed lock file

.venv/installed: .venv/locked pyproject.toml
	@$(BIN)/pip install $(PIP_QUIET) --no-deps --no-build-isolation --no-index -e .
	@touch $@

.venv/locked: requirements.txt
	@command -v git >/dev/null || { echo "git is missing; install it (Debian: apt install git)"; exit 1; }
	@command -v python3.11 >/dev/null || { echo "python3.11 is missing; install Python 3.11 (Debian: apt install python3.11 python3.11-venv; macOS: brew install python@3.11)"; exit 1; }
	@python3.11 -c 'import ensurepip, venv' 2>/dev/null || { echo "python3.11 cannot make environments; install its venv module (Debian: apt install python3.11-venv)"; exit 1; }
	@mkdir -p $(TMPDIR)
	@echo "Making .venv from requirements.txt (a few minutes the first time)"
	@python3.11 -m venv --clear .venv
	@$(BIN)/pip install $(PIP_QUIET) --no-deps --require-hashes --only-binary :all: -r requirements.txt
	@touch $@

.PHONY: lock
lock:  ## Renew the lock files (needs uv)
	@command -v $(UV) >/dev/null || { echo "uv is missing; install it, or name it: make lock UV=/path/to/uv"; exit 1; }
	@$(UV) lock --quiet --upgrade
	@$(UV) export --quiet --format requirements.txt --no-header --no-emit-project --group dev -o requirements.txt >/dev/null
	@$(UV) export --quiet --format requirements.txt --no-header --no-emit-project --no-dev --group gpu -o infra/gpu-requirements.txt >/dev/null
	@$(UV) export --quiet --format requirements.txt --no-header --no-emit-project --no-dev --group cluster -o infra/slim-requirements.txt >/dev/null
	@rm -f uv.lock

.PHONY: run
run: install  ## Play a simulated day and publish it (DAY=, REGION=<yaml>, TRIPS=<csv>, MINUTES=)
	@mkdir -p $(TMPDIR) $(PREFECT_HOME)
ifneq ($(REGION),)
	@$(BIN)/opentrips run $(REGION) $(if $(filter command line environment,$(origin DAY)),--day $(DAY)) $(if $(MINUTES),--minutes $(MINUTES))
else ifneq ($(TRIPS),)
	@$(BIN)/python -m infra.replay --trips $(TRIPS) --day $(DAY) --time-zone Etc/GMT-4 -- $(BIN)/opentrips run deployments/tables/us-metros.yaml --day $(DAY)
else
	@$(BIN)/python -m infra.replay --city --day $(DAY) --time-zone America/Kentucky/Louisville -- $(BIN)/opentrips run deployments/regions/demo.yaml --day $(DAY)
endif

.PHONY: live-check
live-check: install  ## Look at a real feed, say what it is good for, write a region (URL=, FILE=, MINUTES=)
	@mkdir -p $(TMPDIR)
	@test -n '$(URL)' || { echo "URL is missing; give the address of a feed: make live-check URL=https://.../gbfs.json"; exit 1; }
	@$(BIN)/opentrips look '$(URL)' '$(FILE)' $(if $(MINUTES),--minutes $(MINUTES))

.PHONY: up
up: install  ## Start server, workers and the demo's feed in the background; deploy (PORT=, REGIONS=)
	@mkdir -p $(TMPDIR)
	@$(BIN)/python -m infra.service up --port $(PORT) --regions $(REGIONS)

.PHONY: down
down: install  ## Stop them
	@$(BIN)/python -m infra.service down --port $(PORT)

.PHONY: status
status: install  ## Say what runs
	@$(BIN)/python -m infra.service status --port $(PORT)

.PHONY: deploy
deploy: install  ## Have a Prefect server run the regions of a folder (REGIONS=, ALERT=, PREFECT_API_URL=)
	@mkdir -p $(TMPDIR) $(PREFECT_HOME)
	@$(BIN)/opentrips deploy $(REGIONS) $(if $(ALERT),--alert $(ALERT))

.PHONY: test
test: install  ## Run the default tests, the linters and the type checker
	@mkdir -p $(TMPDIR) $(PREFECT_HOME)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term:skip-covered -q $(ARGS)

.PHONY: test-slow
test-slow: install  ## Run the slow tests: kill loops, soaks, full audits (under an hour)
	@mkdir -p $(TMPDIR) $(PREFECT_HOME)
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m slow -q $(ARGS)

.PHONY: clean
clean:  ## Remove the environment and the caches, but never data/
	@rm -rf .venv .cache *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
