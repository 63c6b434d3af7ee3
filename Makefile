# make run   set up what is needed, run the main job on the embedded sample
# make test  set up what is needed, run the whole test suite

.DEFAULT_GOAL := run
.PHONY: run test real-data bench lock clean

# the first interpreter that is new enough; name another one with `make PYTHON=/path/to/python run`
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/ready

# Set-up happens once; again when the lock or the project's own file changes.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python"; exit 2; }
	@echo "Setting up .venv with $(PYTHON) (once; a few minutes) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $@

run: $(READY)
	@$(BIN)/backtester run

# The tools speak only when something is wrong; pytest's summary is the last line.
test: $(READY)
	@$(BIN)/ruff check --quiet .
	@found=$$($(BIN)/lint-imports 2>&1) || { echo "$$found"; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/pytest -n auto --dist loadfile

# The real data sets, outside git, from the folder that BACKTESTER_REAL_DATA names (else ../shared/data/market).
real-data: $(READY)
	@$(BIN)/backtester data import

bench: $(READY)
	@$(BIN)/python -m benchmarks

lock:
	@test -x .venv/bin/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -qq uv; }
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
		--extra dev --extra remote --no-header --no-annotate --upgrade -o requirements.lock pyproject.toml

clean:
	@rm -rf .venv outputs multirun .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache *.egg-info
