# What people do here; CI calls only these. They use the virtual environment .venv.
PYTHON = .venv/bin/python
PYTEST = $(PYTHON) -m pytest -n logical
# Every Python process that these variables reach measures its coverage.
MEASURED = COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml COVERAGE_FILE=$(CURDIR)/.coverage
# The versions of CPython that `make versions` runs the tests on; uv finds them on PATH.
PYTHONS = 3.11 3.12 3.13
# These take the node of Python.
PURE = SCALARGRAD_REQUIRE_NATIVE= SCALARGRAD_PURE=1

.PHONY: setup native test pure sanitize rest check docs notebooks figures accuracy nist coverage report lines \
	bench long kills fuzz soak oldest versions mutants wheel playground serve gallery site

setup:      ## install everything a developer needs into .venv
	python3 -m venv .venv
	$(PYTHON) -m pip install -q -e '.[dev]'

native:     ## build the machine code of the node anew, after a change of _node.c
	SCALARGRAD_REQUIRE_NATIVE=1 $(PYTHON) setup.py -q build_ext --inplace

test:       ## run the tests, the doctests and the examples of the README on all cores
	$(PYTEST)

# Pictures, plots, notebooks and examples use nothing of the node beyond what these test.
pure:       ## run the tests that reach the node with the node of Python; the core's with coverage
	$(PURE) $(MEASURED) $(PYTEST) tests/core
	$(PURE) $(PYTEST) tests/transforms tests/replay tests/training tests/test_nn.py \
	    tests/test_optim.py tests/test_micrograd.py tests/test_saving.py

# A copy, so that no other run takes this library. LeakSanitizer is off since Python itself frees
# not all at its end; with PYTHONMALLOC each object is an allocation of its own, and so is watched.
sanitize:   ## run the tests of the core under the address and undefined-behaviour sanitizers
	rm -rf build/sanitize && mkdir -p build/sanitize
	cp -r conftest.py pyproject.toml scalargrad tests docs build/sanitize
	rm -f build/sanitize/scalargrad/core/_node*.so
	gcc -shared -fPIC -O1 -g -ffp-contract=off -fno-omit-frame-pointer -Wall -Wextra \
	    -DSCALARGRAD_PLAIN_MEMORY -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	    $$($(PYTHON) -c "import sysconfig; print('-I' + sysconfig.get_path('include'), '-o', \
	        'build/sanitize/scalargrad/core/_node' + sysconfig.get_config_var('EXT_SUFFIX'))") \
	    scalargrad/core/_node.c
	cd build/sanitize && PYTHONPATH=$(CURDIR)/build/sanitize PYTHONMALLOC=malloc \
	    SCALARGRAD_PURE= SCALARGRAD_REQUIRE_NATIVE=1 \
	    LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
	    $(CURDIR)/$(PYTEST) tests/core --capture=sys --max-worker-restart=0

check:      ## lint, format, types, and whether the generated files are up to date
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(MAKE) -s docs
	git diff --exit-code -- docs

docs:       ## regenerate the page of operations, the table of files and the pictures
	$(PYTHON) docs/make_operations.py
	$(PYTHON) docs/make_rooms.py
	$(PYTHON) docs/make_pictures.py

notebooks:  ## run the text twins (py:percent) and write the notebooks with their outputs; two minutes
	$(PYTHON) docs/make_notebooks.py

accuracy:   ## measure the errors of all operations anew; another C library gives other digits
	$(PYTHON) docs/make_accuracy.py

figures:    ## redraw the README's figures; another matplotlib draws them slightly differently
	$(PYTHON) docs/make_figures.py

nist:       ## solve NIST's regression problems anew, for docs/guide/solve.md
	$(PYTHON) docs/make_nist.py

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
	$(PYTHON) benchmarks/propagate.py
	$(PYTHON) benchmarks/scale.py
	$(PYTHON) benchmarks/scale_model.py
	$(PYTHON) benchmarks/solve.py
	$(PYTHON) benchmarks/spaced_repetition.py

long:       ## the lectures' photographs in full size, graphs of 10^7 nodes, the widget in JupyterLab
	SCALARGRAD_LONG=1 $(PYTHON) -m pytest tests/examples tests/core/test_native_safety.py \
	    tests/view/live/test_widget.py

kills:      ## kill training at 200 random moments on each backend, and compare what it ends with
	SCALARGRAD_LONG=1 $(PYTEST) tests/training/test_checkpoint.py -k killed

fuzz:       ## run the random tests with many more examples, and count these; an hour of one core
	mkdir -p build
	HYPOTHESIS_PROFILE=fuzz $(PYTEST) tests -m hypothesis --hypothesis-show-statistics \
	    > build/fuzz.txt || { cat build/fuzz.txt; exit 1; }
	@awk '/ passing/ {n += $$2} END {print n " examples passed"}' build/fuzz.txt

soak:       ## train for a million steps, and write what memory does; ten minutes
	$(PYTHON) docs/make_soak.py

# $(call test_with,NAME,PYTHON,OPTIONS OF UV): the tests in an environment of its own
define test_with
	rm -rf build/$(1)
	.venv/bin/uv venv -q --python $(2) build/$(1)
	.venv/bin/uv pip install -q --python build/$(1) $(3) -e '.[dev]'
	SCALARGRAD_REQUIRE_NATIVE=1 build/$(1)/bin/python -m pytest -n logical
endef

oldest:     ## run the tests on the oldest Python and dependencies that pyproject.toml allows
	$(call test_with,oldest,3.11,--resolution lowest-direct --constraint tests/oldest.txt)

python-%:   ## run the tests on one version of CPython with the newest dependencies
	$(call test_with,python-$*,$*)

versions: oldest $(PYTHONS:%=python-%)  ## run the tests on all these versions, warnings as errors

# `make mutants MUTANTS="core/tape.py --sample 0.1"`; all options: `make mutants MUTANTS=--help`
MUTANTS =
mutants:    ## change the code in one place at a time: some test must fail; hours, and goes on later
	nice $(PYTHON) tests/mutants.py $(MUTANTS)

wheel:      ## build the source distribution and, from it, the wheel for this machine, into dist
	$(PYTHON) -m build

# What npm installs, by the versions and checksums of package-lock.json, and no program of theirs runs
playground/node_modules/.package-lock.json: playground/package-lock.json
	cd playground && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

build/playground/index.html: playground/node_modules/.package-lock.json Makefile $(shell find playground \
    scalargrad -name node_modules -prune -o -type f -not -name '*.pyc' -not -name '*.so' -print)
	cd playground && node build.mjs ../build/playground

playground: build/playground/index.html  ## build the playground into build/playground; needs npm

serve: playground  ## build the playground, and serve it at http://127.0.0.1:8000
	$(PYTHON) -m http.server --bind 127.0.0.1 --directory build/playground 8000

gallery:    ## draw the pictures of all examples that have changed, for the site; two minutes at first
	$(PYTHON) docs/make_gallery.py

# The first time it also runs the notebooks that have no outputs. Nothing is loaded from elsewhere.
site: gallery  ## build the documentation into build/site, and check every link in it
	rm -rf build/site
	$(PYTHON) -m sphinx -b html -c docs -nW --keep-going -q -d build/doctrees . build/site
	$(PYTHON) docs/check_site.py build/site
	@test -d build/site/playground || echo "without the playground: \`make playground\` builds it"
