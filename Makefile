# kpi_ext: builds and installs the extension (PGXS); every test target starts here.
#   make            build            make install     into the server of PG_CONFIG
#   make check      everything       make demo        the guided tour on real bookings
# Tests alone: make lint | unit | asan | regress | isolation | pgtap | docs-check | cluster   (test/README.md)
# By hand:     make server, psql, stop: a throw-away server; make fmt: formatting; make docs: docs/reference.md
# `make check`, `make demo` and the suites install missing Debian packages first (root or sudo).
EXTENSION = kpi_ext
MODULE_big = kpi_ext
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" kpi_ext.control)

SOURCES := $(sort $(shell find src -name '*.cpp' -not -path 'src/web/*'))
OBJS := $(SOURCES:.cpp=.o)
SQL_PARTS := $(sort $(wildcard sql/[0-9]*.sql))
SCRIPT := kpi_ext--$(EXTVERSION).sql
DATA_built = $(SCRIPT)
DATA = $(wildcard sql/upgrade/*.sql)
EXTRA_CLEAN = $(SOURCES:.cpp=.d)

# The machine's server by default; `make dev` and all tests use the private tree under build/.
PG_CONFIG ?= $(shell command -v pg_config || echo pg_config)
WORDS := $(or $(MAKECMDGOALS),all)

# PGXS compiles LLVM bitcode without our C++ flags, and it would not help: the hot path is native code.
override with_llvm := no
# Up to PostgreSQL 15 PGDLLEXPORT is empty on Linux, which hides the magic block under -fvisibility=hidden.
PG_CPPFLAGS = -Isrc '-DPGDLLEXPORT=__attribute__((visibility("default")))' -DKPI_VERSION='"$(EXTVERSION)"'
PG_CXXFLAGS = -std=c++20 -O2 -g -Wall -Wextra -Wshadow -Wno-register -Wno-missing-field-initializers \
	-fvisibility=hidden -fvisibility-inlines-hidden -MMD -MP $(WERROR)
SHLIB_LINK = -lfmt -lstdc++

# On a machine without PostgreSQL only the targets that install it work.
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
else ifneq ($(filter all install,$(WORDS)),)
$(error PostgreSQL's development files are not installed: run test/tools/packages.sh, or apt-get install postgresql-server-dev-15)
endif

-include $(SOURCES:.cpp=.d)

$(SCRIPT): $(SQL_PARTS) kpi_ext.control
	cat $(SQL_PARTS) > $@

# --- the private PostgreSQL tree: a relocated copy, so that no test touches the machine's own server
.PHONY: packages tree dev test-modules server psql stop
packages:
	@test/tools/packages.sh
tree: packages
	@test/tools/tree.sh make

# Build and install into the private tree.
dev: tree
	@$(MAKE) --no-print-directory -s PG_CONFIG=$$(test/tools/tree.sh config) all
	@$(MAKE) --no-print-directory -s PG_CONFIG=$$(test/tools/tree.sh config) install >/dev/null

# Extensions that only tests use (test/modules/<name>), in the private tree and nowhere else.
test-modules: dev
	@for module in $(wildcard test/modules/*/Makefile); do \
		$(MAKE) --no-print-directory -s -C $$(dirname $$module) PG_CONFIG=$$(test/tools/tree.sh config) install >/dev/null || exit 1; \
	done

# A throw-away server of your own with the extension: start (again after a rebuild), shell, stop.
server: dev
	@test/tools/cluster.py stop dev
	@test/tools/cluster.py start dev --preload --database kpi
# The shell opens in the demo when that runs.
psql:
	@test/tools/cluster.py is-running demo && exec test/tools/cluster.py psql demo kpi; exec test/tools/cluster.py psql dev kpi
stop:
	@test/tools/cluster.py stop dev

# --- tests. Each ends with "<suite>: N passed, N failed"; TESTS='name ...' runs some of a server suite.
SUITES = lint unit asan regress isolation pgtap docs-check cluster
.PHONY: check $(SUITES)
# Every suite runs, whatever fails before it; the last line is the sum.
check: packages
	@test/tools/check.sh $(SUITES)
lint: tree
	@test/tools/lint.sh
unit asan: packages
	@test/tools/unit.sh $@ $(TESTS)
regress isolation pgtap docs-check cluster: test-modules
	@test/tools/suite.py $@ $(TESTS)

# --- the demo: a server that stays until demo-stop
.PHONY: demo demo-stop
demo: dev
	@demo/run
demo-stop:
	@test/tools/cluster.py stop demo

# --- upkeep
.PHONY: docs fmt
docs: dev
	@test/tools/reference.py
fmt:
	@files=$$(find src test bench -name '*.[ch]pp' 2>/dev/null); test/tools/wrap.py $$files; clang-format-14 -i $$files

# Stops every server this checkout started and removes all that was built. PGXS's clean does the rest.
clean: clean-build
clean-build:
	@test/tools/cluster.py stop-all
	@rm -rf "$$(test/tools/tree.sh place)" build
.PHONY: clean clean-build
