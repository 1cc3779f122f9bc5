# What people do here; CI calls only these. They use the virtual environment .venv.
PYTHON = .venv/bin/python

.PHONY: setup test check docs figures notebooks coverage bench fuzz long

setup:      ## everything a developer needs, into .venv
	python3 -m venv .venv
	$(PYTHON) -m pip install -q -e '.[dev]'

test:       ## the tests, doctests and README, in under three minutes
	$(PYTHON) -m pytest

check:      ## lint, format, types, and whether the generated files are those of the source
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(MAKE) -s docs
	git diff --exit-code -- docs

docs:       ## write the generated page and pictures anew
	$(PYTHON) docs/make_operations.py
	$(PYTHON) docs/make_pictures.py

figures:    ## draw the README's figures anew; another matplotlib draws them a little differently
	$(PYTHON) docs/make_figures.py

notebooks:  ## write the notebooks from their text twins (py:percent), and run them
	.venv/bin/jupytext --quiet --to ipynb --update notebooks/*.py
	git diff --exit-code -- notebooks
	$(PYTHON) -m pytest tests/test_notebooks.py

coverage:   ## the tests with branch coverage of the package; fails under 95 %
	# with an empty cache, since what emits machine code runs while that is compiled; without the
	# notebooks, whose kernels it does not see
	NUMBA_CACHE_DIR=$$(mktemp -d) .venv/bin/coverage run -m pytest --ignore tests/test_notebooks.py
	.venv/bin/coverage report

bench:      ## speed beside other engines, memory and time per node, pictures, as ratios of one run
	$(PYTHON) benchmarks/versus_micrograd.py
	$(PYTHON) benchmarks/memory.py
	$(PYTHON) benchmarks/pictures.py
	$(PYTHON) benchmarks/replay.py

long:       ## the lectures' photographs in full size, 6.25 million weights; minutes, and gigabytes
	SCALARGRAD_LONG=1 $(PYTHON) -m pytest tests/examples

fuzz:       ## the random tests with many more examples; half an hour
	HYPOTHESIS_PROFILE=fuzz $(PYTHON) -m pytest tests
