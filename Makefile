PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench soak collector jaeger charts format clean

demo: $(STAMP)
	$(BIN)/shadow-mw demo $(ARGS)

test: $(STAMP)
	@if command -v go >/dev/null; then collector/build collector && collector/build jaeger; fi
	$(BIN)/pytest -n auto --dist loadfile $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(STAMP)
	$(BIN)/pytest -m soak $(ARGS)

collector jaeger:
	collector/build $@

charts:
	npm --prefix report-charts ci
	npm --prefix report-charts run build

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV), once: it says nothing for a minute or so"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
