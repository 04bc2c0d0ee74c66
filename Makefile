# kpi_ext: builds and installs the extension (PGXS); every test target starts here.
#   make            build            make install     into the server of PG_CONFIG
#   make check      everything       make demo        the guided tour on real bookings
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
PG_CONFIG ?= $(shell command -v pg_config)
TREE := $(CURDIR)/build/pg
TREE_CONFIG = $(shell test/tools/tree.sh config)

# PGXS compiles LLVM bitcode without our C++ flags, and it would not help: the hot path is native code.
override with_llvm := no
# Up to PostgreSQL 15 PGDLLEXPORT is empty on Linux, which hides the magic block under -fvisibility=hidden.
PG_CPPFLAGS = -Isrc '-DPGDLLEXPORT=__attribute__((visibility("default")))' -DKPI_VERSION='"$(EXTVERSION)"'
PG_CXXFLAGS = -std=c++20 -O2 -g -Wall -Wextra -Wshadow -Wno-register -Wno-missing-field-initializers \
	-fvisibility=hidden -fvisibility-inlines-hidden -MMD -MP $(WERROR)
SHLIB_LINK = -lfmt -lstdc++

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

-include $(SOURCES:.cpp=.d)

$(SCRIPT): $(SQL_PARTS) kpi_ext.control
	cat $(SQL_PARTS) > $@

# --- the private PostgreSQL tree: a relocated copy, so that no test touches the machine's own server
.PHONY: tree dev server psql stop
tree:
	test/tools/tree.sh make

# Build and install into the private tree.
dev: tree
	$(MAKE) --no-print-directory PG_CONFIG=$$(test/tools/tree.sh config) all
	$(MAKE) --no-print-directory PG_CONFIG=$$(test/tools/tree.sh config) install >/dev/null

# A throw-away server of your own with the extension: start (again after a rebuild), shell, stop.
server: dev
	test/tools/cluster.py stop dev
	test/tools/cluster.py start dev --preload --database kpi
psql:
	test/tools/cluster.py psql dev kpi
stop:
	test/tools/cluster.py stop dev

# Tests on servers of their own (TESTS='file -k word' for some).
.PHONY: cluster
cluster: dev
	cd test/cluster && /usr/bin/python3 -m pytest -q -p no:cacheprovider $(TESTS)
