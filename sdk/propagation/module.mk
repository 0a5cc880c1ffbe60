# SPDX-License-Identifier: Apache-2.0
LIBS += propagation
propagation_SRCS := sdk/propagation/traceparent.c sdk/propagation/baggage_text.c \
                    sdk/propagation/carrier.c sdk/propagation/tracecontext.c \
                    sdk/propagation/baggage.c sdk/propagation/w3c.c sdk/propagation/vendor.c \
                    sdk/propagation/prefixed.c sdk/propagation/b3.c sdk/propagation/jaeger.c \
                    sdk/propagation/xray.c sdk/propagation/datadog.c sdk/propagation/ottrace.c \
                    sdk/propagation/environment.c sdk/propagation/header_list.c
propagation_PIC := 1
propagation_LIBS := otel_api base

TESTS += header_carrier_test kafka_carrier_test
header_carrier_test_SRCS := sdk/propagation/tests/header_carrier_test.c
header_carrier_test_LIBS := propagation
kafka_carrier_test_SRCS := sdk/propagation/tests/kafka_carrier_test.c
kafka_carrier_test_LIBS := propagation
kafka_carrier_test_PKGS := rdkafka
TESTS += tracecontext_test baggage_propagation_test vendor_propagators_test environment_carrier_test
tracecontext_test_SRCS := sdk/propagation/tests/tracecontext_test.c
tracecontext_test_LIBS := propagation sdk_rig
baggage_propagation_test_SRCS := sdk/propagation/tests/baggage_test.c
baggage_propagation_test_LIBS := propagation sdk_rig
vendor_propagators_test_SRCS := sdk/propagation/tests/vendor_test.c
vendor_propagators_test_LIBS := propagation
environment_carrier_test_SRCS := sdk/propagation/tests/environment_test.c
environment_carrier_test_LIBS := propagation

FUZZERS += fuzz_traceparent fuzz_tracecontext fuzz_baggage fuzz_vendor fuzz_environment
FUZZERS += fuzz_headers
fuzz_headers_SRCS := sdk/propagation/tests/fuzz_headers.c ci/fuzz-main.c
fuzz_headers_LIBS := propagation
fuzz_environment_SRCS := sdk/propagation/tests/fuzz_environment.c ci/fuzz-main.c
fuzz_environment_LIBS := propagation
fuzz_traceparent_SRCS := sdk/propagation/tests/fuzz_traceparent.c ci/fuzz-main.c
fuzz_traceparent_LIBS := propagation
fuzz_tracecontext_SRCS := sdk/propagation/tests/fuzz_tracecontext.c ci/fuzz-main.c
fuzz_tracecontext_LIBS := propagation
fuzz_baggage_SRCS := sdk/propagation/tests/fuzz_baggage.c ci/fuzz-main.c
fuzz_baggage_LIBS := propagation
fuzz_vendor_SRCS := sdk/propagation/tests/fuzz_vendor.c ci/fuzz-main.c
fuzz_vendor_LIBS := propagation
