# SPDX-License-Identifier: Apache-2.0
LIBS += remote_sampler
remote_sampler_SRCS := sdk/remote/strategy.c sdk/remote/strategy_json.c \
                       sdk/remote/strategy_message.c sdk/remote/ask.c sdk/remote/jaeger.c
remote_sampler_PIC := 1
remote_sampler_PKGS := libevent_core
remote_sampler_LIBS := transport sampler otlp loop otel_api base

TESTS += strategy_test jaeger_remote_test
strategy_test_SRCS := sdk/remote/tests/strategy_test.c
strategy_test_LIBS := remote_sampler
TESTS += strategy_message_test jaeger_grpc_test
strategy_message_test_SRCS := sdk/remote/tests/strategy_message_test.c
strategy_message_test_LIBS := remote_sampler
jaeger_grpc_test_SRCS := sdk/remote/tests/jaeger_grpc_test.c sdk/transport/tests/grpc_server.c
jaeger_grpc_test_LIBS := remote_sampler sdk_rig
jaeger_remote_test_SRCS := sdk/remote/tests/jaeger_test.c sdk/transport/tests/server.c
jaeger_remote_test_LIBS := remote_sampler sdk_rig
TSAN_TESTS += jaeger_remote_test jaeger_grpc_test

FUZZERS += fuzz_strategy fuzz_strategy_message
fuzz_strategy_message_SRCS := sdk/remote/tests/fuzz_strategy_message.c ci/fuzz-main.c
fuzz_strategy_message_LIBS := remote_sampler
fuzz_strategy_SRCS := sdk/remote/tests/fuzz_strategy.c ci/fuzz-main.c
fuzz_strategy_LIBS := remote_sampler
