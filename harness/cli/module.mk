# SPDX-License-Identifier: Apache-2.0
PROGS += tracerig
tracerig_SRCS := harness/cli/main.c harness/cli/commands.c harness/cli/usage.c \
                 harness/cli/scenarios.c harness/cli/list.c harness/cli/validate.c \
                 harness/cli/explain.c
tracerig_LIBS := scenario reportcmd load base
