# `make demo` and `make test` do all the set-up themselves: they make .venv and install into it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
WORKERS ?= 2
PIP_FLAGS := --quiet --disable-pip-version-check -c constraints.txt

# Processes that tests start shall not compile our modules and those of fresh environments each time.
unexport PYTHONDONTWRITEBYTECODE
# uv trusts the certificates of the system, as pip does. It takes a fifth of pip's time for all but
# torch, of which only pip finds a wheel that lies on the machine.
export UV_NATIVE_TLS := 1

.PHONY: help demo test test-fast check format bench wheels clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 22

demo: $(INSTALLED)  ## a tiny model learns to think: about three minutes on two cores
	$(BIN)/rlvr run examples/quickstart.yaml --output runs/quickstart

# Two processes on two cores: one thread each, or they wait for each other's.
test: export OMP_NUM_THREADS := 1
test: $(INSTALLED)  ## every test, in two processes
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-fast: $(INSTALLED)  ## the tests that take seconds
	$(BIN)/python -m pytest -m "not slow and not isolation"

check: $(INSTALLED)  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)  ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: bench-scoring bench-math  ## every benchmark that needs no engine

bench-scoring: $(INSTALLED)  ## what the engine costs beside a bare function call
	$(BIN)/python benchmarks/scoring/overhead.py

bench-math: $(INSTALLED)  ## the league of math verifiers
	$(BIN)/python benchmarks/math/league.py

bench-grpo: $(INSTALLED)  ## GRPO's savings and pruning beside plain TRL
	$(BIN)/python benchmarks/grpo/side_by_side.py

demo-monitor: $(INSTALLED)  ## a model finds the hole of a reward; an alarm, and the page to look at it
	$(BIN)/rlvr run examples/hole.yaml --output runs/hole
	$(BIN)/rlvr monitor runs/hole

bench-monitor: $(INSTALLED)  ## how quick the page answers with 100,000 rollouts
	$(BIN)/python benchmarks/monitor/page.py

bench-health: $(INSTALLED)  ## planted faults and healthy runs under monitor/health
	$(BIN)/python benchmarks/monitor/health.py

bench-health-real: $(INSTALLED)  ## planted faults in real GRPO runs of a tiny model
	$(BIN)/python benchmarks/monitor/real_runs.py

bench-monitor-overhead: $(INSTALLED)  ## what the monitors take of a training step
	$(BIN)/python benchmarks/monitor/overhead.py

bench-drift: $(INSTALLED)  ## false alarms and power of the drift tests
	$(BIN)/python benchmarks/monitor/drift.py

bench-code: $(INSTALLED)  ## programs a second, each backend beside its peers
	$(BIN)/python benchmarks/code/speed.py

bench-audit: $(INSTALLED)  ## the test kit's zoo of planted bugs: about fifteen minutes
	$(BIN)/python benchmarks/audit/zoo.py

bench-code-cheats: $(INSTALLED)  ## which cheats are paid, ours beside the peers
	$(BIN)/python benchmarks/code/cheats.py

bench-code-attacks: $(INSTALLED)  ## which attacks get through, on each backend
	$(BIN)/python benchmarks/code/attacks.py

bench-serve: $(INSTALLED)  ## the reward server beside a bare FastAPI echo and others, and its overload
	$(BIN)/python benchmarks/serve/rewards.py

bench-serve-policy: $(INSTALLED)  ## a policy server beside its bare engine: about six minutes
	$(BIN)/python benchmarks/serve/policies.py

bench-serve-faults: $(INSTALLED)  ## rolling restarts behind HAProxy: what is lost, what is done twice
	$(BIN)/python benchmarks/serve/faults.py

wheels: $(INSTALLED)  ## a wheel of every distribution, in dist/
	rm -rf dist
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist . $(wildcard plugins/*)

clean:  ## what can be made again
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache

$(INSTALLED): pyproject.toml requirements-dev.txt constraints.txt $(wildcard plugins/*/pyproject.toml)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (torch is large: two minutes the first time)"
	$(BIN)/pip install $(PIP_FLAGS) torch "uv>=0.5,<1"
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -r requirements-dev.txt \
		|| $(BIN)/pip install $(PIP_FLAGS) -r requirements-dev.txt
	@touch $@
