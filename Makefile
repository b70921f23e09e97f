# crampstudy: `make` lists what can be done. Every target sets up what it needs by itself.
# Needs Python 3.11 or newer, make and a package index. Name another Python with PYTHON=/path/to/python3.12

PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
SYNTHETIC := data/synthetic
COHORT ?= $(SYNTHETIC)
REPORT ?= reports/simulated
A ?= $(SYNTHETIC)-community
B ?= $(SYNTHETIC)-older-adults
READY := .venv/ready
RUN := .venv/bin/python
CRAMPSTUDY := .venv/bin/crampstudy
# A worker begins with one stretch of the tests, so that what a module makes is made once; then it takes from the other.
# Bytecode is kept whatever the environment says: to rewrite every assertion anew takes ten seconds.
TESTS := PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest -q -n 2 --dist worksteal

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup report compare test test-fast check look bench crash fuzz recover parity simulate lab lock clean FORCE

help: ## show this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## fill .venv with the locked versions of requirements.lock
	@:

report: $(READY) ## write the report on COHORT=… (default: the synthetic cohort); options in ARGS="--set …"
	$(CRAMPSTUDY) report "$(COHORT)" $(ARGS)

compare: $(READY) ## write the comparison of two cohorts: make compare A=… B=… [ARGS="--by sex"]; by default two synthetic ones
	$(CRAMPSTUDY) compare "$(A)" "$(B)" --report $(NAMES) $(ARGS)

test: $(READY) ## run all the tests
	$(TESTS) $(ARGS)

test-fast: $(READY) ## run the tests that take no more than a moment
	$(TESTS) -m "not slow" --hypothesis-profile quick $(ARGS)

check: $(READY) ## lint, formatting, types and the order of imports
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	.venv/bin/lint-imports

look: $(READY) ## look at the report of REPORT=… (default: reports/simulated) in Chromium, with axe; pictures land in build/look
	$(RUN) .ci/look.py "$(REPORT)" $(ARGS)

bench: $(READY) ## time this package against its peers
	$(RUN) tests/bench $(ARGS)

crash: $(READY) ## kill a hundred runs at random times, and look whether anything stays or is half written
	$(RUN) tests/crash/kills.py $(ARGS)

fuzz: $(READY) ## spoil 20,000 small files of every kind, and look whether anything is lost or changed without a word
	$(RUN) tests/fuzz --files 20000 $(ARGS)

recover: $(READY) ## try every model on cohorts of known truth, and renew the tables of docs/recovery.md
	$(RUN) tests/recovery/recover.py --write docs/recovery.md $(ARGS)

parity: $(READY) ## compare every model with R's numbers in tests/parity, and renew the table of docs/parity.md
	$(RUN) tests/parity/parity.py --write docs/parity.md

simulate: $(SYNTHETIC)/datapackage.json ## make the synthetic cohort in data/synthetic
	@:

lab: $(READY) $(SYNTHETIC)/datapackage.json ## open the notebooks in JupyterLab
	$(RUN) -m jupyterlab notebooks $(ARGS)

environment.yml: pyproject.toml .ci/environment.py $(READY) ## write the conda environment anew from pyproject.toml
	$(RUN) .ci/environment.py > $@.new && mv $@.new $@

lock: ## choose the locked versions anew (needs uv)
	uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-annotate \
	  --python-version 3.11 --group dev --custom-compile-command "make lock" -o requirements.lock pyproject.toml

clean: ## remove .venv, caches and the synthetic cohorts; reports and other cohorts stay
	rm -rf .venv $(SYNTHETIC) $(SYNTHETIC)-community $(SYNTHETIC)-older-adults .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +

ifeq ($(COHORT),$(SYNTHETIC))
report: $(SYNTHETIC)/datapackage.json
endif

SIMULATOR := $(shell find src/crampstudy/simulate src/crampstudy/codebook src/crampstudy/sources/writer.py src/crampstudy/compute -type f ! -name '*.pyc' 2>/dev/null)

# Where no cohort is named two presets are compared, which have one name in their files.
ifeq ($(A) $(B),$(SYNTHETIC)-community $(SYNTHETIC)-older-adults)
NAMES := --name community,older-adults
endif
ifeq ($(A),$(SYNTHETIC)-community)
compare: $(SYNTHETIC)-community/datapackage.json
endif
ifeq ($(B),$(SYNTHETIC)-older-adults)
compare: $(SYNTHETIC)-older-adults/datapackage.json
endif

$(SYNTHETIC)-%/datapackage.json: $(SIMULATOR) pyproject.toml | $(READY)
	$(CRAMPSTUDY) simulate --workers 2 --preset $* --out $(SYNTHETIC)-$*
	@touch $@

$(SYNTHETIC)/datapackage.json: $(SIMULATOR) pyproject.toml | $(READY)
	$(CRAMPSTUDY) simulate --workers 2 --out $(SYNTHETIC)
	@touch $@

# An environment belongs to one folder: `ready` names it, so that a copied or moved project makes its own.
ifneq ($(shell test -x $(RUN) && head -n 1 $(READY) 2>/dev/null),$(CURDIR))
$(READY): FORCE
endif

$(READY): requirements.lock pyproject.toml .ci/setup.py
	@for python in $(PYTHONS); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && exec "$$python" .ci/setup.py; \
	done; \
	echo "crampstudy needs Python 3.11 or newer, and none of these is one: $(PYTHONS). Name yours: make setup PYTHON=/path/to/python3" >&2; exit 1
