# SPDX-License-Identifier: Apache-2.0
LIBS += otlp
otlp_SRCS := sdk/otlp/value.c sdk/otlp/read.c sdk/otlp/batch.c sdk/otlp/json.c \
             sdk/otlp/copy.c sdk/otlp/entity.c
otlp_PIC := 1
otlp_LIBS := otel_api base

TESTS += otlp_test otlp_json_test
otlp_json_test_SRCS := sdk/otlp/tests/json_test.c
otlp_json_test_LIBS := sdk_rig
otlp_json_test_PKGS := jansson
otlp_test_SRCS := sdk/otlp/tests/otlp_test.c
otlp_test_LIBS := sdk_rig otlp_pb

FUZZERS += fuzz_span_read fuzz_json
fuzz_json_SRCS := sdk/otlp/tests/fuzz_json.c ci/fuzz-main.c
fuzz_json_LIBS := otlp col_wire
fuzz_json_PKGS := jansson
fuzz_span_read_SRCS := sdk/otlp/tests/fuzz_span_read.c ci/fuzz-main.c
fuzz_span_read_LIBS := processor trace
