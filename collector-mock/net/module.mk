# SPDX-License-Identifier: Apache-2.0
LIBS += col_net
col_net_SRCS := collector-mock/net/listen.c collector-mock/net/tls.c collector-mock/net/socket.c \
                collector-mock/net/fate.c
col_net_LIBS := base
col_net_PKGS := libevent_core libssl libcrypto
