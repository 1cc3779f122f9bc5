# What people do here; CI calls only these. They use the virtual environment .venv.
PYTHON = .venv/bin/python
PYTEST = $(PYTHON) -m pytest -n logical
# Every Python process that these variables reach measures its coverage.
MEASURED = COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml COVERAGE_FILE=$(CURDIR)/.coverage

.PHONY: setup test rest check docs notebooks figures coverage report lines bench long fuzz

setup:      ## install everything a developer needs into .venv
	python3 -m venv .venv
	$(PYTHON) -m pip install -q -e '.[dev]'

test:       ## run the tests, the doctests and the examples of the README on all cores
	$(PYTEST)

check:      ## lint, format, types, and whether the generated files are up to date
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(MAKE) -s docs notebooks
	git diff --exit-code -- docs notebooks

docs:       ## regenerate the page of operations, the table of files and the pictures
	$(PYTHON) docs/make_operations.py
	$(PYTHON) docs/make_rooms.py
	$(PYTHON) docs/make_pictures.py

notebooks:  ## write the notebooks from their text twins (py:percent)
	.venv/bin/jupytext --quiet --to ipynb --update notebooks/*.py

figures:    ## redraw the README's figures; another matplotlib draws them slightly differently
	$(PYTHON) docs/make_figures.py

coverage:   ## run the tests with branch coverage of the package; fails under 95 %
	# With an empty cache, since the code that emits machine code runs only while numba compiles it
	NUMBA_CACHE_DIR=$$(mktemp -d) $(MEASURED) $(PYTEST)
	$(MAKE) -s report

rest:       ## run the tests that the last run skipped, with coverage
	$(MEASURED) $(PYTEST) --skipped

report:     ## combine and report the coverage that was measured
	.venv/bin/coverage combine -q
	.venv/bin/coverage report

lines:      ## count the lines by folder, the arrows between folders, and the reading path
	$(PYTHON) tests/rooms.py

bench:      ## time and memory beside other engines, and pictures, as ratios of one run
	$(PYTHON) benchmarks/start_up.py
	$(PYTHON) benchmarks/eager.py
	$(PYTHON) benchmarks/pictures.py
	$(PYTHON) benchmarks/replay.py

long:       ## the lectures' photographs in full size, 6.25 million weights; minutes, and gigabytes
	SCALARGRAD_LONG=1 $(PYTHON) -m pytest tests/examples

fuzz:       ## run the random tests with many more examples; half an hour
	HYPOTHESIS_PROFILE=fuzz $(PYTEST) tests
