# SPDX-License-Identifier: Apache-2.0
LIBS += sampler
sampler_SRCS := sdk/sampler/sampler.c sdk/sampler/parentbased.c sdk/sampler/ratio.c \
                sdk/sampler/ot.c sdk/sampler/probability.c sdk/sampler/always_record.c \
                sdk/sampler/composite.c sdk/sampler/composable.c sdk/sampler/rules.c
sampler_PIC := 1
sampler_LIBS := otlp otel_api base

TESTS += sampling_formats_test
sampling_formats_test_SRCS := sdk/sampler/tests/formats_test.c
sampling_formats_test_LIBS := sdk_rig propagation
TESTS += sampler_threads_test
sampler_threads_test_SRCS := sdk/sampler/tests/thread_test.c
sampler_threads_test_LIBS := sdk_rig
TSAN_TESTS += sampler_threads_test
TESTS += parent_warning_test
parent_warning_test_SRCS := sdk/sampler/tests/parent_warning_test.c
parent_warning_test_LIBS := sdk_rig
TESTS += sampler_context_test
sampler_context_test_SRCS := sdk/sampler/tests/context_test.c
sampler_context_test_LIBS := sdk_rig
TESTS += sampler_test ratio_rules_test probability_test composable_test
sampler_test_SRCS := sdk/sampler/tests/sampler_test.c
sampler_test_LIBS := sdk_rig
ratio_rules_test_SRCS := sdk/sampler/tests/ratio_rules_test.c
ratio_rules_test_LIBS := sampler
probability_test_SRCS := sdk/sampler/tests/probability_test.c
probability_test_LIBS := sdk_rig
composable_test_SRCS := sdk/sampler/tests/composable_test.c
composable_test_LIBS := sdk_rig

TESTS += sampler_every_nth_test
sampler_every_nth_test_SRCS := sdk/sampler/tests/every_nth_test.c
sampler_every_nth_test_LIBS := sdk_rig

FUZZERS += fuzz_ot
fuzz_ot_SRCS := sdk/sampler/tests/fuzz_ot.c ci/fuzz-main.c
fuzz_ot_LIBS := sampler
