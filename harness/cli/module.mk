# SPDX-License-Identifier: Apache-2.0
PROGS += tracerig
tracerig_SRCS := harness/cli/main.c harness/cli/commands.c harness/cli/usage.c \
                 harness/cli/scenarios.c harness/cli/list.c harness/cli/validate.c \
                 harness/cli/explain.c harness/cli/run.c harness/cli/run_once.c \
                 harness/cli/run_dir.c harness/cli/judging.c harness/cli/verdict.c harness/cli/judge.c harness/cli/groups.c \
                 harness/cli/verify.c harness/cli/predict.c harness/cli/compare.c harness/cli/set.c
tracerig_LDFLAGS := $(RELOCATABLE)
# One line a room that brings commands.
tracerig_LIBS := scenario base
# For services whose endpoint is https or that are given OTEL_CONFIG_FILE: linked in, as elsewhere
# libotel_sdk would load them.
tracerig_LIBS += tls config_file
tracerig_LDFLAGS += -Wl,-u,otel_sdk_tls_ops_0 -Wl,-u,otel_config_hook_0
tracerig_LIBS += reportcmd
tracerig_LIBS += load
tracerig_LIBS += service broker
tracerig_LIBS += tuning topology verify reports gate
tracerig_LIBS += service broker relay
tracerig_LIBS += topology verify reports gate

TESTS += cli_groups_test
cli_groups_test_SRCS := harness/cli/tests/groups_test.c harness/cli/groups.c
cli_groups_test_LIBS := base
cli_groups_test_PKGS := jansson

TESTS += cli_judge_test
cli_judge_test_SRCS := harness/cli/tests/judge_test.c harness/cli/judge.c
cli_judge_test_LIBS := reports base
cli_judge_test_PKGS := jansson

TESTS += cli_judging_test
cli_judging_test_SRCS := harness/cli/tests/judging_test.c harness/cli/judging.c

SCRIPT_TESTS += harness/cli/tests/cli_test.sh
