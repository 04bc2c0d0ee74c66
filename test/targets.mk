# The targets of the Makefile that do not build: the private server tree, the suites, the demo, upkeep.
.PHONY: $(OURS)

# --- the private PostgreSQL tree: a relocated copy, so that no test touches the machine's own server
packages:
	@test/tools/packages.sh
tree: packages
	@test/tools/tree.sh make

# Two compilers at once, unless the caller said how many.
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j2)

# Build and install into the private tree. KPI_BUILT=1: that has been done (check.sh); suites that run side by side must not
# replace the library under each other's servers.
ifdef KPI_BUILT
dev test-modules deliverer web:
else
dev: tree
	@$(MAKE) --no-print-directory -s $(JOBS) OPT=$(if $(filter file,$(origin OPT)),-O0,$(OPT)) PG_CONFIG=$$(test/tools/tree.sh config) all
	@$(MAKE) --no-print-directory -s PG_CONFIG=$$(test/tools/tree.sh config) install >/dev/null

# Extensions that only tests use (test/modules/<name>), in the private tree and nowhere else.
test-modules: dev
	@for module in $(wildcard test/modules/*/Makefile); do \
		$(MAKE) --no-print-directory -s -C $$(dirname $$module) PG_CONFIG=$$(test/tools/tree.sh config) install >/dev/null || exit 1; \
	done

# What the tests of sinks drive instead of a server.
deliverer: packages
	@mkdir -p build && cmake -S . -B build/unit -DCMAKE_BUILD_TYPE=Test >build/wire.log && cmake --build build/unit --target kpi_deliver kpi_render -j 2 >>build/wire.log || \
		{ tail -30 build/wire.log; exit 1; }

# kpi_web, the program that serves the page and the API: build/web/kpi_web.
web: packages
	@mkdir -p build && cmake -S . -B build/web -DCMAKE_BUILD_TYPE=$(or $(WEB_BUILD),Test) -DCMAKE_CXX_FLAGS_TEST="-O0 -g1" >build/web.log && cmake --build build/web --target kpi_web -j 2 >>build/web.log || \
		{ grep -E 'error' -A 5 build/web.log | head -60; exit 1; }
endif

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
# Every suite runs, whatever fails, two side by side; the last line is the sum.
check: packages
	@test/tools/check.sh $(SUITES)
# What a change breaks most often: lint without clang-tidy, the floors, the public surface, and of each part of the extension
# the tests of its main promise.
QUICK_PGTAP = capture_statements capture_values capture_own_changes rollup_repair rollup_sums reading_truth reading_shape \
	expressions rights rights_traces outbox anomalies refused surface
quick: packages
	@KPI_NO_TIDY=1 QUICK=1 test/tools/check.sh lint unit pgtap regress
lint: tree
	@test/tools/lint.sh
unit asan: packages
	@test/tools/unit.sh $@ $(TESTS)
regress isolation pgtap docs-check cluster: test-modules
	@test/tools/suite.py $@ $(or $(TESTS),$(if $(QUICK),$(if $(filter pgtap,$@),$(QUICK_PGTAP))))

wire: deliverer
	@test/tools/suite.py wire $(TESTS)
web-check: dev web page deliverer
	@test/tools/suite.py web-check $(TESTS)

# The live page of kpi_web, into build/page; and its unit tests, without a server.
page: packages
	@test/tools/page.sh build
page-check: packages
	@test/tools/page.sh check

# The tests of the s3 sink once more, against Ceph's radosgw: a cluster of one node in build/ceph while they run. Not part of
# check: its packages take 280 MB.
check-s3-ceph: deliverer
	@test/tools/packages.sh packages-ceph.txt
	@KPI_S3_SERVER=ceph test/tools/suite.py wire $(or $(TESTS),test_s3.py)

# libFuzzer over the floors, SECONDS_EACH=60 a target; not part of check. Needs clang-14 and libclang-rt-14-dev.
fuzz: packages
	@command -v clang++-14 >/dev/null || { echo "install clang-14 and libclang-rt-14-dev first"; exit 1; }
	@cmake -S . -B build/fuzz -DKPI_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++-14 >/dev/null
	@for source in $(wildcard test/fuzz/*.cpp); do name=fuzz_$$(basename $$source .cpp); \
		cmake --build build/fuzz --target $$name -j 2 >/dev/null && mkdir -p build/fuzz/$$name.corpus && \
		build/fuzz/$$name -max_total_time=$${SECONDS_EACH:-60} -artifact_prefix=build/fuzz/ build/fuzz/$$name.corpus || exit 1; \
	done

# --- the demo: a server that stays until demo-stop
demo: dev web
	@test/tools/page.sh build || echo "the page could not be built: the demo goes on without it"
	@demo/run
demo-stop:
	@demo/web.py stop
	@test/tools/cluster.py stop demo

# --- upkeep
docs: dev
	@test/tools/reference.py
prometheus: dev
	@test/tools/prometheus_rules.py
fmt:
	@files=$$(find src test bench -name '*.[ch]pp' 2>/dev/null); test/tools/wrap.py $$files; clang-format-14 -i $$files

# Stops every server this checkout started, by its pid, and removes all that was built.
clean:
	@demo/web.py stop
	@test/tools/cluster.py stop-all
	@rm -rf "$$(test/tools/tree.sh place)" build
	@rm -f $(OBJS) $(SOURCES:.cpp=.d) kpi_ext.so $(SCRIPT)
	@rm -rf src/web/page/node_modules
	@find test/modules -name '*.o' -delete -o -name '*.so' -delete
