# SPDX-License-Identifier: Apache-2.0
LIBS += child
child_SRCS := harness/topology/child.c
child_LIBS := base
child_PKGS := libevent_core jansson

TESTS += child_test
child_test_SRCS := harness/topology/tests/child_test.c
child_test_LIBS := child

LIBS += port
port_SRCS := harness/topology/port.c
port_LIBS := base

TESTS += port_test
port_test_SRCS := harness/topology/tests/port_test.c
port_test_LIBS := port

LIBS += role
role_SRCS := harness/topology/role.c
role_LIBS := scenario base
role_PKGS := jansson

LIBS += topology
topology_SRCS := harness/topology/guardian.c harness/topology/guardian_main.c \
                 harness/topology/output.c \
                 harness/topology/fleet.c harness/topology/run.c harness/topology/launch.c \
                 harness/topology/wind_down.c harness/topology/metrics.c \
                 harness/topology/progress.c harness/topology/environment.c \
                 harness/topology/facts.c harness/topology/histograms.c \
                 harness/topology/latency.c \
                 harness/topology/timeline.c harness/topology/restart.c harness/topology/events.c \
                 harness/topology/membership.c \
                 harness/topology/foreign.c harness/topology/program.c harness/topology/agents.c \
                 harness/topology/memory.c
topology_LIBS := scenario stats port base
topology_PKGS := jansson libevent_core rdkafka sqlite3 zlib
topology_CFLAGS = -DTRACERIG_REVISION='"$(shell git describe --always --dirty 2>/dev/null)"'

TESTS += guardian_test
guardian_test_SRCS := harness/topology/tests/guardian_test.c
guardian_test_LIBS := topology

TESTS += memory_test
memory_test_SRCS := harness/topology/tests/memory_test.c
memory_test_LIBS := topology

TESTS += last_output_test
last_output_test_SRCS := harness/topology/tests/last_output_test.c
last_output_test_LIBS := topology

TESTS += incident_test
incident_test_SRCS := harness/topology/tests/incident_test.c
incident_test_LIBS := topology

TESTS += progress_test
progress_test_SRCS := harness/topology/tests/progress_test.c
progress_test_LIBS := topology

TESTS += output_test
output_test_SRCS := harness/topology/tests/output_test.c
output_test_LIBS := topology

TESTS += program_test
program_test_SRCS := harness/topology/tests/program_test.c
program_test_LIBS := topology

TESTS += latency_series_test
latency_series_test_SRCS := harness/topology/tests/latency_test.c
latency_series_test_LIBS := topology

# environment.c is compiled again when the revision that it names has changed.
$(B)/obj/harness/topology/environment.o: $(B)/revision
$(B)/revision: FORCE
	@mkdir -p $(@D)
	@now=$$(git describe --always --dirty 2>/dev/null); [ -f $@ ] && [ "$$now" = "$$(cat $@)" ] || \
	  echo "$$now" > $@
.PHONY: FORCE
