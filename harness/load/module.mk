# SPDX-License-Identifier: Apache-2.0
LIBS += load
load_SRCS := harness/load/plan.c harness/load/request.c harness/load/response.c \
             harness/load/target.c harness/load/series.c harness/load/totals.c \
             harness/load/queue.c harness/load/flight.c harness/load/conn.c harness/load/pace.c \
             harness/load/gen.c harness/load/report.c harness/load/print.c \
             harness/load/command.c harness/load/client.c
load_LIBS := scenario stats ledger child base
load_PKGS := libevent_core jansson

TESTS += load_response_test
load_response_test_SRCS := harness/load/tests/load_response_test.c
load_response_test_LIBS := load

TESTS += load_plan_test
load_plan_test_SRCS := harness/load/tests/load_plan_test.c
load_plan_test_LIBS := load

FUZZERS += fuzz_load_response
fuzz_load_response_SRCS := harness/load/tests/fuzz_load_response.c ci/fuzz-main.c
fuzz_load_response_LIBS := load
