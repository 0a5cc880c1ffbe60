# SPDX-License-Identifier: Apache-2.0
# The program under test of sdk/tests/requirements.
PROGS += sdk-put
sdk-put_SRCS := $(addprefix sdk/tests/put/,put.c words.c values.c objects.c spans.c carry.c \
                  samplers.c setup.c doubles.c reports.c load.c life.c \
                  noop.c)
sdk-put_LIBS := config tls config_file
# nothing names them: TLS and the declarative file are looked for when they are needed
sdk-put_LDFLAGS += -Wl,-u,otel_sdk_tls_ops_0 -Wl,-u,otel_config_hook_0
# Opens the shared library by its path: it is linked with none.
PROGS += sdk-unload
sdk-unload_SRCS := sdk/tests/put/unload.c
sdk-unload_LDLIBS := -ldl
