# SPDX-License-Identifier: Apache-2.0
LIBS += collector
collector_SRCS := collector-mock/pipeline/service.c collector-mock/pipeline/host.c \
                  collector-mock/receivers/otlp_http.c collector-mock/receivers/status.c \
                  collector-mock/telemetry/metrics.c
collector_LIBS := col_http col_wire yaml base
collector_PKGS := libevent_core jansson

PROGS += collector-mock
collector-mock_SRCS := collector-mock/main.c
collector-mock_LIBS := collector
