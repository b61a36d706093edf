# Everything runs out of .venv, which `make setup` builds from requirements.lock. Only setup, finetune, model and wheelhouse
# use the network.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup finetune model demo wheelhouse test check clean

BIN := .venv/bin
MODEL := smollm2-135m
MODEL_FILE := $(or $(LOCALSYNTH_MODELS),models)/smollm2-135m-instruct-q4_1.gguf

help: ## list what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: ## build .venv: packages by hash, llama.cpp compiled for this machine (2 to 6 minutes, once)
	@scripts/setup.sh

finetune: setup ## add what fine-tuning needs to .venv: PyTorch and more, 400 MB (1 minute, once)
	@scripts/finetune.sh

model: setup ## install the embedded model, 94 MiB (Apache-2.0), into models/
	@test -s "$(MODEL_FILE)" || $(BIN)/localsynth models install $(MODEL)

demo: model ## make synthetic rows from start to end
	@$(BIN)/localsynth demo

wheelhouse: setup ## pack it for a machine without a network: make wheelhouse OUT=FOLDER
	@$(BIN)/python scripts/wheelhouse.py $(or $(OUT),dist/wheelhouse)

test: model finetune ## all tests: those without a model in parallel, then those with it one by one
	@status=0; \
	$(BIN)/python -m pytest -q -n auto -m "not model" || status=$$?; \
	$(BIN)/python -m pytest -q -p no:xdist -m model || status=$$?; \
	exit $$status

check: setup ## style, types and architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean: ## remove what was built; models/*.gguf and workspaces stay
	rm -rf .venv .setup.log dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
