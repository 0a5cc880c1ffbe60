# SPDX-License-Identifier: Apache-2.0
LIBS += remote_sampler
remote_sampler_SRCS := sdk/remote/strategy.c sdk/remote/strategy_json.c \
                       sdk/remote/strategy_message.c sdk/remote/ask.c sdk/remote/jaeger.c \
                       sdk/remote/poller.c sdk/remote/draw.c sdk/remote/json_members.c \
                       sdk/remote/xray.c sdk/remote/xray_rules.c sdk/remote/xray_json.c
remote_sampler_PIC := 1
remote_sampler_PKGS := libevent_core
remote_sampler_LIBS := transport sampler resource otlp loop otel_api base

TESTS += strategy_test jaeger_remote_test
strategy_test_SRCS := sdk/remote/tests/strategy_test.c
strategy_test_LIBS := remote_sampler sdk_rig
TESTS += strategy_message_test jaeger_grpc_test
strategy_message_test_SRCS := sdk/remote/tests/strategy_message_test.c
strategy_message_test_LIBS := remote_sampler sdk_rig
jaeger_grpc_test_SRCS := sdk/remote/tests/jaeger_grpc_test.c sdk/transport/tests/grpc_server.c
jaeger_grpc_test_LIBS := remote_sampler sdk_rig
jaeger_remote_test_SRCS := sdk/remote/tests/jaeger_test.c sdk/transport/tests/server.c
jaeger_remote_test_LIBS := remote_sampler sdk_rig
TSAN_TESTS += jaeger_remote_test jaeger_grpc_test

TESTS += xray_rules_test xray_test
xray_rules_test_SRCS := sdk/remote/tests/xray_rules_test.c
xray_rules_test_LIBS := remote_sampler sdk_rig
xray_test_SRCS := sdk/remote/tests/xray_test.c sdk/transport/tests/server.c
xray_test_LIBS := remote_sampler sdk_rig
TSAN_TESTS += xray_test

FUZZERS += fuzz_xray
fuzz_xray_SRCS := sdk/remote/tests/fuzz_xray.c ci/fuzz-main.c
fuzz_xray_LIBS := remote_sampler

FUZZERS += fuzz_strategy fuzz_strategy_message
fuzz_strategy_message_SRCS := sdk/remote/tests/fuzz_strategy_message.c ci/fuzz-main.c
fuzz_strategy_message_LIBS := remote_sampler
fuzz_strategy_SRCS := sdk/remote/tests/fuzz_strategy.c ci/fuzz-main.c
fuzz_strategy_LIBS := remote_sampler
