# SPDX-License-Identifier: Apache-2.0
LIBS += ledger
ledger_SRCS := harness/ledger/canon.c harness/ledger/map.c harness/ledger/writer.c \
               harness/ledger/drops.c
ledger_LIBS := base

TESTS += canon_test
canon_test_SRCS := harness/ledger/tests/canon_test.c
canon_test_LIBS := ledger

TESTS += ledger_writer_test
ledger_writer_test_SRCS := harness/ledger/tests/writer_test.c
ledger_writer_test_LIBS := ledger
TSAN_TESTS += ledger_writer_test
