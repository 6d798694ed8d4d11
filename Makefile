# One command per job; `make` alone lists them. Nothing but Python 3.10 or newer,
# make and a package index is needed: each job makes the environment it needs.

PYTHON ?= python3
PORT ?= 5000
ARGS ?=

SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Each process of the tests would compile them anew; what they keep is in no commit and no release.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
UV := .venvs/lock/bin/uv
UV_VERSION := 0.13.8
PYTHONS := 3.10 3.11 3.12 3.13
SOURCES := $(shell find src -name '*.py' -o -name py.typed 2>/dev/null) pyproject.toml hatch_build.py README.md LICENSE
# Everything except the browser and the load; each of these environments has its own Flask.
PARALLEL := -n auto --dist loadgroup
# Where nothing shares a server; deciding test by test takes longer than many a test.
SPREAD := -n auto --dist worksteal
CORE := python -m pytest -q $(PARALLEL) -m "not browser and not load and not tools" -p no:cacheprovider
IS_LIBRARY := -m "not browser and not load and not servers and not tools"
# No server's client is in these environments.
BARE := python -m pytest -q $(SPREAD) $(IS_LIBRARY) -p no:cacheprovider
IS_QUICK := -m "not browser and not load and not servers and not tools and not slow"
# Modules that mostly speak to a server: `make test-all` wants every branch of them.
TO_SERVERS := */sessions/redis.py,*/sessions/redis_client.py,*/sessions/sqlalchemy.py,*/sessions/contract.py

# Who names a Python gets it, also where an environment of another one exists.
ifneq ($(origin PYTHON),file)
OTHERS := $(shell scripts/other-python "$(PYTHON)" .venv .venv-demo .venvs/minimal .venvs/integrations .venvs/integrations-legacy .venvs/bench-* || echo unusable)
ifneq ($(filter unusable,$(OTHERS)),)
$(error PYTHON=$(PYTHON) cannot be used)
endif
$(OTHERS:%=%/.ready): FORCE
endif

.PHONY: FORCE help demo test test-quick test-all test-chaos test-oldest test-newest test-minimal \
	test-public-flask test-by-cookie test-integrations test-pythons coverage \
	lint format types mypy imports docs docs-links changelog-check changelog-draft changelog lock build \
	bench bench-guard hooks ci clean

help: ## list the jobs (this text)
	@echo "make JOB, where JOB is one of:"
	@sed -n 's/^\([a-z][a-z.%0-9-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo "Variables: PYTHON (python3), PORT (5000, for demo), ARGS (pytest's, for test),"
	@echo "  FLASK_LOGIN_TEST_PATIENCE (1; 3 on a slow machine: what the tests wait for may take so many times longer)"

# ------------------------------------------------------------------ the portal

demo: .venv-demo/.wheel ## seed and serve the example portal on localhost
	@scripts/demo .venv-demo/bin/python $(PORT)

.venv-demo/.ready: requirements/demo.txt scripts/make-env
	@scripts/make-env "$(PYTHON)" .venv-demo requirements/demo.txt
	@touch $@

.venv-demo/.wheel: .venv-demo/.ready $(SOURCES)
	@echo "Building Flask-Login's wheel and installing it"
	@scripts/build .venv-demo --wheel --outdir .venv-demo/dist
	@scripts/install-wheel .venv-demo .venv-demo/dist
	@touch $@

# -------------------------------------------------------- the environment, wheel

.venv/.ready: requirements/dev.txt scripts/make-env
	@scripts/make-env "$(PYTHON)" .venv requirements/dev.txt
	@touch $@

build: dist/.built ## build the source distribution and, from it, the wheel

dist/.built: .venv/.ready $(SOURCES)
	@echo "Building the source distribution and the wheel"
	@scripts/build .venv --outdir dist
	@touch $@

.venv/.wheel: .venv/.ready dist/.built
	@scripts/install-wheel .venv
	@touch $@

# ----------------------------------------------------------------------- tests

test: .venv/.wheel ## the library's tests against the built wheel, 3 minutes (ARGS="-k next" for a part)
ifeq ($(ARGS),)
	@echo "The library's tests, without servers and browsers: about 3 minutes on two idle cores."
	@rm -f .coverage .coverage[.-]*
	@$(BIN)/python -m pytest -q -r fE $(SPREAD) $(IS_LIBRARY) \
		--cov --cov-report= --cov-fail-under=0 tests
	@$(BIN)/python -m coverage report --omit "$(TO_SERVERS)"
else
	$(BIN)/python -m pytest $(ARGS)
endif

test-quick: .venv/.wheel ## the tests that tell the most in the least time, a minute
	@echo "The quick tests: less than a minute on two idle cores."
	@FLASK_LOGIN_TEST_EFFORT=quick $(BIN)/python -m pytest -q -r fE $(SPREAD) \
		$(IS_QUICK) --most-cases 8 tests $(ARGS)

test-all: .venv/.wheel ## all but the kills: servers, browsers and the portal too, every branch covered
	@echo "All tests but test-chaos, with servers, browsers and the portal: about 10 minutes on two idle cores."
	@rm -f .coverage .coverage[.-]*
	@FLASK_LOGIN_TEST_EFFORT=full $(BIN)/python -m pytest -q $(PARALLEL) -m "not load" --cov --cov-report= --cov-fail-under=0 $(ARGS)
	@if [ -e .coverage-partial ]; then \
		echo "Tests on servers were skipped: their modules are left out of the coverage."; \
		$(BIN)/python -m coverage report --omit "$(TO_SERVERS)"; \
	else \
		$(BIN)/python -m coverage report; \
	fi

test-chaos: .venv/.wheel ## real servers killed and raced for, one test after another
	@echo "Servers that are killed and raced for: about 10 minutes, mostly of waiting."
	$(BIN)/python -m pytest -v -m load $(ARGS)

coverage: test-all ## test-all, and a page of what was run in build/coverage
	@$(BIN)/python -m coverage html --quiet
	@echo "Open build/coverage/index.html"

test-oldest: .venvs/oldest/.ready dist/.built ## the library's tests on the oldest supported Flask
	@scripts/install-wheel .venvs/oldest
	.venvs/oldest/bin/$(BARE) tests $(ARGS)

test-newest: .venvs/newest/.ready dist/.built ## every test but the long ones on the newest Flask and Python, pre-releases too
	@.venvs/newest/bin/python -m pip install -qq --disable-pip-version-check --upgrade \
		Jinja2 MarkupSafe itsdangerous click blinker asgiref
	@.venvs/newest/bin/python -m pip install -qq --disable-pip-version-check --upgrade --pre \
		Flask Werkzeug
	@scripts/install-wheel .venvs/newest
	.venvs/newest/bin/$(CORE) $(ARGS)

test-minimal: .venvs/minimal/.ready dist/.built ## the library's tests with nothing but Flask installed
	@scripts/install-wheel .venvs/minimal
	.venvs/minimal/bin/$(BARE) tests $(ARGS)

test-public-flask: .venv/.wheel ## the quick tests with the names gone that Flask does not promise
	@echo "The quick tests, by Flask's public names alone: about a minute on two idle cores."
	@FLASK_LOGIN_TEST_EFFORT=quick $(BIN)/python -m pytest -q -r fE $(SPREAD) -p tests.without_internals \
		$(IS_QUICK) -p no:cacheprovider tests $(ARGS)

test-by-cookie: .venv/.wheel ## the quick tests with a cookie of its own for each stored login
	@echo "The quick tests, with a login cookie for each stored login: about a minute on two idle cores."
	@FLASK_LOGIN_TEST_EFFORT=quick $(BIN)/python -m pytest -q -r fE $(SPREAD) -p tests.by_cookie \
		$(IS_QUICK) -p no:cacheprovider tests $(ARGS)

INTEGRATIONS := python -m pytest -q -r fE $(PARALLEL) -p no:cacheprovider
# With ARGS="-k ..." one of the two environments may have no such test, which pytest ends with 5.
OR_NONE_CHOSEN := $(if $(ARGS),|| [ $$? -eq 5 ])

test-integrations: .venvs/integrations/.ready .venvs/integrations-legacy/.ready dist/.built ## one login with each library that applications combine with this one
	@echo "A login with each of some fifty libraries and servers: about a minute on two idle cores."
	@scripts/install-wheel .venvs/integrations
	.venvs/integrations/bin/$(INTEGRATIONS) --ignore tests/integrations/legacy tests/integrations $(ARGS) $(OR_NONE_CHOSEN)
	@scripts/install-wheel .venvs/integrations-legacy
	.venvs/integrations-legacy/bin/$(INTEGRATIONS) tests/integrations/legacy $(ARGS) $(OR_NONE_CHOSEN)

test-pythons: ## every test but the long ones on each Python the machine has (QUICK=1 for the quick ones)
	@scripts/each-python $(PYTHONS)

$(PYTHONS:%=test-py%): test-py%: .venvs/%/.ready dist/.built
	@scripts/install-wheel .venvs/$*
	$(if $(QUICK),FLASK_LOGIN_TEST_EFFORT=quick) .venvs/$*/bin/$(CORE) $(if $(QUICK),$(IS_QUICK) tests) $(ARGS)

.venvs/oldest/.ready: requirements/oldest.txt scripts/make-env
	@scripts/make-env "$$(scripts/find-python 3.10 || echo $(PYTHON))" .venvs/oldest requirements/oldest.txt
	@touch $@

.venvs/integrations/.ready .venvs/integrations-legacy/.ready: .venvs/%/.ready: requirements/%.txt scripts/make-env
	@scripts/make-env "$(PYTHON)" .venvs/$* requirements/$*.txt
	@touch $@

.venvs/minimal/.ready: requirements/minimal.txt scripts/make-env
	@scripts/make-env "$(PYTHON)" .venvs/minimal requirements/minimal.txt
	@touch $@

.venvs/newest/.ready: requirements/test.txt scripts/make-env
	@scripts/make-env "$$(scripts/find-python 3.13 || echo $(PYTHON))" .venvs/newest requirements/test.txt
	@touch $@

.venvs/3.%/.ready: requirements/test.txt scripts/make-env
	@scripts/make-env "$$(scripts/find-python 3.$* || echo python3.$*)" .venvs/3.$* requirements/test.txt
	@touch $@

# ---------------------------------------------------------------------- checks

lint: .venv/.ready ## ruff: rules and formatting; zizmor: what the workflows give away
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --quiet --offline .github

format: .venv/.ready ## let ruff mend what it can and format the rest
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

mypy: .venv/.ready
	$(BIN)/mypy
	$(BIN)/mypy examples/portal

types: mypy .venv/.wheel ## mypy strict, pyright strict, and completeness of the public types
	$(BIN)/pyright
	@# It looks at the package that the first Python on the PATH has installed.
	PATH="$(CURDIR)/$(BIN):$$PATH" pyright --verifytypes flask_login --ignoreexternal

imports: .venv/.ready ## the import rule: a module imports only from below
	@PYTHONPATH=src $(BIN)/lint-imports --no-cache

# --------------------------------------------------------------- documentation

docs: .venv/.wheel ## build the documentation strictly, in build/docs
	@echo "Comparing the settings and the examples with their pages"
	@$(BIN)/python scripts/settings_page.py --check
	@$(BIN)/python scripts/docs_examples.py --check
	@echo "Building the documentation: about half a minute"
	$(BIN)/python -m sphinx -W --keep-going -n -q -E -b html docs build/docs
	@echo "Open build/docs/index.html"

docs-links: .venv/.wheel ## do the links to other sites lead somewhere? It asks them all, a minute
	@echo "Asking the other sites: about a minute. One that does not answer is no fault of the library."
	$(BIN)/python -m sphinx -q -E -b linkcheck docs build/links

# ------------------------------------------------------------------ benchmarks

BENCH := ours flask-login flask-security django
BENCH_READY := $(BENCH:%=.venvs/bench-%/.ready)

bench: $(BENCH_READY) .venvs/bench-ours/.wheel ## what a request costs, side by side (ARGS=quick, ARGS="quick --check")
	@.venvs/bench-ours/bin/python -m benchmarks $(ARGS)

bench-guard: .venvs/bench-ours/.wheel ## the guard of the hot path: ratios and instructions, a minute
	@.venvs/bench-ours/bin/python -m benchmarks.guard $(ARGS)

$(BENCH_READY): .venvs/bench-%/.ready: benchmarks/requirements/%.txt scripts/make-env
	@scripts/make-env "$(PYTHON)" .venvs/bench-$* $<
	@touch $@

.venvs/bench-ours/.wheel: .venvs/bench-ours/.ready dist/.built
	@scripts/install-wheel .venvs/bench-ours
	@touch $@

# ------------------------------------------------------------------- changelog

changelog-check: .venv/.ready ## are the fragments in changes/ well formed?
	@$(BIN)/python scripts/check_changes.py
	@$(BIN)/towncrier build --draft --version unreleased > /dev/null

changelog-draft: .venv/.ready ## show the changelog of the next release
	@$(BIN)/towncrier build --draft --version unreleased

changelog: .venv/.ready ## write the release's section and remove its fragments
	$(BIN)/towncrier build --yes

# ----------------------------------------------------------------- maintenance

LOCK = $(UV) pip compile --quiet --universal --python-version 3.10 --no-python-downloads \
	--generate-hashes --no-strip-extras --custom-compile-command "make lock" $(LOCK_ARGS)

lock: $(UV) ## lock the development environments anew (LOCK_ARGS=--upgrade to raise)
	$(LOCK) pyproject.toml --extra all --group dev --output-file requirements/dev.txt
	$(LOCK) pyproject.toml --extra all --group test --constraint requirements/dev.txt --output-file requirements/test.txt
	$(LOCK) pyproject.toml --group demo --constraint requirements/dev.txt --output-file requirements/demo.txt
	$(LOCK) pyproject.toml --group test-core --constraint requirements/dev.txt --output-file requirements/minimal.txt
	$(LOCK) requirements/oldest.in --group test-core --output-file requirements/oldest.txt
	$(LOCK) pyproject.toml --extra all --group integrations --constraint requirements/dev.txt --output-file requirements/integrations.txt
	$(LOCK) requirements/integrations-legacy.in --group test-core --output-file requirements/integrations-legacy.txt
	$(LOCK) pyproject.toml --extra redis --extra sqlalchemy --group bench --constraint requirements/dev.txt --output-file benchmarks/requirements/ours.txt
	for peer in flask-login flask-security django; do \
		$(LOCK) benchmarks/requirements/$$peer.in --constraint requirements/dev.txt --output-file benchmarks/requirements/$$peer.txt || exit; \
	done

$(UV):
	@"$(PYTHON)" -m venv .venvs/lock
	@.venvs/lock/bin/python -m pip install -qq --disable-pip-version-check uv==$(UV_VERSION)

hooks: .venv/.ready ## run the pre-commit hooks before every commit of this clone
	$(BIN)/pre-commit install

ci: ## everything CI runs, as CI runs it
	@bash .ci/run

clean: ## remove environments, caches and what was built
	rm -rf .venv .venv-demo .venvs build dist .coverage .coverage[.-]* .hypothesis \
		.mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
