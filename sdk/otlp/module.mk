# SPDX-License-Identifier: Apache-2.0
LIBS += otlp
otlp_SRCS := sdk/otlp/value.c sdk/otlp/read.c sdk/otlp/batch.c
otlp_PIC := 1
otlp_LIBS := otel_api base

TESTS += otlp_test
otlp_test_SRCS := sdk/otlp/tests/otlp_test.c
otlp_test_LIBS := sdk_rig otlp_pb

FUZZERS += fuzz_span_read
fuzz_span_read_SRCS := sdk/otlp/tests/fuzz_span_read.c ci/fuzz-main.c
fuzz_span_read_LIBS := processor trace
