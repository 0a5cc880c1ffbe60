# SPDX-License-Identifier: Apache-2.0
# Somebody else's program, for tests: it links nothing of ours.
PROGS += plain-service
plain-service_SRCS := harness/foreign/plain.c harness/foreign/plain_kafka.c
plain-service_LIBS :=
plain-service_LDLIBS := -lpthread -lrdkafka
