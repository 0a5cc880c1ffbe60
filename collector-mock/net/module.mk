# SPDX-License-Identifier: Apache-2.0
LIBS += col_net
col_net_SRCS := collector-mock/net/listen.c collector-mock/net/tls.c collector-mock/net/socket.c \
                collector-mock/net/fate.c
col_net_LIBS := base
col_net_PKGS := libevent_core libssl libcrypto

TESTS += col_listen_test
TSAN_TESTS += col_listen_test
col_listen_test_SRCS := collector-mock/net/tests/listen_test.c
col_listen_test_LIBS := col_net
