# SPDX-License-Identifier: Apache-2.0
LIBS += otlp
otlp_SRCS := sdk/otlp/value.c sdk/otlp/read.c sdk/otlp/batch.c
otlp_PIC := 1
otlp_LIBS := otel_api base
