# SPDX-License-Identifier: Apache-2.0
LIBS += config
config_SRCS := sdk/config/env.c sdk/config/misspelt.c sdk/config/settings.c sdk/config/assemble.c sdk/config/level.c
config_PIC := 1
config_LIBS := exporter remote_sampler processor trace sampler resource propagation otel_api base

TESTS += env_settings_test from_env_test self_report_test
self_report_test_SRCS := sdk/config/tests/self_report_test.c
self_report_test_LIBS := config
env_settings_test_SRCS := sdk/config/tests/settings_test.c
env_settings_test_LIBS := config
from_env_test_SRCS := sdk/config/tests/from_env_test.c sdk/transport/tests/server.c
from_env_test_LIBS := config otlp_pb
TSAN_TESTS += from_env_test

TESTS += env_misspelt_test
env_misspelt_test_SRCS := sdk/config/tests/misspelt_test.c
env_misspelt_test_LIBS := config

TESTS += config_every_nth_test
config_every_nth_test_SRCS := sdk/config/tests/every_nth_test.c sdk/exporter/tests/life.c \
                              sdk/transport/tests/server.c
config_every_nth_test_LIBS := config sdk_rig

FUZZERS += fuzz_env fuzz_env_pairs
fuzz_env_SRCS := sdk/config/tests/fuzz_env.c ci/fuzz-main.c
fuzz_env_LIBS := config
fuzz_env_pairs_SRCS := sdk/config/tests/fuzz_env_pairs.c ci/fuzz-main.c
fuzz_env_pairs_LIBS := config
