# SPDX-License-Identifier: Apache-2.0
LIBS += ledger
ledger_SRCS := harness/ledger/canon.c harness/ledger/map.c harness/ledger/writer.c \
               harness/ledger/drops.c harness/ledger/segment.c harness/ledger/reader.c
ledger_LIBS := base

TESTS += canon_test
canon_test_SRCS := harness/ledger/tests/canon_test.c
canon_test_LIBS := ledger

TESTS += ledger_writer_test
ledger_writer_test_SRCS := harness/ledger/tests/writer_test.c
ledger_writer_test_LIBS := ledger
TSAN_TESTS += ledger_writer_test

TESTS += ledger_reader_test
ledger_reader_test_SRCS := harness/ledger/tests/reader_test.c
ledger_reader_test_LIBS := ledger

FUZZERS += fuzz_ledger
fuzz_ledger_SRCS := harness/ledger/tests/fuzz_ledger.c ci/fuzz-main.c
fuzz_ledger_LIBS := ledger
