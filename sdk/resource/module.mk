# SPDX-License-Identifier: Apache-2.0
LIBS += resource
resource_SRCS := sdk/resource/resource.c sdk/resource/environment.c sdk/resource/pairs.c \
                 sdk/resource/detect.c sdk/resource/detect_text.c
resource_PIC := 1
resource_LIBS := otlp otel_api base

TESTS += resource_test detect_test
detect_test_SRCS := sdk/resource/tests/detect_test.c
detect_test_LIBS := resource
resource_test_SRCS := sdk/resource/tests/resource_test.c
resource_test_LIBS := resource

FUZZERS += fuzz_detect
fuzz_detect_SRCS := sdk/resource/tests/fuzz_detect.c ci/fuzz-main.c
fuzz_detect_LIBS := resource
