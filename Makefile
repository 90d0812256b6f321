# One line a target; `make` lists them. PYTHON may name another interpreter (3.11 or newer).
PYTHON ?= python3
RUN := .venv/bin/
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo up test test-browser screenshots lint audit bench sam lock clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'
demo: .venv/runtime.stamp ## the whole story on this machine, in under a minute
	@$(RUN)nightclass demo
up: .venv/runtime.stamp ## start the local cloud and keep it running
	@$(RUN)nightclass up
test: .venv/dev.stamp ## every test
	@$(RUN)pytest -n 2 --dist loadfile
test-browser: .venv/dev.stamp ## the console in a headless Chromium (Debian: chromium, chromium-driver)
	@$(RUN)pytest tests/browser
screenshots: .venv/dev.stamp ## docs/screenshots/, of the console after the demo
	@$(RUN)python -m tests.browser.screenshots docs/screenshots
lint: .venv/dev.stamp ## the static gate
	@$(RUN)python -m tests.static
audit: .venv-audit/stamp .venv/dev.stamp ## checkov, the serverless rules and a search for secrets
	@$(RUN)python -m tests.static.audit
bench: .venv/bench.stamp ## print the figures the README quotes
	@$(RUN)nightclass bench
sam: .venv-sam/stamp .venv/dev.stamp ## sam validate, build and deploy against the local cloud
	@$(RUN)pytest tests/toolchain
lock: ## renew requirements/ from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock' -o requirements/runtime.txt pyproject.toml && uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock' --group bench -o requirements/bench.txt pyproject.toml && uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock' --group dev -o requirements/dev.txt pyproject.toml && echo 'aws-sam-cli==1.170.0' | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock' -o requirements/sam.txt - && printf '%s\n' checkov cfn-lint cfn-lint-serverless detect-secrets | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock' -o requirements/audit.txt -
clean: ## remove environments, builds and local state
	rm -rf .venv .venv-audit .venv-sam .aws-sam .nightclass .personalize .pytest_cache .mypy_cache .ruff_cache

# The locks are complete, so pip need not resolve (and an older pip could not: extras with hashes), nor compile what may never run.
.venv/bin/pip:
	$(PYTHON) -m venv .venv
.venv/runtime.stamp: requirements/runtime.txt pyproject.toml | .venv/bin/pip
	@$(RUN)pip install -q -r requirements/runtime.txt && $(RUN)pip install -q --no-deps -e . && touch $@
.venv/bench.stamp: requirements/bench.txt pyproject.toml | .venv/bin/pip
	@$(RUN)pip install -q --no-deps --no-compile -r requirements/bench.txt && $(RUN)pip install -q --no-deps -e . && touch .venv/runtime.stamp $@
.venv/dev.stamp: requirements/dev.txt pyproject.toml | .venv/bin/pip
	@$(RUN)pip install -q --no-deps --no-compile -r requirements/dev.txt && $(RUN)pip install -q --no-deps -e . && touch .venv/runtime.stamp .venv/bench.stamp $@
.venv-sam/stamp: requirements/sam.txt
	@$(PYTHON) -m venv .venv-sam && .venv-sam/bin/pip install -q --no-deps --no-compile -r requirements/sam.txt && touch $@
.venv-audit/stamp: requirements/audit.txt
	@$(PYTHON) -m venv .venv-audit && .venv-audit/bin/pip install -q --no-deps --no-compile -r requirements/audit.txt && touch $@
