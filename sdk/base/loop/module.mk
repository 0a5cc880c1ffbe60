# SPDX-License-Identifier: Apache-2.0
LIBS += loop
loop_SRCS := sdk/base/loop/loop.c sdk/base/loop/descriptors.c
loop_PIC := 1
loop_PKGS := libevent_core
loop_LIBS := base
