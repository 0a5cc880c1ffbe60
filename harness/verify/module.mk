# SPDX-License-Identifier: Apache-2.0
LIBS += verify
verify_SRCS := harness/verify/verify.c harness/verify/check.c harness/verify/claims.c \
               harness/verify/result.c harness/verify/facts/table.c harness/verify/facts/facts.c \
               harness/verify/facts/ledger.c harness/verify/facts/link.c \
               harness/verify/facts/content.c harness/verify/facts/receive.c \
               harness/verify/judge/input.c harness/verify/judge/delivery.c \
               harness/verify/judge/counters.c harness/verify/judge/spans.c \
               harness/verify/judge/propagation.c harness/verify/judge/edges.c \
               harness/verify/judge/sampling.c harness/verify/judge/ratio.c harness/verify/judge/share.c \
               harness/verify/judge/traces.c harness/verify/judge/resource.c \
               harness/verify/judge/baggage.c harness/verify/judge/clock.c \
               harness/verify/judge/pipeline.c harness/verify/judge/tail.c harness/verify/judge/foreign.c \
               harness/verify/judge/players.c harness/verify/judge/recordings.c \
               harness/verify/facts/context.c harness/verify/facts/agents.c harness/verify/judge/agents.c \
               harness/verify/exemplar.c harness/verify/series.c harness/verify/logs.c \
               harness/verify/namer/handlings.c harness/verify/namer/namer.c harness/verify/namer/tell.c \
               harness/verify/namer/json.c \
               harness/verify/path/path.c harness/verify/path/paths.c harness/verify/path/look.c \
               harness/verify/path/json.c harness/verify/path/trace.c
verify_SRCS += $(addprefix harness/verify/tail/, as_version.c before.c before_actions.c \
                 before_filter.c before_function.c before_glob.c before_match.c before_replace.c \
                 before_share.c before_statements.c before_target.c before_untouched.c compare.c draft.c leaf.c \
                 opinions.c oracle.c ottl.c ottl_number.c ottl_value.c read.c read_json.c rules.c way.c)
verify_LIBS := ledger stats col_wire yaml base
verify_PKGS := jansson libpcre2-8 libcrypto

WORLD_SRCS := harness/verify/tests/world_scenario.c harness/verify/tests/world_model.c \
              harness/verify/tests/world_write.c

TESTS += verify_delivery_test
verify_delivery_test_SRCS := harness/verify/tests/delivery_test.c \
                             harness/verify/tests/players.c $(WORLD_SRCS)
verify_delivery_test_LIBS := verify otlp_pb

TESTS += verify_hops_test
verify_hops_test_SRCS := harness/verify/tests/hops_test.c \
                             harness/verify/tests/players.c $(WORLD_SRCS)
verify_hops_test_LIBS := verify otlp_pb

TESTS += verify_agents_test
verify_agents_test_SRCS := harness/verify/tests/agents_test.c harness/verify/tests/players.c $(WORLD_SRCS)
verify_agents_test_LIBS := verify otlp_pb

TESTS += verify_tell_test
verify_tell_test_SRCS := harness/verify/tests/tell_test.c $(WORLD_SRCS)
verify_tell_test_LIBS := verify otlp_pb

TESTS += verify_recordings_test
verify_recordings_test_SRCS := harness/verify/tests/recordings_test.c $(WORLD_SRCS)
verify_recordings_test_LIBS := verify otlp_pb

BENCHES += verify_bench
verify_bench_SRCS := harness/verify/bench/verify_bench.c $(WORLD_SRCS)
verify_bench_LIBS := verify otlp_pb

TESTS += verify_facts_test
verify_facts_test_SRCS := harness/verify/tests/facts_test.c $(WORLD_SRCS)
verify_facts_test_LIBS := verify otlp_pb

FUZZERS += fuzz_context
fuzz_context_SRCS := harness/verify/tests/fuzz_context.c ci/fuzz-main.c
fuzz_context_LIBS := verify

TESTS += namer_test
namer_test_SRCS := harness/verify/tests/namer_test.c
namer_test_LIBS := verify

TESTS += verify_foreign_test
verify_foreign_test_SRCS := harness/verify/tests/foreign_test.c
verify_foreign_test_LIBS := verify

TESTS += path_test
path_test_SRCS := harness/verify/tests/path_test.c
path_test_LIBS := verify

TESTS += tail_oracle_test
tail_oracle_test_SRCS := harness/verify/tests/tail_oracle_test.c harness/verify/tests/tail_life.c \
                         collector-mock/processors/tests/tail_world.c
tail_oracle_test_LIBS := verify collector

TESTS += tail_before_test
tail_before_test_SRCS := harness/verify/tests/tail_before_test.c harness/verify/tests/before_spans.c \
                         collector-mock/processors/tests/proc_world.c \
                         collector-mock/processors/tests/tail_world.c
tail_before_test_LIBS := verify collector

TESTS += tail_version_test
tail_version_test_SRCS := harness/verify/tests/tail_version_test.c \
                          harness/verify/tests/tail_life.c \
                          collector-mock/processors/tests/tail_world.c
tail_version_test_LIBS := verify collector

TESTS += tail_read_test
tail_read_test_SRCS := harness/verify/tests/tail_read_test.c
tail_read_test_LIBS := verify

TESTS += tail_judge_test
tail_judge_test_SRCS := harness/verify/tests/tail_judge_test.c $(WORLD_SRCS)
tail_judge_test_LIBS := verify otlp_pb

TESTS += tail_way_test
tail_way_test_SRCS := harness/verify/tests/tail_way_test.c
tail_way_test_LIBS := verify

FUZZERS += fuzz_tail
fuzz_tail_SRCS := harness/verify/tests/fuzz_tail.c ci/fuzz-main.c
fuzz_tail_LIBS := verify

FUZZERS += fuzz_share
fuzz_share_SRCS := harness/verify/tests/fuzz_share.c ci/fuzz-main.c
fuzz_share_LIBS := verify collector
