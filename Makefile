# Moodtray. 'make' alone names the targets. Each does only what has not been done yet.
#
#   PYTHON=python3.12 make setup     another Python than python3 (3.11 or newer)
#   make test T=tests/store          some tests only
#   make test ARGS="-x -k history"   further words for pytest
#   make test JOBS=0                 one after the other; most tests wait more than they compute

PYTHON ?= python3
VENV   := .venv
ifeq ($(OS),Windows_NT)
BIN    := $(VENV)/Scripts
else
BIN    := $(VENV)/bin
endif
PY     := $(BIN)/python
T      ?= tests
ARGS   ?=
JOBS   ?= 4
# Only the whole suite can be held to it; processes that the tests start are not counted.
COVERAGE = $(if $(filter tests,$(T)),$(if $(ARGS),,--cov=agent --cov-branch --cov-report= --cov-fail-under=85))
STAMPS := $(VENV)/.stamps

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-spotify test lint format bench fuzz lock screenshots translations installer
.PHONY: clean

help: ## Name the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

setup: $(STAMPS)/program ## Make .venv with the program in it

demo: setup ## Show the whole loop on the clip that Moodtray ships
	$(BIN)/moodtray demo

demo-spotify: $(STAMPS)/dev ## The same against a pretended Spotify on this computer
	$(PY) -m tests.demo_spotify

test: $(STAMPS)/dev system-packages lint ## Set everything up, then lint and test
	$(PY) -m pytest -p tests.no_skips -n $(JOBS) --durations=10 $(COVERAGE) $(T) $(ARGS)

lint: $(STAMPS)/dev ## Check style, types and who imports whom
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(BIN)/lint-imports

format: $(STAMPS)/dev ## Bring the code into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(STAMPS)/dev ## Measure speed, memory, start and processor time
	$(BIN)/moodtray bench

fuzz: $(STAMPS)/dev ## Decode 10,000 damaged files of each kind of music
	$(PY) -m tests.players.mutations

screenshots: $(STAMPS)/dev system-packages ## Redraw the README's pictures from real runs
	$(PY) -m tests.screenshots

translations: $(STAMPS)/dev ## Take new texts into the catalogues, and compile them
	$(PY) .make/translations.py --update

lock: $(STAMPS)/dev ## Choose anew what tests and installers install, to the byte
	@sh .make/lock.sh

installer: $(STAMPS)/dev ## Build the installer for this system
	$(PY) installer/build.py

clean: ## Remove everything that was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis test-artefacts
	find agent tests -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: system-packages
system-packages:
	@sh .make/system-packages.sh

$(STAMPS)/program: pyproject.toml .make/setup.sh models/face-finder.json
	@PYTHON="$(PYTHON)" sh .make/setup.sh program

$(STAMPS)/dev: pyproject.toml .make/setup.sh models/face-finder.json | system-packages
	@PYTHON="$(PYTHON)" sh .make/setup.sh dev
