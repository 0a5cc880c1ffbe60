# SPDX-License-Identifier: Apache-2.0
LIBS += otel_api
otel_api_SRCS := sdk/api/trace_state.c sdk/api/baggage.c sdk/api/context.c sdk/api/noop.c \
                 sdk/api/global.c sdk/api/trace.c sdk/api/propagation.c sdk/api/memory.c \
                 sdk/api/config_provider.c
otel_api_PIC := 1
otel_api_LIBS := base

TESTS += api_test config_provider_test
config_provider_test_SRCS := sdk/api/tests/config_provider_test.c
config_provider_test_LIBS := otel_api
api_test_SRCS := sdk/api/tests/api_test.c
api_test_LIBS := otel_api
