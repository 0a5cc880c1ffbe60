# SPDX-License-Identifier: Apache-2.0
# The program under test of sdk/tests/requirements.
PROGS += sdk-put
sdk-put_SRCS := $(addprefix sdk/tests/put/,put.c words.c values.c objects.c spans.c carry.c \
                  samplers.c setup.c doubles.c reports.c load.c busy.c life.c metrics.c \
                  threads.c noop.c)
sdk-put_LIBS := config tls config_file
# nothing names them: TLS and the declarative file are looked for when they are needed
sdk-put_LDFLAGS += -Wl,-u,otel_sdk_tls_ops_0 -Wl,-u,otel_config_hook_0
# The same on a clock that stands still until a row moves it.
PROGS += sdk-put-held
sdk-put-held_SRCS := $(sdk-put_SRCS) sdk/tests/put/held.c
sdk-put-held_LIBS := $(sdk-put_LIBS)
sdk-put-held_LDFLAGS += $(sdk-put_LDFLAGS)
# The same with the commands of Kafka: librdkafka is not for every row to load.
PROGS += sdk-put-kafka
sdk-put-kafka_SRCS := $(sdk-put_SRCS) sdk/tests/put/kafka.c
sdk-put-kafka_LIBS := $(sdk-put_LIBS)
sdk-put-kafka_PKGS := rdkafka
sdk-put-kafka_LDFLAGS += $(sdk-put_LDFLAGS)
# Opens the shared library by its path: it is linked with none.
PROGS += sdk-unload
sdk-unload_SRCS := sdk/tests/put/unload.c
sdk-unload_LDLIBS := -ldl
