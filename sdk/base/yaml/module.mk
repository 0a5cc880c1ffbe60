# SPDX-License-Identifier: Apache-2.0
LIBS += yaml
yaml_SRCS := sdk/base/yaml/document.c sdk/base/yaml/build.c sdk/base/yaml/nodes.c \
             sdk/base/yaml/problem.c sdk/base/yaml/scalar.c sdk/base/yaml/schema.c \
             sdk/base/yaml/tree.c sdk/base/yaml/emit.c \
             sdk/base/yaml/merge.c
yaml_LIBS := base
yaml_PKGS := yaml-0.1 jansson
yaml_PIC := 1

TESTS += yaml_test yaml_schema_test
yaml_test_SRCS := sdk/base/yaml/tests/yaml_test.c
yaml_test_LIBS := yaml base
yaml_schema_test_SRCS := sdk/base/yaml/tests/yaml_schema_test.c
yaml_schema_test_LIBS := yaml base

FUZZERS += fuzz_yaml
fuzz_yaml_SRCS := sdk/base/yaml/tests/fuzz_yaml.c ci/fuzz-main.c
fuzz_yaml_LIBS := yaml base
