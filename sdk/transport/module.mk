# SPDX-License-Identifier: Apache-2.0
LIBS += transport
transport_SRCS := sdk/transport/url.c sdk/transport/httpdate.c sdk/transport/retry.c \
                  sdk/transport/gzip.c sdk/transport/response.c sdk/transport/resolve.c \
                  sdk/transport/connect.c sdk/transport/tls.c sdk/transport/link.c \
                  sdk/transport/http.c sdk/transport/grpc.c sdk/transport/grpc_status.c \
                  sdk/transport/grpc_text.c sdk/transport/h2_client.c
transport_LIBS := base
transport_PKGS := libevent_core libnghttp2 zlib
transport_LDLIBS := -lhttp_parser
transport_PIC := 1

TESTS += transport_pure_test
transport_pure_test_SRCS := sdk/transport/tests/pure_test.c
transport_pure_test_LIBS := transport

TESTS += transport_http_test
transport_http_test_SRCS := sdk/transport/tests/http_test.c sdk/transport/tests/http_rig.c \
                            sdk/transport/tests/server.c
transport_http_test_LIBS := transport
TSAN_TESTS += transport_http_test

TESTS += transport_no_timer_test
transport_no_timer_test_SRCS := sdk/transport/tests/no_timer_test.c \
                                sdk/transport/tests/http_rig.c sdk/transport/tests/server.c
transport_no_timer_test_LIBS := transport sdk_rig

TESTS += transport_connect_test
transport_connect_test_SRCS := sdk/transport/tests/connect_test.c sdk/transport/tests/http_rig.c \
                               sdk/transport/tests/server.c
transport_connect_test_LIBS := transport
TSAN_TESTS += transport_connect_test

# Only without sanitizers, whose allocators may be locked for ever in a child, too.
SCRIPT_TESTS += sdk/transport/tests/fork_lookup.sh
ifeq ($(filter asan tsan,$(MODE)),)
TESTS += transport_fork_lookup_test
endif
transport_fork_lookup_test_SRCS := sdk/transport/tests/fork_lookup_test.c
transport_fork_lookup_test_LIBS := transport

FUZZERS += fuzz_url fuzz_response fuzz_http_date
fuzz_url_SRCS := sdk/transport/tests/fuzz_url.c ci/fuzz-main.c
fuzz_url_LIBS := transport
fuzz_response_SRCS := sdk/transport/tests/fuzz_response.c ci/fuzz-main.c
fuzz_response_LIBS := transport
fuzz_http_date_SRCS := sdk/transport/tests/fuzz_http_date.c ci/fuzz-main.c
fuzz_http_date_LIBS := transport

TESTS += transport_grpc_test
transport_grpc_test_SRCS := sdk/transport/tests/grpc_test.c sdk/transport/tests/grpc_server.c
transport_grpc_test_LIBS := transport
TSAN_TESTS += transport_grpc_test

FUZZERS += fuzz_retry_info
fuzz_retry_info_SRCS := sdk/transport/tests/fuzz_retry_info.c ci/fuzz-main.c
fuzz_retry_info_LIBS := transport
