# SPDX-License-Identifier: Apache-2.0
LIBS += relay_http
relay_http_SRCS := harness/relay/http.c harness/relay/body.c
relay_http_LIBS := base

LIBS += relay
relay_SRCS := harness/relay/join.c harness/relay/rows.c harness/relay/link.c \
              harness/relay/exchange.c harness/relay/probe.c harness/relay/relay.c \
              harness/relay/bridge.c harness/relay/bridge_in.c harness/relay/bridge_out.c \
              harness/relay/committed.c harness/relay/message.c harness/relay/command.c
relay_LIBS := relay_http service_kafka child role port scenario ledger base
relay_PKGS := libevent_core jansson rdkafka

TESTS += relay_http_test
relay_http_test_SRCS := harness/relay/tests/http_test.c
relay_http_test_LIBS := relay_http

TESTS += relay_test
relay_test_SRCS := harness/relay/tests/relay_test.c harness/relay/tests/rig.c \
                   sdk/base/tests/shortage.c
relay_test_LIBS := relay

TESTS += relay_bridge_test
relay_bridge_test_SRCS := harness/relay/tests/bridge_test.c
relay_bridge_test_LIBS := relay

FUZZERS += fuzz_relay_http
fuzz_relay_http_SRCS := harness/relay/tests/fuzz_relay_http.c ci/fuzz-main.c
fuzz_relay_http_LIBS := relay_http
