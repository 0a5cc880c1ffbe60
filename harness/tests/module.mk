# SPDX-License-Identifier: Apache-2.0
# The longest first, so that no long one is left alone at the end.
SCRIPT_TESTS += harness/tests/incident.sh harness/tests/incident_planted.sh harness/tests/bad_input.sh \
                harness/tests/cleanup.sh harness/tests/tune.sh harness/tests/conformance.sh \
                harness/tests/foreign_node.sh harness/tests/scenarios.sh harness/tests/overhead.sh \
                harness/tests/validate_overhead.sh harness/tests/foreign.sh harness/tests/foreign_kafka.sh \
                harness/tests/same_seed.sh harness/tests/broken_players.sh harness/tests/fault_scenarios.sh \
                harness/tests/gate.sh harness/tests/tuning_scenarios.sh harness/tests/brief.sh \
                harness/tests/tail_sampling.sh harness/tests/faults.sh harness/tests/batch.sh \
                harness/tests/planted.sh harness/tests/sweep.sh harness/tests/missing_index.sh \
                harness/tests/agents.sh harness/tests/logs.sh harness/tests/w3c.sh

# For same_seed.sh: the rows that a seed decides.
PROGS += ledger-dump
ledger-dump_SRCS := harness/tests/ledger_dump.c
ledger-dump_LIBS := ledger base

# make validate-overhead: costs that are known, measured by the means of overhead:.
PROGS += validate-overhead
validate-overhead_SRCS := harness/tests/validate_overhead.c
validate-overhead_LIBS := tuning topology scenario ledger base
