# SPDX-License-Identifier: Apache-2.0
LIBS += sampler
sampler_SRCS := sdk/sampler/sampler.c sdk/sampler/parentbased.c
sampler_PIC := 1
sampler_LIBS := otel_api base

TESTS += sampler_test
sampler_test_SRCS := sdk/sampler/tests/sampler_test.c
sampler_test_LIBS := sdk_rig
