# What a developer types. It needs make and Python 3.11 or newer; all the rest goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
ARGS =

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help serve bench test soak torture check clean FORCE

# The directory is removed and made anew when it does not fit: a slip in its name must not cost another one.
ifeq ($(findstring venv,$(notdir $(VENV))),)
$(error VENV=$(VENV): give it a name with venv in it, such as VENV=.venv-3.13)
endif

# Bytecode is kept, also where containers say otherwise: tests start some hundred processes, and each would compile
# netkit anew.
unexport PYTHONDONTWRITEBYTECODE

# uvloop is optional: no compiler is started for it where it has no wheel.
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
INSTALL = $(PIP) install --only-binary uvloop

comma := ,

# Asked of $(PYTHON), in words that Python 2 understands too. The base, because python3 is the venv's own while the
# venv is activated.
PROBE = import sys; sys.stdout.write("%s %s in %s" % ( \
	sys.version_info >= (3, 11) and "fits" or "old", sys.version.split()[0], getattr(sys, "base_prefix", sys.prefix)))

help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s  %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Variables: ARGS= more arguments, PYTHON=$(PYTHON) to make VENV=$(VENV) with"

serve: $(VENV)/ready-to-serve ## Run netkit serve, by default on 127.0.0.1 port 8888 (ARGS="--service echo")
	@exec $(VENV)/bin/netkit serve --layer streams $(ARGS)

bench: $(VENV)/ready-to-bench ## Run netkit bench: which layer, which loop? (ARGS="--quick")
	@exec $(VENV)/bin/netkit bench $(ARGS)

# What measures runs alone, and after the rest, which keeps all processors busy: a file at a time on each worker.
test: $(VENV)/ready-to-test ## Run all tests (ARGS="-k telnet": only those, one after another)
	@$(if $(ARGS),$(VENV)/bin/python -m pytest $(ARGS), \
		$(VENV)/bin/python -m pytest -n logical --dist loadfile -m "not alone and not soak and not torture" && $(VENV)/bin/python -m pytest -m alone)

soak: $(VENV)/ready-to-test ## Run two minutes of a chat whose guests do their worst, on every layer
	@$(VENV)/bin/python -m pytest -m soak tests/soak $(ARGS)

# They wait for most of the time: more of them at once than there are processors, and those that take longest first.
torture: $(VENV)/ready-to-test ## Try every fault on netkit, on each layer and loop, and on servers that are broken on purpose
	@$(VENV)/bin/python -m pytest -m torture -n 10 --dist load --maxschedchunk 1 \
		tests/torture/test_netkit.py tests/torture $(ARGS)

check: $(VENV)/ready-to-check ## Lint, formatting and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

clean: ## Remove what make and the tools have made
	@rm -rf $(VENV) .venv-3.* build dist benchmarks/peers/.built .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find netkit tests examples benchmarks docs -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# The venv is whole while this file is in it, and this file says which Python made it and where. Looked at on
# every run: the venv of another Python, of a moved checkout or of an interrupted run is made anew.
$(VENV)/made-by: FORCE
	@python=$$($(PYTHON) -c '$(PROBE)' 2>/dev/null || echo "no Python that runs"); \
	case "$$python" in \
	"fits "*) ;; \
	*) echo "netkit needs Python 3.11 or newer, and $(PYTHON) is $${python#old }:" \
		"install one (Debian, Ubuntu: apt install python3 python3-venv) or name it (make PYTHON=python3.13)" >&2; \
		exit 1 ;; \
	esac; \
	maker="$$python $(abspath $(VENV))"; \
	if test -x $(VENV)/bin/python && test "$$(cat $@ 2>/dev/null)" = "$$maker"; then exit 0; fi; \
	echo "making $(VENV)"; \
	rm -rf $(VENV); \
	if ! said=$$($(PYTHON) -m venv $(VENV) 2>&1); then \
		rm -rf $(VENV); \
		echo "$(PYTHON) -m venv failed ($$(echo "$$said" | tail -n 1)):" \
			"install what it lacks (Debian, Ubuntu: apt install python3-venv)" >&2; \
		exit 1; \
	fi; \
	$(PIP) install 'pip>=25.1' && echo "$$maker" > $@  # 25.1 is the first that knows --group

# $(call install,PARTS,PARTS WITHOUT UVLOOP): made-by is away meanwhile, so that half an install is not kept.
define install
	@echo "installing into $(VENV), once"
	@mv $(VENV)/made-by $(VENV)/unfinished
	@$(INSTALL) $(1) 2>/dev/null || { echo "trying without what has no wheel here"; $(INSTALL) $(2); }
	@mv $(VENV)/unfinished $(VENV)/made-by
	@touch $@
endef

$(VENV)/ready-to-serve: $(VENV)/made-by pyproject.toml
	$(call install,-e '.[uvloop$(comma)tls-dev$(comma)chat$(comma)unicode-nicks]',-e '.[tls-dev$(comma)chat]')

$(VENV)/ready-to-bench: $(VENV)/made-by pyproject.toml
	$(call install,-e '.[all]',-e '.[tls-dev$(comma)bench]')

$(VENV)/ready-to-test: $(VENV)/made-by pyproject.toml
	$(call install,-e '.[all]' --group test,-e '.[tls-dev$(comma)bench$(comma)chat]' --group test)

$(VENV)/ready-to-check: $(VENV)/made-by pyproject.toml
	$(call install,-e '.[all]' --group dev,-e '.[tls-dev$(comma)bench$(comma)chat]' --group dev)
