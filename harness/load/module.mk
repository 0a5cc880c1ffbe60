# SPDX-License-Identifier: Apache-2.0
LIBS += load
load_SRCS := harness/load/schedule.c harness/load/request.c harness/load/incoming.c harness/load/response.c \
             harness/load/target.c harness/load/series.c harness/load/totals.c \
             harness/load/queue.c harness/load/flight.c harness/load/conn.c harness/load/pace.c \
             harness/load/pauses.c harness/load/gen.c harness/load/report.c harness/load/print.c \
             harness/load/command.c harness/load/client.c
load_LIBS := role scenario stats ledger child base
load_PKGS := libevent_core jansson

TESTS += load_response_test
load_response_test_SRCS := harness/load/tests/load_response_test.c
load_response_test_LIBS := load

TESTS += load_schedule_test
load_schedule_test_SRCS := harness/load/tests/load_schedule_test.c
load_schedule_test_LIBS := load

FUZZERS += fuzz_load_response
fuzz_load_response_SRCS := harness/load/tests/fuzz_load_response.c ci/fuzz-main.c
fuzz_load_response_LIBS := load

TESTS += load_pauses_test
load_pauses_test_SRCS := harness/load/tests/load_pauses_test.c
load_pauses_test_LIBS := load

TESTS += load_totals_test
load_totals_test_SRCS := harness/load/tests/load_totals_test.c
load_totals_test_LIBS := load

TESTS += load_gen_test
load_gen_test_SRCS := harness/load/tests/load_gen_test.c harness/load/tests/test_server.c
load_gen_test_LIBS := load
TSAN_TESTS += load_gen_test

TESTS += load_command_test
load_command_test_SRCS := harness/load/tests/load_command_test.c harness/load/tests/test_server.c \
                         harness/cli/usage.c
load_command_test_LIBS := load repschema

BENCHES += load_bench
load_bench_SRCS := harness/load/bench/load_bench.c
load_bench_LIBS := load
