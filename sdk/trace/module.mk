# SPDX-License-Identifier: Apache-2.0
LIBS += trace
trace_SRCS := sdk/trace/pool.c sdk/trace/local.c sdk/trace/time.c sdk/trace/body.c \
              sdk/trace/attribute.c sdk/trace/record.c sdk/trace/start.c sdk/trace/span.c \
              sdk/trace/readable.c sdk/trace/tracer.c sdk/trace/provider.c sdk/trace/control.c \
              sdk/trace/metrics.c
trace_PIC := 1
trace_LIBS := sampler resource otlp otel_api base

TESTS += span_test
span_test_SRCS := sdk/trace/tests/span_test.c
span_test_LIBS := sdk_rig

TESTS += attribute_test
attribute_test_SRCS := sdk/trace/tests/attribute_test.c
attribute_test_LIBS := sdk_rig

TESTS += provider_test
TSAN_TESTS += provider_test
provider_test_SRCS := sdk/trace/tests/provider_test.c
provider_test_LIBS := sdk_rig

TESTS += optional_test
optional_test_SRCS := sdk/trace/tests/optional_test.c
optional_test_LIBS := sdk_rig

TESTS += thread_test
thread_test_SRCS := sdk/trace/tests/thread_test.c
thread_test_LIBS := sdk_rig
TSAN_TESTS += thread_test

# Not under TSan: it stops a child that starts a thread after a fork of a process with threads
# ("starting new threads after multi-threaded fork is not supported"), and the worker of a child
# is one. The locks that a fork takes are seen by TSan in thread_test and exporter_threads_test.
TESTS += fork_test
fork_test_SRCS := sdk/trace/tests/fork_test.c
fork_test_LIBS := sdk_rig

TESTS += exit_test
exit_test_SRCS := sdk/trace/tests/exit_test.c
exit_test_LIBS := sdk_rig
TSAN_TESTS += exit_test

TESTS += scope_test
scope_test_SRCS := sdk/trace/tests/scope_test.c
scope_test_LIBS := sdk_rig

TESTS += parent_test
parent_test_SRCS := sdk/trace/tests/parent_test.c
parent_test_LIBS := sdk_rig

TESTS += span_metrics_test
span_metrics_test_SRCS := sdk/trace/tests/metrics_test.c
span_metrics_test_LIBS := sdk_rig
TSAN_TESTS += span_metrics_test
