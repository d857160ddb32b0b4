# Needs make and Python 3.11 or newer; everything else is installed into .venv, once.
.DEFAULT_GOAL := help
.PHONY: help book test check chat lab bench outputs readme clean

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
RUN := $(BIN)/python
READY := .venv/ready

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1@\2/p' Makefile | awk -F@ '{printf "%-13s %s\n", $$1, $$2}'

book: $(READY) ## run every chapter in order, from the raw crawl to the model that talks
	@$(RUN) -m tools.book

test: $(READY) ## ruff, contracts, unit tests, and every notebook at the smoke budget
	@$(RUN) -m tools.check --notebooks

check: $(READY) ## the fast part of make test: no notebook is executed
	@$(RUN) -m tools.check

chat: $(READY) ## talk to the aligned model
	@$(RUN) -m tools.chat

lab: $(READY) ## open the notebooks in JupyterLab
	@$(RUN) -m jupyterlab

bench: $(READY) ## measure speed and memory (tests/benchmarks)
	@$(RUN) -m tools.bench

outputs: $(READY) ## copy the outputs of the last make book into the notebooks, and refresh the READMEs
	@$(RUN) -m tools.outputs
	@$(RUN) -m tools.readme

readme: $(READY) ## write the chapter tables of the READMEs
	@$(RUN) -m tools.readme

clean: ## delete every artefact and cache; .venv stays
	rm -rf artifacts build dist .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -not -path "./.venv/*" -prune -exec rm -rf {} +

# Done again when the requirements change; an interrupted installation is taken up again.
$(READY): pyproject.toml constraints.txt tools/environment.sh
	@sh tools/environment.sh $(RUN)
