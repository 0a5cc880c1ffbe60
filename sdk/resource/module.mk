# SPDX-License-Identifier: Apache-2.0
LIBS += resource
resource_SRCS := sdk/resource/resource.c sdk/resource/blend.c sdk/resource/environment.c \
                 sdk/resource/pairs.c sdk/resource/entity_list.c sdk/resource/detect.c \
                 sdk/resource/detect_text.c
resource_PIC := 1
resource_LIBS := otlp otel_api base

TESTS += resource_test detect_test entity_test entity_list_test
entity_test_SRCS := sdk/resource/tests/entity_test.c
entity_test_LIBS := resource otlp_pb
entity_list_test_SRCS := sdk/resource/tests/entity_list_test.c
entity_list_test_LIBS := resource
detect_test_SRCS := sdk/resource/tests/detect_test.c
detect_test_LIBS := resource
resource_test_SRCS := sdk/resource/tests/resource_test.c
resource_test_LIBS := resource sdk_rig

FUZZERS += fuzz_detect fuzz_entities
fuzz_entities_SRCS := sdk/resource/tests/fuzz_entities.c ci/fuzz-main.c
fuzz_entities_LIBS := resource
fuzz_detect_SRCS := sdk/resource/tests/fuzz_detect.c ci/fuzz-main.c
fuzz_detect_LIBS := resource
