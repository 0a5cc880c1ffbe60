# SPDX-License-Identifier: Apache-2.0
LIBS += config_file
config_file_SRCS := sdk/config/file/schema.c sdk/config/file/read.c sdk/config/file/create.c \
                    sdk/config/file/exporter.c sdk/config/file/sampler.c sdk/config/file/rules.c \
                    sdk/config/file/match.c sdk/config/file/resource.c \
                    sdk/config/file/propagator.c sdk/config/file/plugin.c \
                    sdk/config/file/tracers.c sdk/config/file/properties.c
config_file_LIBS := config yaml
config_file_PIC := 1

TESTS += config_file_test
config_file_test_SRCS := sdk/config/file/tests/config_file_test.c sdk/transport/tests/server.c
config_file_test_LIBS := config_file otlp_pb

TESTS += config_properties_test
config_properties_test_SRCS := sdk/config/file/tests/config_properties_test.c
config_properties_test_LIBS := config_file

TESTS += config_plugin_test
config_plugin_test_SRCS := sdk/config/file/tests/config_plugin_test.c
config_plugin_test_LIBS := config_file sdk_rig
config_plugin_test_PKGS := jansson

FUZZERS += fuzz_config
fuzz_config_SRCS := sdk/config/file/tests/fuzz_config.c ci/fuzz-main.c
fuzz_config_LIBS := config_file
