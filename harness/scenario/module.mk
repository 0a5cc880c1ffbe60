# SPDX-License-Identifier: Apache-2.0
LIBS += scenario
scenario_SRCS := harness/scenario/load.c harness/scenario/override.c harness/scenario/schema.c \
                 harness/scenario/resolve.c harness/scenario/fleet.c harness/scenario/foreign.c \
                 harness/scenario/values.c \
                 harness/scenario/steps.c harness/scenario/graph.c harness/scenario/claims.c harness/scenario/arms.c \
                 harness/scenario/thresholds.c harness/scenario/plan.c harness/scenario/warnings.c \
                 harness/scenario/faults.c harness/scenario/fault_order.c harness/scenario/fault_broker.c \
                 harness/scenario/fault_collector.c harness/scenario/adjust.c \
                 harness/scenario/replicas.c harness/scenario/sql.c harness/scenario/agents.c
scenario_LIBS := threshold yaml base
scenario_PKGS := jansson sqlite3

TESTS += scenario_test
scenario_test_SRCS := harness/scenario/tests/scenario_test.c
scenario_test_LIBS := scenario yaml base

FUZZERS += fuzz_scenario
fuzz_scenario_SRCS := harness/scenario/tests/fuzz_scenario.c ci/fuzz-main.c
fuzz_scenario_LIBS := scenario yaml base

TESTS += scenario_faults_test
scenario_faults_test_SRCS := harness/scenario/tests/faults_test.c
scenario_faults_test_LIBS := scenario threshold yaml base

TESTS += scenario_replicas_test
scenario_replicas_test_SRCS := harness/scenario/tests/replicas_test.c
scenario_replicas_test_LIBS := scenario threshold yaml base

TESTS += scenario_agents_test
scenario_agents_test_SRCS := harness/scenario/tests/agents_test.c
scenario_agents_test_LIBS := scenario threshold yaml base
