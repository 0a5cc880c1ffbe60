/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_KAFKA_HEADERS_H
#define EXAMPLE_KAFKA_HEADERS_H

/*
 * Headers of a Kafka message as a carrier for propagators. Copy it: it is all that is needed.
 *
 * Header values of Kafka are bytes with a length: they need not end with a NUL and may be NULL.
 */
#include <librdkafka/rdkafka.h>
#include <otel/propagation.h>

static inline bool kafka_get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    const rd_kafka_headers_t *headers = carrier;
    const char *name;
    const void *value;
    size_t size;

    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++)
        if (otel_str_equal(otel_str(name), key)) {
            *ret_value = otel_strn(value, size);
            return true;
        }
    return false;
}

/* A header may be there several times, as in HTTP. */
static inline void kafka_get_all(const void *carrier, struct otel_str key,
                                 otel_text_visit_fn *visit, void *arg)
{
    const rd_kafka_headers_t *headers = carrier;
    const char *name;
    const void *value;
    size_t size;

    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++)
        if (otel_str_equal(otel_str(name), key))
            visit(arg, otel_strn(value, size));
}

static inline void kafka_keys(const void *carrier, otel_text_visit_fn *visit, void *arg)
{
    const rd_kafka_headers_t *headers = carrier;
    const char *name;
    const void *value;
    size_t size;

    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++)
        visit(arg, otel_str(name));
}

static inline void kafka_set(void *carrier, struct otel_str key, struct otel_str value)
{
    char name[64]; /* removal wants a NUL; no propagator has longer keys */

    if (key.len >= sizeof(name))
        return;
    memcpy(name, key.data, key.len);
    name[key.len] = '\0';
    /* add() alone would leave a second traceparent behind when a message is sent on. */
    rd_kafka_header_remove(carrier, name);
    rd_kafka_header_add(carrier, name, (ssize_t)key.len, value.data, (ssize_t)value.len);
}

static const struct otel_text_map_getter kafka_getter = {kafka_get, kafka_get_all, kafka_keys};
static const struct otel_text_map_setter kafka_setter = {kafka_set};

#endif
