# SPDX-License-Identifier: Apache-2.0
LIBS += instrument
instrument_SRCS := sdk/instrument/log_correlation.c
instrument_PIC := 1
instrument_LIBS := otel_api

TESTS += log_correlation_test
log_correlation_test_SRCS := sdk/instrument/tests/log_correlation_test.c
log_correlation_test_LIBS := instrument
