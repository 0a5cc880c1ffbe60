# SPDX-License-Identifier: Apache-2.0
LIBS += ledger
ledger_SRCS := harness/ledger/canon.c
ledger_LIBS := base

TESTS += canon_test
canon_test_SRCS := harness/ledger/tests/canon_test.c
canon_test_LIBS := ledger
