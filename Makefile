# robustkit: everything a newcomer or a developer types.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# files of tests side by side; a process comes to some 5 GB
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile

.PHONY: help install demo screenshots docs test test-shared test-slow test-install trust lint bench bench-gpu clean
help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# torch is pinned first: a free range would bring several GB of CUDA packages to a machine without a GPU
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -m venv $(VENV) || { echo "robustkit needs venv: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing robustkit into $(VENV) (some minutes at first) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable '.[test,lint]'
	@touch $@

install: $(STAMP)  ## install robustkit and its tools into .venv

demo: $(STAMP)  ## the whole job on simulated films; ends with the path of a report
	@$(BIN)/robustkit demo --out demo

screenshots: demo  ## the pictures of the README, from the demo's report (needs Chromium)
	@$(BIN)/python docs/screenshots.py demo docs/images

docs: $(STAMP)  ## the reference, and what the commands of the pages print, written anew
	@$(BIN)/python docs/reference.py
	@$(BIN)/python -m pytest -q tests/docs/test_run_blocks.py --refresh-pages

test: $(STAMP)  ## the quick suite; skips are listed with their reasons
	@$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) -m "not slow and not gpu"

test-shared: $(STAMP)  ## the same, but a skip for want of ../shared is a failure
	@$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) -m "not slow and not gpu" --need-shared

test-slow: $(STAMP)  ## what takes longer
	@$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) -m "slow and not gpu"

test-install: $(STAMP)  ## wheel and sdist in new environments, on each Python there is (downloads packages)
	@$(BIN)/python -m pytest -q tests/install --install

trust: $(STAMP)  ## docs/trust.md: count faults, hostile input, privacy, installation, and a long run (an hour; downloads packages)
	@for part in faults hostile privacy; do $(BIN)/python -m pytest -q tests/$$part --trust build/trust --fuzz-seconds 60 || exit 1; done
	@$(BIN)/python -m pytest -q tests/install --install --trust build/trust
	@$(BIN)/python benchmarks/soak.py --json build/soak.json
	@$(BIN)/python benchmarks/scale_of_results.py --times 1 5 --json build/scale_of_results.json
	@$(BIN)/python docs/trust.py build/trust build/soak.json build/scale_of_results.json docs/trust.md

lint: $(STAMP)  ## ruff and mypy --strict, the latter on the installed package
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@rm -rf build/typed build/lib && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/typed .
	@cd build/typed && ../../$(BIN)/mypy --config-file ../../pyproject.toml -p robustkit

bench: $(STAMP)  ## every ratio, part by part and of the whole job (20 minutes, idle machine); writes benchmarks/RESULTS.md
	@mkdir -p build
	@$(BIN)/python -m pytest -q --benchmark-only --benchmark-enable --benchmark-json=build/bench.json -o addopts="-p no:dash --import-mode=importlib" benchmarks
	@$(BIN)/python benchmarks/whole_job.py --json build/whole_job.json
	@$(BIN)/python benchmarks/commands.py --json build/commands.json
	@$(BIN)/python benchmarks/sobol.py --json build/sobol.json
	@$(BIN)/python benchmarks/scale_of_results.py --json build/scale_of_results.json
	@$(BIN)/python benchmarks/report_page.py --json build/report_page.json
	@$(BIN)/python benchmarks/lesion_page.py --json build/lesion_page.json
	@$(BIN)/python benchmarks/heatmap_speed.py --json build/heatmap_speed.json
	@$(BIN)/python -c "import radiomics" 2>/dev/null && $(BIN)/python benchmarks/radiomics_speed.py --json build/radiomics_speed.json || echo "PyRadiomics is not installed: not compared"
	@$(BIN)/python benchmarks/write_results.py build benchmarks/RESULTS.md

bench-gpu:  ## every row that needs a GPU, in one call under ten minutes, with the python that is there (PYTHON=...)
	@mkdir -p build
	@PYTHONPATH=. $(PYTHON) benchmarks/gpu.py --json build/gpu.json
	@PYTHONPATH=. $(PYTHON) benchmarks/write_results.py build benchmarks/RESULTS.md

clean:  ## remove what was built
	rm -rf build demo *.egg-info .pytest_cache .ruff_cache .mypy_cache
