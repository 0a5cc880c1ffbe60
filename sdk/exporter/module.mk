# SPDX-License-Identifier: Apache-2.0
LIBS += exporter
exporter_SRCS := sdk/exporter/otlp.c sdk/exporter/otlp_export.c sdk/exporter/otlp_response.c \
                 sdk/exporter/otlp_http.c sdk/exporter/otlp_grpc.c sdk/exporter/headers.c \
                 sdk/exporter/json_response.c sdk/exporter/file.c sdk/exporter/console.c \
                 sdk/exporter/outflow.c
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
TESTS += otlp_http_json_test file_exporter_test
otlp_http_json_test_SRCS := sdk/exporter/tests/http_json_test.c sdk/exporter/tests/rig.c \
                            sdk/transport/tests/server.c
otlp_http_json_test_LIBS := exporter processor otlp_pb
otlp_http_json_test_PKGS := jansson
file_exporter_test_SRCS := sdk/exporter/tests/file_test.c
file_exporter_test_LIBS := exporter sdk_rig otlp_pb
file_exporter_test_PKGS := jansson
TSAN_TESTS += otlp_exporter_test otlp_life_test
TESTS += full_pipe_test outflow_test
outflow_test_SRCS := sdk/exporter/tests/outflow_test.c sdk/tests/loop_heap.c
outflow_test_LIBS := exporter processor
full_pipe_test_SRCS := sdk/exporter/tests/full_pipe_test.c
full_pipe_test_LIBS := exporter sdk_rig
full_pipe_test_PKGS := jansson
TSAN_TESTS += full_pipe_test

FUZZERS += fuzz_otlp_response
fuzz_otlp_response_SRCS := sdk/exporter/tests/fuzz_otlp_response.c ci/fuzz-main.c
fuzz_otlp_response_LIBS := exporter processor
FUZZERS += fuzz_json_response
fuzz_json_response_SRCS := sdk/exporter/tests/fuzz_json_response.c ci/fuzz-main.c
fuzz_json_response_LIBS := exporter processor
fuzz_json_response_PKGS := jansson

TESTS += allocator_test
allocator_test_SRCS := sdk/exporter/tests/allocator_test.c sdk/exporter/tests/rig.c \
                       sdk/transport/tests/server.c
allocator_test_LIBS := exporter sdk_rig otlp_pb
allocator_test_PKGS := zlib

TESTS += every_nth_test
every_nth_test_SRCS := sdk/exporter/tests/every_nth_test.c sdk/exporter/tests/life.c \
                       sdk/transport/tests/server.c \
                       sdk/transport/tests/grpc_server.c sdk/transport/tests/grpc_thread.c
every_nth_test_LIBS := exporter sdk_rig

# Sixteen threads, the real exporters, servers in the process.
TESTS += exporter_threads_test
exporter_threads_test_SRCS := sdk/exporter/tests/threads_test.c sdk/exporter/tests/rig.c \
                              sdk/transport/tests/server.c sdk/transport/tests/grpc_server.c \
                              sdk/transport/tests/grpc_thread.c
exporter_threads_test_LIBS := exporter processor otlp_pb
exporter_threads_test_PKGS := zlib
TSAN_TESTS += exporter_threads_test

TESTS += otlp_metrics_test
otlp_metrics_test_SRCS := sdk/exporter/tests/otlp_metrics_test.c sdk/exporter/tests/rig.c \
                          sdk/transport/tests/server.c \
                          sdk/transport/tests/grpc_server.c sdk/transport/tests/grpc_thread.c
otlp_metrics_test_LIBS := exporter sdk_rig otlp_pb
otlp_metrics_test_PKGS := zlib
TSAN_TESTS += otlp_metrics_test
