# SPDX-License-Identifier: Apache-2.0
PROGS += tracerig
tracerig_SRCS := harness/cli/main.c harness/cli/commands.c harness/cli/usage.c
tracerig_LIBS := base
