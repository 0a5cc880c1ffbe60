# SPDX-License-Identifier: Apache-2.0
LIBS += repschema
repschema_SRCS := reports/schema.c
repschema_LIBS := base
repschema_PKGS := jansson

TESTS += schema_test
schema_test_SRCS := reports/tests/schema_test.c
schema_test_LIBS := repschema
