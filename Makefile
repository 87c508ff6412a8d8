# Everything a person types. `make demo` and `make test` need Python ≥ 3.11, make and pip's index, nothing else.
PYTHON ?= python3
BIN := .venv/bin
CHECKS := DJANGO_SETTINGS_MODULE=mutt_project.settings.checks
LOCKED := requirements/base.txt requirements/local.txt
.DEFAULT_GOAL := help
.PHONY: help demo run stop test fuzz faults drills bench bench-rules bench-search pictures docs check lint audit types layers migrations openapi references format requirements clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: .venv/run ## Start everything, send sample events, show what became of them (ONCE=1: end by itself)
	@exec $(BIN)/python -m ops.local.demo demo $(if $(ONCE),--once)

run: .venv/run ## Start everything, without sample traffic
	@exec $(BIN)/python -m ops.local.demo run

stop: .venv/run ## Stop what another terminal has started here
	@$(BIN)/python -m ops.local.demo stop

test: .venv/dev ## Run all tests, on real servers and real senders
	@$(BIN)/python -m tests.senders
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m tests.kubectl
	@$(BIN)/python -m tests.parts $(ARGS)

fuzz: .venv/dev ## Send 100,000 broken bodies to a running MUTT, and all odd requests (MUTT_FUZZ_COUNT, MUTT_FUZZ_SEED)
	MUTT_FUZZ_COUNT=$${MUTT_FUZZ_COUNT:-100000} $(BIN)/python -m pytest -s tests/integration/test_fuzz.py tests/integration/test_schemathesis.py tests/integration/test_strangers_hour.py

faults: .venv/dev ## Kill, stop and cut everything, many times (an hour; MUTT_FAULTS_SEED repeats a run)
	MUTT_FAULTS=many $(BIN)/python -m pytest -s tests/faults $(ARGS)

drills: .venv/dev ## Break a MUTT of its own and mend it by docs/disaster-recovery.md (NAME=redis_data_loss: one drill)
	@$(BIN)/python -m tests.senders
	@$(BIN)/python -m ops.drills $(if $(NAME),$(NAME),all) --write-page

bench: .venv/run ## Measure how many events a second are taken and settled, beside a bare Celery app (LONG=1: also what takes long; ARGS=--help)
	@$(BIN)/python -m ops.bench $(if $(LONG),--long) $(ARGS)

bench-rules: .venv/run ## Measure what matching costs, beside the reference
	@$(BIN)/python -m ops.bench.rules

bench-search: .venv/run ## Search among ten million records (RECORDS=100000: among fewer)
	@$(BIN)/python -m ops.bench.records $(if $(RECORDS),--records $(RECORDS))

pictures: .venv/dev ## Take the pictures of all pages in docs/pictures anew
	@$(BIN)/python -m tests.chromium
	MUTT_SCREENSHOTS=docs/pictures $(BIN)/python -m pytest -q tests/pages -k test_a_page_

check: lint types layers migrations openapi references test ## All that CI asks for

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/bandit -c pyproject.toml -r -q . 2>.venv/bandit.log || (tail -5 .venv/bandit.log; exit 1)
	$(BIN)/hadolint ops/docker/Dockerfile

audit: .venv/dev ## Ask the database of known holes about all requirements (needs the internet; not in CI)
	@$(BIN)/python -m ops.audit

types: .venv/dev
	$(BIN)/mypy .

layers: .venv/dev
	$(BIN)/lint-imports

migrations: .venv/dev
	$(CHECKS) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

openapi: .venv/dev ## Refuse an OpenAPI document that is not what the code says
	@$(CHECKS) $(BIN)/python manage.py spectacular --validate --fail-on-warn > .venv/openapi.yaml
	@diff -u docs/openapi.yaml .venv/openapi.yaml || (echo "docs/openapi.yaml is out of date: make format"; exit 1)

references: .venv/dev ## Refuse pages of docs/reference that are not what the code says
	@$(BIN)/python -m ops.references --check
	@$(CHECKS) $(BIN)/python -m mutt_project.settings.reference --check

docs: .venv/dev ## Make a site of docs/ in var/site
	@$(BIN)/sphinx-build -q -W --keep-going -E -b html -c docs -d var/site-doctrees . var/site
	@echo "var/site/index.html"

format: .venv/dev ## Put the code into its usual form, write docs/openapi.yaml, docs/reference and docs/settings.md anew
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(CHECKS) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml
	$(BIN)/python -m ops.references
	$(CHECKS) $(BIN)/python -m mutt_project.settings.reference

requirements: ## Compile requirements/*.in to hashed *.txt (needs uv on the PATH)
	cd requirements && for name in base local dev; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $$name.in -o $$name.txt || exit 1; \
	done

clean: ## Remove the virtual environment and all data of make demo and make run
	rm -rf .venv var

.venv/run: $(LOCKED)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "MUTT needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing what MUTT needs into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(LOCKED:%=-r %)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: requirements/dev.txt .venv/run
	@echo "installing what the tests need into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(LOCKED:%=-r %) -r requirements/dev.txt
	@touch $@
