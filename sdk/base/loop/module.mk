# SPDX-License-Identifier: Apache-2.0
LIBS += loop
loop_SRCS := sdk/base/loop/loop.c sdk/base/loop/descriptors.c sdk/base/loop/watch.c
loop_PIC := 1
loop_PKGS := libevent_core
loop_LIBS := base

TESTS += watch_test
watch_test_SRCS := sdk/base/loop/tests/watch_test.c sdk/tests/loop_heap.c
watch_test_LIBS := loop
TSAN_TESTS += watch_test
