# SPDX-License-Identifier: Apache-2.0
LIBS += resource
resource_SRCS := sdk/resource/resource.c sdk/resource/environment.c sdk/resource/pairs.c
resource_PIC := 1
resource_LIBS := otlp otel_api base
