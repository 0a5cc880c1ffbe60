# SPDX-License-Identifier: Apache-2.0
LIBS += service_http
service_http_SRCS := harness/service/http.c harness/service/http_evhttp.c \
                     harness/service/http_lean_server.c harness/service/http_lean_client.c
service_http_LIBS := base
service_http_PKGS := libevent_core libevent_extra
service_http_LDLIBS := -lhttp_parser

# The steps and what they trace, without sockets.
LIBS += service_steps
service_steps_SRCS := harness/service/carrier.c harness/service/value.c harness/service/span.c \
                      harness/service/request.c harness/service/steps.c harness/service/broken.c \
                      harness/service/broken_sampler.c harness/service/broken_ids.c \
                      harness/service/broken_clock.c harness/service/broken_processor.c \
                      harness/service/broken_exporter.c harness/service/broken_propagator.c \
                      harness/service/inject.c harness/service/work.c
service_steps_LIBS := processor trace sampler resource propagation instrument otel_api scenario ledger base
service_steps_PKGS := jansson

# A librdkafka client on a libevent loop; the relay has some too.
LIBS += service_kafka
service_kafka_SRCS := harness/service/kafka.c harness/service/kafka_group.c
service_kafka_LIBS := base
service_kafka_PKGS := libevent_core rdkafka

LIBS += service
service_SRCS := harness/service/peers.c harness/service/call.c \
                harness/service/database.c harness/service/producer.c \
                harness/service/deliveries.c harness/service/batch.c harness/service/consumer.c \
                harness/service/tracing.c harness/service/http_entry.c \
                harness/service/effects.c harness/service/app.c harness/service/command.c
service_LIBS := service_http service_steps service_kafka child role exporter processor trace sampler resource \
                propagation otel_api scenario ledger base
service_PKGS := libevent_core libevent_extra jansson rdkafka sqlite3

TESTS += service_http_test
service_http_test_SRCS := harness/service/tests/http_test.c sdk/base/tests/shortage.c
service_http_test_LIBS := service_http

TESTS += service_steps_test
service_steps_test_SRCS := harness/service/tests/steps_test.c harness/service/tests/rig.c
service_steps_test_LIBS := service_steps

TESTS += service_deliveries_test
service_deliveries_test_SRCS := harness/service/tests/deliveries_test.c harness/service/deliveries.c
service_deliveries_test_LIBS := base

TESTS += service_process_test
service_process_test_SRCS := harness/service/tests/process_test.c
service_process_test_LIBS := scenario ledger base

TESTS += service_kafka_test
service_kafka_test_SRCS := harness/service/tests/kafka_test.c
service_kafka_test_LIBS := service_kafka

TESTS += service_test
service_test_SRCS := harness/service/tests/service_test.c
service_test_LIBS := service
TSAN_TESTS += service_test

BENCHES += hop_bench
hop_bench_SRCS := harness/service/bench/hop_bench.c
hop_bench_LIBS := service

TESTS += service_parts_test
service_parts_test_SRCS := harness/service/tests/parts_test.c
service_parts_test_LIBS := service

FUZZERS += fuzz_http_lean
fuzz_http_lean_SRCS := harness/service/tests/fuzz_http_lean.c ci/fuzz-main.c
fuzz_http_lean_LIBS := service_http service_steps

# The service that the W3C's trace-context suite tests; run by harness/tests/w3c.sh.
PROGS += w3c-service
w3c-service_SRCS := harness/service/tests/w3c_service.c
w3c-service_LIBS := service_http service_steps
w3c-service_PKGS := libevent_core libevent_extra jansson
