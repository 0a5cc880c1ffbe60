# SPDX-License-Identifier: Apache-2.0
LIBS += col_wire
col_wire_SRCS := collector-mock/wire/field.c collector-mock/wire/value.c \
                 collector-mock/wire/span.c collector-mock/wire/traces.c \
                 collector-mock/wire/tap.c collector-mock/wire/tap_write.c \
                 collector-mock/wire/regroup.c collector-mock/wire/json.c \
                 collector-mock/wire/json_lex.c collector-mock/wire/json_schema.c \
                 collector-mock/wire/deal.c \
                 collector-mock/wire/signal.c collector-mock/wire/logs.c \
                 collector-mock/wire/metrics.c collector-mock/wire/point.c
col_wire_LIBS := base

TESTS += col_traces_test
col_traces_test_SRCS := collector-mock/wire/tests/traces_test.c \
                        collector-mock/wire/tests/compare.c
col_traces_test_LIBS := col_wire otlp_pb base

TESTS += col_attribute_test
col_attribute_test_SRCS := collector-mock/wire/tests/attribute_test.c
col_attribute_test_LIBS := col_wire base

TESTS += col_span_test
col_span_test_SRCS := collector-mock/wire/tests/span_test.c
col_span_test_LIBS := col_wire base

TESTS += col_json_test
col_json_test_SRCS := collector-mock/wire/tests/json_test.c collector-mock/wire/tests/compare.c
col_json_test_LIBS := col_wire otlp_pb base

TESTS += col_deal_test
col_deal_test_SRCS := collector-mock/wire/tests/deal_test.c
col_deal_test_LIBS := col_wire base

TESTS += col_signals_test
col_signals_test_SRCS := collector-mock/wire/tests/signals_test.c \
                         collector-mock/wire/tests/witness.c
col_signals_test_LIBS := col_wire otlp_pb base

TESTS += col_tap_test
col_tap_test_SRCS := collector-mock/wire/tests/tap_test.c
col_tap_test_LIBS := col_wire base

FUZZERS += fuzz_col_otlp
fuzz_col_otlp_SRCS := collector-mock/wire/tests/fuzz_col_otlp.c \
                      collector-mock/wire/tests/compare.c ci/fuzz-main.c
fuzz_col_otlp_LIBS := col_wire otlp_pb base

FUZZERS += fuzz_col_signals
fuzz_col_signals_SRCS := collector-mock/wire/tests/fuzz_col_signals.c \
                         collector-mock/wire/tests/witness.c ci/fuzz-main.c
fuzz_col_signals_LIBS := col_wire otlp_pb base

FUZZERS += fuzz_col_tap
fuzz_col_tap_SRCS := collector-mock/wire/tests/fuzz_col_tap.c ci/fuzz-main.c
fuzz_col_tap_LIBS := col_wire base

FUZZERS += fuzz_col_json
fuzz_col_json_SRCS := collector-mock/wire/tests/fuzz_col_json.c ci/fuzz-main.c
fuzz_col_json_LIBS := col_wire otlp_pb base
