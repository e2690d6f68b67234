# Quxun: `make run` runs the demonstration, `make test` passes every test. Nothing else is needed.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
QUXUN_HOME ?= ./.quxun
PYTEST_ARGS ?= -n 2 --dist loadgroup

.PHONY: run test check golden bench lock wheel format python-is-there

run: $(VENV)/run.stamp
	@QUXUN_HOME="$(QUXUN_HOME)" exec $(BIN)/quxun up --demo

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

golden: $(VENV)/dev.stamp
	$(BIN)/python tests/golden/rewrite.py

# Every test that asks for a floor, then what needs third-party pages, then what needs quiet.
bench: $(VENV)/dev.stamp $(VENV)/bench.stamp
	@failed=0; \
	$(BIN)/python -m pytest -q -n 0 $$(grep -rl "bench.floors" tests --include='test_*.py') || failed=1; \
	for what in quality read poll export serve feeds digest; do $(BIN)/quxun bench $$what || failed=1; done; exit $$failed

format: $(VENV)/dev.stamp
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

wheel: $(VENV)/dev.stamp
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

LOCK := $(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras

lock: $(VENV)/dev.stamp
	$(LOCK) --allow-unsafe -o requirements/build.txt requirements/build.in
	$(LOCK) --extra embedded -o requirements/run.txt pyproject.toml requirements/older.in
	$(LOCK) --allow-unsafe --extra embedded --extra dev -c requirements/run.txt \
		-o requirements/dev.txt pyproject.toml requirements/older.in
	$(LOCK) --allow-unsafe --extra embedded --extra bench -c requirements/run.txt \
		-o requirements/bench.txt pyproject.toml requirements/older.in

python-is-there:
	@if [ -z "$(PYTHON)" ]; then \
		echo "quxun: no Python 3.11 or newer with the venv module was found; install it (Debian: apt install python3-venv) or say make PYTHON=/path/to/python3" >&2; exit 1; fi
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "quxun: $(PYTHON) is no Python 3.11 or newer; say make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "quxun: $(PYTHON) has no venv module; install it (Debian: apt install python3-venv)" >&2; exit 1; }

$(BIN)/python: | python-is-there
	@echo "Making the environment in $(VENV) …"
	@"$(PYTHON)" -m venv $(VENV)

$(VENV)/run.stamp: requirements/build.txt requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the service needs …"
	@$(PIP) install --require-hashes -r requirements/build.txt
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp | $(BIN)/python
	@echo "Installing what the checks need …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/bench.stamp: requirements/bench.txt $(VENV)/run.stamp | $(BIN)/python
	@echo "Installing what we are measured beside …"
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@
