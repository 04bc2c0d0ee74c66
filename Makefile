# kpi_ext: builds and installs the extension (PGXS); every test target starts here.
#   make            build            make install     into the server of PG_CONFIG
#   make check      everything       make quick       what a change breaks most often, in some minutes
#   make web        kpi_web, the program that serves page and API
#   make demo       the guided tour on real bookings
# Tests alone: make lint | unit | asan | regress | isolation | pgtap | docs-check | wire | web-check | cluster | page-check   (test/README.md)
# By hand:     make server, psql, stop: a throw-away server; make fmt: formatting; make docs: docs/reference.md; make prometheus: prometheus/rules
# `make check`, `make demo` and the suites install missing Debian packages first (root or sudo).
EXTENSION = kpi_ext
MODULE_big = kpi_ext
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" kpi_ext.control)

# kpi_web (src/web) is a program of its own: make web.
SOURCES := $(sort $(shell find src -name '*.cpp' -not -path 'src/web/*'))
OBJS := $(SOURCES:.cpp=.o)
SQL_PARTS := $(sort $(wildcard sql/[0-9]*.sql))
SCRIPT := kpi_ext--$(EXTVERSION).sql
DATA_built = $(SCRIPT)
DATA = $(wildcard sql/upgrade/*.sql)
EXTRA_CLEAN = $(SOURCES:.cpp=.d)

# The machine's server by default; `make dev` and all tests use the private tree under build/.
PG_CONFIG ?= $(shell command -v pg_config || echo pg_config)

# PGXS compiles LLVM bitcode without our C++ flags, and it would not help: the hot path is native code.
override with_llvm := no
# Up to PostgreSQL 15 PGDLLEXPORT is empty on Linux, which hides the magic block under -fvisibility=hidden.
PG_CPPFLAGS = -Isrc '-DPGDLLEXPORT=__attribute__((visibility("default")))' -DKPI_VERSION='"$(EXTVERSION)"'
# What the compiler spends its time on: a release is optimised, tests build without (`make dev OPT=-O2` for benchmarks; after a
# change of OPT: make clean). -g1 still names function and line in every backtrace.
OPT ?= -O2
PG_CXXFLAGS = -std=c++20 $(OPT) -g1 -Wall -Wextra -Wshadow -Wno-register -Wno-missing-field-initializers \
	-fvisibility=hidden -fvisibility-inlines-hidden -MMD -MP $(WERROR)
SHLIB_LINK = -lfmt -lcurl -lcrypto -lyaml-cpp -lxlsxwriter -lstdc++

# PGXS is read for building only: the other targets work before PostgreSQL is installed, and PGXS has names of its own
# for some of them.
# In the order in which `make check` starts them: the longest first.
SUITES = lint cluster asan wire web-check pgtap unit docs-check regress isolation page-check
OURS = packages tree dev test-modules server psql stop check quick $(SUITES) page web deliverer check-s3-ceph fuzz demo demo-stop docs prometheus fmt clean
ifeq ($(filter-out $(OURS),$(or $(MAKECMDGOALS),all)),)
include test/targets.mk
else
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
$(error PostgreSQL's development files are missing: run test/tools/packages.sh, or apt-get install postgresql-server-dev-15)
endif
include $(PGXS)
ifneq ($(shell command -v ccache),)
CXX := ccache $(CXX)
endif
-include $(SOURCES:.cpp=.d)
$(SCRIPT): $(SQL_PARTS) kpi_ext.control
	cat $(SQL_PARTS) > $@
endif
