# Everything here works in .venv, made from requirements.lock. Start with `make help`.

VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
PIP     := $(BIN)/python -m pip
TORCH   := 2.13.0
WORKERS ?= 2
ARGS    ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

# A Python of 3.11 or later: PYTHON=... if given, else python3.11, else python3.
FIND_PYTHON = for candidate in $(PYTHON) python3.11 python3; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    python=$$candidate; break; fi; done; \
	if [ -z "$${python:-}" ]; then \
	  echo "twinoffload needs Python 3.11 or later: install python3.11, or name one: make PYTHON=/path/to/python" >&2; \
	  exit 1; fi

.DEFAULT_GOAL := help
.PHONY: help install run test coverage kill soak smoke site figures reproduce claims check audit format lock clean

help: ## show this list
	@if [ -t 1 ] && [ -z "$${NO_COLOR:-}" ]; then bold=$$(printf '\033[1;36m'); plain=$$(printf '\033[0m'); fi; \
	printf '\ntwinoffload: priced offloading of digital-twin training in 6G networks\n\n'; \
	awk -F ':.*## ' -v bold="$$bold" -v plain="$$plain" \
	  '/^[a-z]+:.*## / { printf "  %smake %-9s%s  %s\n", bold, $$1, plain, $$2 }' Makefile; \
	printf '\n  PYTHON=...   the interpreter behind .venv       ARGS="-k posted"   more words for pytest (test)\n\n'

install: $(STAMP) ## install the locked packages and twinoffload into .venv
	@:

$(STAMP): pyproject.toml requirements.lock
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  $(FIND_PYTHON); \
	  rm -rf $(VENV); $$python -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; }
	@echo "Installing the locked packages into $(VENV) (the first time this takes some minutes) ..."
	@$(PIP) install -qq -r requirements.lock
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@
	@echo "Installed."

run: install ## train the paper's scheme, compare it, write results/quick/report.html
	@$(BIN)/twinoffload quick --out results/quick

test: install ## run the whole test suite
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

coverage: install ## lines and branches of game, equilibrium and network that the tests take (loops that are compiled do not show)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q --cov-branch --cov-report=term-missing:skip-covered \
	  --cov=src/twinoffload/game --cov=src/twinoffload/equilibrium --cov=src/twinoffload/network $(ARGS)

kill: install ## kill -9 at 200 random instants of trainings, studies and solutions (a quarter of an hour, at most half)
	@$(BIN)/python tests/reliability/kill.py

soak: install ## train, solve and evaluate for twenty minutes: memory, open files and speed must stay
	@OMP_NUM_THREADS=1 $(BIN)/python tests/reliability/soak.py

smoke: install ## build wheel and sdist in dist, install the wheel in an empty environment and try it there
	@.ci/smoke

site: install ## the documentation as a site in build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet && echo "build/site/index.html"

figures: install ## measure and draw again what docs/equilibrium.md and docs/city.md show (about two minutes)
	@$(BIN)/twinoffload figures --out docs

reproduce: install ## the paper's Figs. 2 to 7 with ten seeds, in results/paper; goes on where it was stopped
	@$(BIN)/twinoffload reproduce all --resume --out results/paper

claims: install ## every claim of the paper with a verdict, from that study and what it wants besides: results/paper/report.html
	@$(BIN)/twinoffload reproduce all,readings,timing,propositions,twin --resume --out results/paper
	@$(BIN)/twinoffload claims results/paper

check: install ## lint, formatting, types, layers, licences and the site
	@failed=""; \
	step() { name=$$1; shift; printf '\n== %s\n' "$$name"; "$$@" || failed="$$failed [$$name]"; }; \
	step "ruff check" $(BIN)/ruff check --output-format concise .; \
	step "ruff format" $(BIN)/ruff format --check --output-format concise .; \
	step "pyright" $(BIN)/pyright; \
	step "import-linter" $(BIN)/lint-imports --no-logo; \
	step "audit" $(BIN)/python .ci/audit.py; \
	step "mkdocs" env NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict; \
	if [ -n "$$failed" ]; then printf '\nFailed:%s\n' "$$failed" >&2; exit 1; fi; \
	printf '\nAll checks passed.\n'

audit: ## ask the network for known vulnerabilities of the locked packages (pip-audit, in a scratch environment)
	@$(FIND_PYTHON); set -e; \
	scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	$$python -m venv "$$scratch" && "$$scratch/bin/python" -m pip install -qq pip-audit; \
	"$$scratch/bin/pip-audit" --strict --disable-pip --no-deps -r requirements.lock

format: install ## let ruff mend and format the code
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

# The newest versions that install together, in a scratch environment. torch is held at one version, and its local
# part (+cpu) and its own GPU libraries are left out: they differ from platform to platform, and pip adds what it needs.
lock: ## renew requirements.lock from pyproject.toml
	@$(FIND_PYTHON); set -e; \
	scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	echo "Resolving in a scratch environment (this takes some minutes) ..."; \
	$$python -m venv "$$scratch/venv"; \
	"$$scratch/venv/bin/python" -m pip install -qq torch==$(TORCH) hatchling editables; \
	"$$scratch/venv/bin/python" -m pip install -qq torch==$(TORCH) --no-build-isolation -e '.[dev]'; \
	{ echo '# Every package that make and CI install, exactly. Written by `make lock`; do not edit.'; \
	  "$$scratch/venv/bin/python" -m pip freeze --all --exclude-editable --exclude pip \
	  | grep -Ev '^(nvidia-|cuda-|triton)' | sed 's/+[a-z0-9.]*$$//' | LC_ALL=C sort -f; } > "$$scratch/lock"; \
	grep -q '^torch==' "$$scratch/lock"; \
	cp "$$scratch/lock" requirements.lock; \
	echo "requirements.lock: $$(grep -c == requirements.lock) packages."

clean: ## remove caches and build outputs (.venv and results stay)
	@rm -rf build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks .coverage htmlcov
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -rf src/*.egg-info
