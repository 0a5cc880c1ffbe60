# SPDX-License-Identifier: Apache-2.0
LIBS += verify
verify_SRCS := harness/verify/verify.c harness/verify/check.c harness/verify/claims.c \
               harness/verify/result.c harness/verify/facts/table.c harness/verify/facts/facts.c \
               harness/verify/facts/ledger.c harness/verify/facts/link.c \
               harness/verify/facts/content.c harness/verify/facts/receive.c \
               harness/verify/judge/input.c harness/verify/judge/delivery.c \
               harness/verify/judge/counters.c harness/verify/judge/spans.c
verify_LIBS := ledger stats col_wire base
verify_PKGS := jansson

WORLD_SRCS := harness/verify/tests/world_scenario.c harness/verify/tests/world_model.c \
              harness/verify/tests/world_write.c

TESTS += verify_players_test
verify_players_test_SRCS := harness/verify/tests/players_test.c $(WORLD_SRCS)
verify_players_test_LIBS := verify otlp_pb
