# SPDX-License-Identifier: Apache-2.0
LIBS += tls
tls_SRCS := sdk/tls/openssl.c sdk/tls/context.c sdk/tls/wire.c sdk/tls/gate.c \
            sdk/tls/errors.c
tls_LIBS := base
tls_PKGS := openssl
tls_PIC := 1

TESTS += tls_test
tls_test_SRCS := sdk/tls/tests/tls_test.c sdk/tls/tests/certs.c sdk/tls/tests/front.c \
                 sdk/exporter/tests/rig.c sdk/transport/tests/server.c
tls_test_LIBS := tls exporter processor trace otlp_pb
tls_test_PKGS := openssl zlib
TSAN_TESTS += tls_test

TESTS += tls_every_nth_test
tls_every_nth_test_SRCS := sdk/tls/tests/every_nth_test.c sdk/tls/tests/certs.c \
                           sdk/tls/tests/front.c sdk/exporter/tests/life.c \
                           sdk/transport/tests/server.c sdk/transport/tests/grpc_server.c \
                           sdk/transport/tests/grpc_thread.c
tls_every_nth_test_LIBS := tls exporter sdk_rig
tls_every_nth_test_PKGS := openssl

# Only without sanitizers, which do not survive such forks: run by tls_fork.sh.
SCRIPT_TESTS += sdk/tls/tests/tls_fork.sh
ifeq ($(filter asan tsan,$(MODE)),)
TESTS += tls_fork_test
endif
tls_fork_test_SRCS := sdk/tls/tests/tls_fork_test.c sdk/tls/tests/certs.c sdk/tls/tests/front.c \
                      sdk/exporter/tests/rig.c sdk/transport/tests/server.c
tls_fork_test_LIBS := tls exporter processor trace otlp_pb
tls_fork_test_PKGS := openssl zlib

TESTS += grpc_tls_test
grpc_tls_test_SRCS := sdk/tls/tests/grpc_tls_test.c sdk/tls/tests/certs.c sdk/tls/tests/front.c \
                      sdk/transport/tests/grpc_server.c
grpc_tls_test_LIBS := tls transport
grpc_tls_test_PKGS := openssl
TSAN_TESTS += grpc_tls_test
