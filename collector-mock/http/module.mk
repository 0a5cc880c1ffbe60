# SPDX-License-Identifier: Apache-2.0
LIBS += col_http
col_http_SRCS := collector-mock/http/server.c collector-mock/http/conn.c \
                 collector-mock/http/head.c collector-mock/http/answer.c \
                 collector-mock/http/inflate.c
col_http_LIBS := col_net base
col_http_PKGS := libevent_openssl libevent_core zlib libzstd
col_http_LDLIBS := -lhttp_parser

TESTS += col_http_server_test
col_http_server_test_SRCS := collector-mock/http/tests/server_test.c
col_http_server_test_LIBS := col_http base

FUZZERS += fuzz_col_http fuzz_col_inflate
fuzz_col_http_SRCS := collector-mock/http/tests/fuzz_col_http.c ci/fuzz-main.c
fuzz_col_http_LIBS := col_http base
fuzz_col_inflate_SRCS := collector-mock/http/tests/fuzz_col_inflate.c ci/fuzz-main.c
fuzz_col_inflate_LIBS := col_http base
