# Needs python3 (3.10 to 3.13; another one with `make PYTHON=python3.12 ...`); all else goes into .venv.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
TESTS ?= tests
TEST_JOBS ?= 2
DEMO_DATA := data/mini
DEMO_CONFIG := configs/cavp/cavp_r18_mini-demo.py
DEMO_DIR := work_dirs/demo
ABLATION_DATA := data/mini-ablations
START_CONFIG := configs/ablations/objects_r18_mini.py
START_DIR := work_dirs/objects_r18_mini

.DEFAULT_GOAL := help
.PHONY: help env lint format test demo web ablation ablations substitution bench matrix clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(STAMP)  ## create .venv with mmavs (editable) and the tested versions of its dependencies

$(STAMP): setup.py requirements/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -c requirements/constraints.txt -e '.[lite,tests,dev,tensorboard,timm,video,onnx,web]'
	touch $@

# The hooks are programs of the environment, so its folder comes first on the PATH. pre-commit keeps its files there too.
lint: env  ## ruff, docstring gate, spelling, white space, YAML (all hooks of .pre-commit-config.yaml)
	@if git rev-parse --git-dir >/dev/null 2>&1; \
	then PATH="$(CURDIR)/$(VENV)/bin:$$PATH" PRE_COMMIT_HOME="$(CURDIR)/$(VENV)/.pre-commit" \
		pre-commit run --all-files --show-diff-on-failure; \
	else echo 'No git checkout: ruff alone.'; $(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .; fi

format: env  ## apply the fixes of ruff
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

# A file of tests stays in one process. A process that crashes ends the run. Each computes with one thread (conftest.py).
test: env  ## run the tests in two processes; some of them with make test TESTS='-m "not slow" tests/test_models'
	$(VENV)/bin/python -m pytest -q -n $(TEST_JOBS) --dist loadfile --max-worker-restart=0 $(TESTS)

# An interrupted demo continues when it is started again.
demo: env  ## make the mini set, train and test a small network on it, write pictures
	$(VENV)/bin/python tools/dataset_converters/make_mini.py --out $(DEMO_DATA)
	$(VENV)/bin/python tools/train.py $(START_CONFIG) --work-dir $(START_DIR) --resume
	$(VENV)/bin/python tools/train.py $(DEMO_CONFIG) --work-dir $(DEMO_DIR) --resume
	$(VENV)/bin/python tools/test.py $(DEMO_CONFIG) "$$(ls -t $(DEMO_DIR)/best_mIoU_*.pth | head -n 1)" \
		--work-dir $(DEMO_DIR)/test --out $(DEMO_DIR)/predictions --show-dir $(DEMO_DIR)/pictures
	@$(VENV)/bin/python tools/analysis_tools/summarize_demo.py $(DEMO_CONFIG) $(DEMO_DIR)/predictions \
		$(DEMO_DIR)/pictures

# On the demo's checkpoint. Another one, or another port: make web WEB='--weights FILE --port 8000'
web: env  ## web page on which the demo's network segments pictures with sounds, and short videos
	$(VENV)/bin/python tools/web.py $(WEB)

ablation: env  ## stereo, mono and silent audio on the mini set, three seeds each: the table of docs/results.md
	$(VENV)/bin/python tools/dataset_converters/make_mini.py --out $(DEMO_DATA)
	$(VENV)/bin/python tools/analysis_tools/mini_ablation.py --jobs 2

# Takes hours and continues after an interruption. A first look: make ablations ABLATIONS='--seeds 0'
ablations: env  ## Tables 4 and 5, Figures 6 and 7 of the paper on the mini set, in paired runs
	$(VENV)/bin/python tools/dataset_converters/make_mini.py --out $(ABLATION_DATA) --images 3600
	$(VENV)/bin/python tools/analysis_tools/mini_ablations.py --data $(ABLATION_DATA) --jobs 2 $(ABLATIONS)

substitution: env  ## original audio against recordings of the same category, on generated videos, three seeds each
	$(VENV)/bin/python tools/analysis_tools/mini_substitution.py --jobs 2

bench: env  ## speed and memory against reference code: a table and work_dirs/bench/bench.json
	$(VENV)/bin/python tools/benchmarks/run_all.py

# Takes hours and about 10 GB, and continues after an interruption. Some of the sets: make matrix MATRIX='--only newest'
matrix:  ## run the tests with several sets of versions, each in its own environment: the table of docs/versions.md
	$(PYTHON) -m venv .matrix/tool
	.matrix/tool/bin/python -m pip install -q -c requirements/constraints.txt tqdm
	.matrix/tool/bin/python .dev_scripts/matrix/run_matrix.py --update docs/versions.md $(MATRIX)

clean:  ## remove the environment and all generated files
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis .matrix $(DEMO_DIR) $(START_DIR) $(DEMO_DATA) \
		$(ABLATION_DATA) work_dirs/ablations
