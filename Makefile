# Each target works alone on a fresh machine: make install | demo | test | bench | lint
PYTHON ?= python3
VENV ?= .venv
# processes that the tests share; a file's tests stay together, and so do the runs that they share; the long files go first (tests/conftest.py)
WORKERS ?= 2
BIN := $(VENV)/bin
DISTRIBUTIONS := plugins/mmsdk-text plugins/mmsdk-image plugins/mmsdk-table plugins/mmsdk-audio plugins/mmsdk-video plugins/mmsdk-gesture plugins/mmsdk-face plugins/mmsdk-transformers plugins/mmsdk-onnx recipes/mmsdk-recipe-recommend recipes/mmsdk-recipe-triage recipes/mmsdk-recipe-emotion recipes/mmsdk-recipe-interact
# pip resolves the local folders below by name, and builds them with pinned tools (PIP_CONSTRAINT reaches build environments, -c does not)
EXTRAS.mmsdk-text := [minilm]
EXTRAS.mmsdk-image := [medical,nifti]
EXTRAS.mmsdk-audio := [vad]
EXTRAS.mmsdk-gesture := [hands]
EXTRAS.mmsdk-face := [onnx]
EXTRAS.mmsdk-transformers := [onnx]
EXTRAS.mmsdk-recipe-triage := [fhir]
EDITABLES := -e .[baselines,boosting,explain,search,tensorboard,tune] $(foreach d,$(DISTRIBUTIONS),-e $(d)$(EXTRAS.$(notdir $(d))))
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install demo test bench lint wheels clean

install: $(VENV)/.installed

$(VENV)/.installed: constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml recipes/*/pyproject.toml) requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt $(EDITABLES) -r requirements-dev.txt
	touch $@

demo: install
	$(BIN)/mmsdk recipe recommend --out runs/demo --overwrite

test: install
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/all.py

wheels: install
	rm -rf dist
	for d in . $(DISTRIBUTIONS); do $(BIN)/python -m build --wheel --outdir dist $$d || exit 1; done

clean:
	rm -rf $(VENV) dist runs
