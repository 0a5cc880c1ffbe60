# SPDX-License-Identifier: Apache-2.0
LIBS += resource
resource_SRCS := sdk/resource/resource.c sdk/resource/environment.c sdk/resource/pairs.c
resource_PIC := 1
resource_LIBS := otlp otel_api base

TESTS += resource_test
resource_test_SRCS := sdk/resource/tests/resource_test.c
resource_test_LIBS := resource
