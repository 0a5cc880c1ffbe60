# SPDX-License-Identifier: Apache-2.0
LIBS += base
base_SRCS := sdk/base/err.c sdk/base/detail.c sdk/base/mem.c sdk/base/buf.c sdk/base/arena.c \
             sdk/base/clock.c sdk/base/random.c sdk/base/text.c sdk/base/number.c sdk/base/file.c \
             sdk/base/log.c sdk/base/opts.c sdk/base/percent.c sdk/base/library.c \
             sdk/base/json_read.c sdk/base/thread.c sdk/base/pipe.c sdk/base/tell.c
base_PIC := 1

TESTS += base_test
base_test_SRCS := sdk/base/tests/base_test.c
base_test_LIBS := base
