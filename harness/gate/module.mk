# SPDX-License-Identifier: Apache-2.0
# threshold: what a scenario needs to read a threshold. gate: to judge and compare reports.
LIBS += threshold
threshold_SRCS := harness/gate/threshold.c harness/gate/figure.c
threshold_LIBS := represource base
threshold_PKGS := jansson

LIBS += gate
gate_SRCS := harness/gate/judge.c harness/gate/runs.c harness/gate/measures.c \
             harness/gate/environment.c harness/gate/checks.c harness/gate/compare.c \
             harness/gate/compare_print.c
gate_LIBS := threshold reports stats yaml base
gate_PKGS := jansson

TESTS += threshold_test
threshold_test_SRCS := harness/gate/tests/threshold_test.c
threshold_test_LIBS := gate

TESTS += compare_test
compare_test_SRCS := harness/gate/tests/compare_test.c
compare_test_LIBS := gate

TESTS += runs_test
runs_test_SRCS := harness/gate/tests/runs_test.c
runs_test_LIBS := gate

FUZZERS += fuzz_threshold
fuzz_threshold_SRCS := harness/gate/tests/fuzz_threshold.c ci/fuzz-main.c
fuzz_threshold_LIBS := threshold base
