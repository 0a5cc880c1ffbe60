# SPDX-License-Identifier: Apache-2.0
LIBS += broker
broker_SRCS := harness/broker/broker.c harness/broker/external.c harness/broker/faults.c \
               harness/broker/watch.c harness/broker/command.c
broker_LIBS := service_kafka child role scenario base
broker_PKGS := rdkafka libevent_core jansson

TESTS += broker_test
broker_test_SRCS := harness/broker/tests/broker_test.c
broker_test_LIBS := broker
