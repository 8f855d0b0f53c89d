# `make run` starts the box and opens its console; `make test` runs the tests; `make demo` needs nothing at all.
# `make viewer` installs the full viewer (OHIF), for which it needs npm.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PACSBOX_DATA_DIR ?= var

.PHONY: run demo viewer test soak lint lock clean

run: $(VENV)/run.stamp
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/pacsbox up --tui; else exec $(BIN)/pacsbox up; fi

demo: $(VENV)/run.stamp
	@if [ -t 0 ] && [ -t 1 ]; then env -u PACSBOX_DATA_DIR $(BIN)/pacsbox demo --tui; \
	else exec env -u PACSBOX_DATA_DIR $(BIN)/pacsbox demo; fi

viewer: $(VENV)/viewer.stamp

test: $(VENV)/dev.stamp lint
	$(BIN)/pytest -n 2 $(PYTEST_ARGS)

soak: $(VENV)/dev.stamp
	$(BIN)/python -m tests.journey.soak $(SOAK_ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The environment, pinned and hashed; made again when the pins change.
$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

# The pinned package of the viewer, less what a clinic does not need, compressed; made again when how changes.
$(VENV)/viewer.stamp: web/viewer/install.py web/viewer/patch.py web/viewer/press.mjs | $(VENV)/run.stamp
	$(BIN)/python -m web.viewer.install
	touch $@

# Pin what run.in and dev.in name, for every Python from 3.11 on.
lock: $(VENV)/dev.stamp
	cd requirements && for set in run dev; do ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate $$set.in -o $$set.txt; done

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
