# SPDX-License-Identifier: Apache-2.0
LIBS += exporter
exporter_SRCS := sdk/exporter/otlp.c sdk/exporter/otlp_export.c sdk/exporter/otlp_response.c \
                 sdk/exporter/otlp_http.c sdk/exporter/otlp_grpc.c sdk/exporter/headers.c
exporter_PIC := 1
exporter_PKGS := libevent_core
exporter_LIBS := transport otlp loop otel_api base

TESTS += otlp_exporter_test otlp_life_test otlp_options_test
otlp_exporter_test_SRCS := sdk/exporter/tests/otlp_test.c sdk/exporter/tests/rig.c \
                           sdk/transport/tests/server.c
otlp_exporter_test_LIBS := exporter processor otlp_pb
otlp_life_test_SRCS := sdk/exporter/tests/otlp_life_test.c sdk/exporter/tests/rig.c \
                       sdk/transport/tests/server.c
otlp_life_test_LIBS := exporter processor otlp_pb
otlp_options_test_SRCS := sdk/exporter/tests/otlp_options_test.c
otlp_options_test_LIBS := exporter processor
TSAN_TESTS += otlp_exporter_test otlp_life_test

FUZZERS += fuzz_otlp_response
fuzz_otlp_response_SRCS := sdk/exporter/tests/fuzz_otlp_response.c ci/fuzz-main.c
fuzz_otlp_response_LIBS := exporter processor
