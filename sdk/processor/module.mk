# SPDX-License-Identifier: Apache-2.0
LIBS += processor
processor_SRCS := sdk/processor/queue.c sdk/processor/batch.c sdk/processor/worker.c \
                  sdk/processor/account.c sdk/processor/simple.c \
                  sdk/exporter/memory.c
processor_PIC := 1
processor_PKGS := libevent_core
processor_LIBS := loop trace otlp otel_api base

TESTS += batch_test
batch_test_SRCS := sdk/processor/tests/batch_test.c
batch_test_LIBS := sdk_rig
TSAN_TESTS += batch_test

TESTS += queue_memory_test
queue_memory_test_SRCS := sdk/processor/tests/queue_memory_test.c
queue_memory_test_LIBS := sdk_rig

TESTS += lanes_test
lanes_test_SRCS := sdk/processor/tests/lanes_test.c
lanes_test_LIBS := sdk_rig
TSAN_TESTS += lanes_test

TESTS += stuck_test
stuck_test_SRCS := sdk/processor/tests/stuck_test.c
stuck_test_LIBS := sdk_rig
TSAN_TESTS += stuck_test

TESTS += no_timer_test
no_timer_test_SRCS := sdk/processor/tests/no_timer_test.c
no_timer_test_LIBS := sdk_rig
TSAN_TESTS += no_timer_test

# Only without sanitizers, whose own system calls its filter would catch.
SCRIPT_TESTS += sdk/processor/tests/full_queue.sh
ifeq ($(filter asan tsan,$(MODE)),)
TESTS += full_queue_test
endif
full_queue_test_SRCS := sdk/processor/tests/full_queue_test.c
full_queue_test_LIBS := sdk_rig

TESTS += simple_test
simple_test_SRCS := sdk/processor/tests/simple_test.c
simple_test_LIBS := sdk_rig
TSAN_TESTS += simple_test

TESTS += own_exporter_test
own_exporter_test_SRCS := sdk/processor/tests/own_exporter_test.c
own_exporter_test_LIBS := sdk_rig
TSAN_TESTS += own_exporter_test

TESTS += processor_metrics_test
processor_metrics_test_SRCS := sdk/processor/tests/metrics_test.c
processor_metrics_test_LIBS := sdk_rig
TSAN_TESTS += processor_metrics_test
