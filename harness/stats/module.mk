# SPDX-License-Identifier: Apache-2.0
LIBS += stats
stats_SRCS := harness/stats/hdr.c harness/stats/hdr_codec.c harness/stats/hdr_log.c \
              harness/stats/hdr_table.c harness/stats/base64.c harness/stats/summary.c \
              harness/stats/tails.c harness/stats/id_bits.c harness/stats/rank.c harness/stats/paired.c \
              harness/stats/merged.c harness/stats/prom.c
stats_LIBS := base
stats_PKGS := zlib

TESTS += hdr_test
hdr_test_SRCS := harness/stats/tests/hdr_test.c
hdr_test_LIBS := stats

TESTS += stats_test
stats_test_SRCS := harness/stats/tests/stats_test.c
stats_test_LIBS := stats

TESTS += rank_test
rank_test_SRCS := harness/stats/tests/rank_test.c
rank_test_LIBS := stats

FUZZERS += fuzz_hdr
fuzz_hdr_SRCS := harness/stats/tests/fuzz_hdr.c ci/fuzz-main.c
fuzz_hdr_LIBS := stats

TESTS += paired_test
paired_test_SRCS := harness/stats/tests/paired_test.c
paired_test_LIBS := stats

TESTS += merged_test
merged_test_SRCS := harness/stats/tests/merged_test.c
merged_test_LIBS := stats
