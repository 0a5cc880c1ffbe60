# SPDX-License-Identifier: Apache-2.0
LIBS += col_grpc
col_grpc_SRCS := collector-mock/grpc/server.c collector-mock/grpc/conn.c \
                 collector-mock/grpc/session.c collector-mock/grpc/head.c \
                 collector-mock/grpc/stream.c collector-mock/grpc/message.c
col_grpc_LIBS := col_net base
col_grpc_PKGS := libevent_core libnghttp2

COL_GRPC_WORLD := collector-mock/grpc/tests/world.c collector-mock/grpc/tests/client.c

TESTS += col_grpc_server_test col_grpc_limits_test
col_grpc_server_test_SRCS := collector-mock/grpc/tests/server_test.c $(COL_GRPC_WORLD)
col_grpc_server_test_LIBS := col_grpc base
col_grpc_limits_test_SRCS := collector-mock/grpc/tests/limits_test.c $(COL_GRPC_WORLD)
col_grpc_limits_test_LIBS := col_grpc base

FUZZERS += fuzz_col_grpc
fuzz_col_grpc_SRCS := collector-mock/grpc/tests/fuzz_col_grpc.c ci/fuzz-main.c
fuzz_col_grpc_LIBS := col_grpc base
