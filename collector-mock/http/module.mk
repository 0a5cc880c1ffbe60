# SPDX-License-Identifier: Apache-2.0
LIBS += col_http
col_http_SRCS := collector-mock/http/server.c collector-mock/http/conn.c \
                 collector-mock/http/head.c collector-mock/http/answer.c \
                 collector-mock/http/inflate.c
col_http_LIBS := base
col_http_PKGS := libevent_core zlib
col_http_LDLIBS := -lhttp_parser
