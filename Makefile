# The course in two commands: `make lab` and `make test`. Each sets up .venv first, and again when requirements change.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
PROFILE ?=
NB ?=
ARGS ?=
GPU ?=
NEWEST ?=
VENV = .venv$(if $(NEWEST),-newest)
BIN = $(VENV)/bin
READY = $(VENV)/ready$(if $(GPU),-gpu)
TEACHING = $(READY)-teaching
HELD = $(if $(NEWEST),--upgrade,--constraint constraints.txt)
UV = uv==0.13.9
NBVAL = --nbval-lax --nbval-current-env --nbval-cell-timeout=1200 --nbval-sanitize-with=tests/nbval_sanitize.cfg \
	--ignore=notebooks/assignments
PARALLEL = -n auto --dist loadscope

.PHONY: help run test test-data test-grading lab execute stability doctor fetch copy handout assignments bundle constraints \
	bench clock lint clean

help: ## list what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14
	@echo; echo 'Variables: NB="02 14"  PROFILE=full|quick  GPU=1 (TensorFlow with CUDA)  NEWEST=1 (not the held versions)'
	@echo '           PYTHON=python3.12  ARGS="--no-browser" (make lab, bench, clock)'

$(READY): requirements.txt constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo 'make: no Python 3.11, 3.12 or 3.13 found; install one, or name it: make PYTHON=/path/to/python3.12'; exit 1; }
	@echo 'Setting up $(VENV) with the packages of requirements.txt (once; a few minutes on a slow line)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(HELD) -r requirements.txt -e . $(if $(GPU),'tensorflow[and-cuda]')
	@touch $@

$(TEACHING): $(READY)
	@echo 'Adding what grading needs (once)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(HELD) -e '.[teaching,cluster]'
	@touch $@

run: $(READY) ## execute the notebooks (quick profile) side by side, and end with a table
	@$(BIN)/python -m utils run --profile $(or $(PROFILE),quick) $(NB)

test: $(TEACHING) ## unit tests, style tests, and nbval over every notebook (quick profile, no network)
	COURSE_PROFILE=quick COURSE_PROGRESS=0 $(BIN)/python -m pytest $(PARALLEL) $(NBVAL) -m "not grading" tests notebooks

test-grading: $(TEACHING) ## grade every assignment end to end: solutions, student versions, typical mistakes, attacks
	COURSE_PROFILE=quick COURSE_PROGRESS=0 $(BIN)/python -m pytest -n auto --dist load -m grading tests

test-data: $(TEACHING) ## the tests that need real data in COURSE_DATA_DIR, and nbval over every notebook on it
	@test -n "$$COURSE_DATA_DIR" || { echo 'make test-data: set COURSE_DATA_DIR to a folder with data files'; exit 1; }
	COURSE_PROFILE=quick COURSE_PROGRESS=0 $(BIN)/python -m pytest $(PARALLEL) $(NBVAL) -m "realdata or notebook" tests notebooks

lab: $(READY) ## open JupyterLab on 00_start_here (PROFILE=quick for a run of seconds without data)
	@$(if $(PROFILE),COURSE_PROFILE=$(PROFILE)) $(BIN)/jupyter lab notebooks/00_start_here.ipynb $(ARGS)

copy: $(READY) ## put a copy of the notebooks into my/, to work in
	@$(BIN)/python -m utils copy $(NB)

handout: $(READY) ## write copies without solutions into build/handouts/, for a class (NB="02 14")
	@$(BIN)/python -m utils handout $(NB)

assignments: $(TEACHING) ## write the student versions of the assignments into build/assignments/, each one checked (NB="02 05")
	@$(BIN)/python -m utils assignments $(NB)

execute: $(READY) ## execute in the full profile, one at a time, and store the normalised outputs (NB="02 14")
	@$(BIN)/python -m utils run --profile full --write $(NB)

stability: $(READY) ## three further full runs with other seeds, the last on one core; what moved (NB="02 14")
	@$(BIN)/python -m utils stability $(NB)

bench: $(READY) ## the lecture's recipes against ours, by turns (hours; ARGS="imdb-lstm --pairs 3", ARGS=--tiny for a minute)
	@$(BIN)/python -m tests.benchmarks.recipes $(ARGS)

clock: $(READY) ## how long all notebooks take, and where the time goes (quick; ARGS="--rounds 3", ARGS="--profile full")
	@$(BIN)/python -m tests.benchmarks.course $(NB) $(ARGS)

doctor: ## what this machine has, and which notebook would fetch what (needs no packages)
	@$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m utils doctor

fetch: $(READY) ## download what notebooks need in full (NB="05 08", or names of data sets)
	@$(BIN)/python -m utils fetch $(or $(NB),--all)

bundle: $(READY) ## fill build/bundle/ with packages, data and the course, for a class without a network
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --dest build/bundle/wheels -c constraints.txt -r requirements.txt
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --dest build/bundle/wheels \
		$$(sed -n 's/^requires = \["\(.*\)"\].*/\1/p' pyproject.toml)
	@git archive --format zip --prefix course/ --output build/bundle/course.zip HEAD
	@$(BIN)/python -m utils fetch --all --into build/bundle/data

constraints: $(READY) ## renew constraints.txt: the newest releases that fit together, for Python 3.11 to 3.13 on every system
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(UV)'
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-annotate \
		--custom-compile-command 'make constraints' --output-file constraints.txt --all-extras pyproject.toml

lint: $(READY) ## ruff over code and notebooks, and notebooks in their normal form
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m utils normalise --check
	@$(BIN)/python -m utils results --check

clean: ## remove .venv and what runs leave behind
	rm -rf .venv .venv-newest build *.egg-info .pytest_cache .ruff_cache .hypothesis
