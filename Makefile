# Two commands set everything up on a fresh machine: `make benchmark` and `make test`.
#
#   make benchmark                                     the gate on the embedded default
#   make benchmark MODEL=timm:resnet18 DATASET=FOLDER  the gate on your model and your images
#   make test                                          all tests
#   make lint                                          ruff and mypy
#   make demo                                          train the demo model's weights again
#   make reports                                       what is in reports/, in the README and in docs/ again
#   make throughput                                    how fast it is here, beside other ways: a quarter of an hour
#   make positive SETS=FOLDER WEIGHTS=FILE             networks trained on half of real sets, judged on the rest: an hour
#   make calibration                                   the gate's own error rates again: over an hour

PYTHON ?= python3
VENV   ?= .venv
MODEL  ?= demo
DATASET ?=
ARGS   ?=
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: benchmark test lint demo reports throughput calibration positive
.DELETE_ON_ERROR:

benchmark: $(READY)
	$(BIN)/pytest benchmarks/ --model='$(MODEL)' $(if $(DATASET),--dataset='$(DATASET)') $(ARGS)

test: $(READY)
	$(BIN)/pytest tests/ -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

demo: $(READY)
	$(BIN)/python tools/train_demo.py

reports: $(READY)
	$(BIN)/pytest benchmarks/ --model=demo --report-dir=reports/demo
	-$(BIN)/pytest benchmarks/ --model='demo?seed=1' --report-dir=reports/demo-untrained
	$(BIN)/python -m reprcheck audit sim-culture --model=demo --json > reports/audit/sim-culture.json
	$(BIN)/python tools/reports_in_docs.py
	$(BIN)/python tools/columns_in_docs.py

calibration: $(READY)
	$(BIN)/python -m reprcheck calibrate
	$(BIN)/python tools/reports_in_docs.py

positive: $(READY)
	$(BIN)/python tools/positive_controls.py $(SETS) $(VENV)/positive --weights=$(WEIGHTS)
	$(BIN)/python tools/reports_in_docs.py

throughput: $(READY)
	$(BIN)/pytest benchmarks/test_throughput.py -q -p benchmark --benchmark-json=$(VENV)/throughput.json $(ARGS)
	$(BIN)/python tools/throughput.py $(VENV)/throughput.json
	$(BIN)/python tools/reports_in_docs.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "reprcheck needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
