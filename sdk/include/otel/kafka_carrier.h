/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_KAFKA_CARRIER_H
#define OTEL_KAFKA_CARRIER_H

#include <librdkafka/rdkafka.h>
#include <otel/propagation.h>

/*
 * Kafka carrier: the headers of a librdkafka message, read and written in place.
 *
 * Include it where a program uses librdkafka anyway: it is all inline, the OpenTelemetry libraries
 * do not link librdkafka. With another client use otel/header_carrier.h.
 *
 *     if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
 *         context = otel_propagator_extract(NULL, NULL, headers, otel_rdkafka_header_getter());
 *     ...
 *     headers = rd_kafka_headers_new(4);
 *     otel_propagator_inject(NULL, context, headers, otel_rdkafka_header_setter());
 *     rd_kafka_producev(..., RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
 *
 * Names are compared byte for byte. Values of Kafka are bytes with a length; one that is NULL reads
 * as empty. What is set replaces all of that name.
 *
 * Life      the headers are the program's, or the message's.
 * Threads   that of the message.
 * Memory    values that are read live as long as the message; librdkafka copies what is set.
 * Limits    names that are set have at most 255 bytes, no NUL; others are left out.
 *
 * Spec: OpenTelemetry context, "Getter argument", "Setter argument"; semantic conventions of
 * messaging, "Context propagation".
 */

#ifdef __cplusplus
extern "C" {
#endif

static inline void otel_rdkafka_get_all(const void *carrier, struct otel_str key,
                                        otel_text_visit_fn *visit, void *arg)
{
    const rd_kafka_headers_t *headers = (const rd_kafka_headers_t *)carrier;
    const char *name;
    const void *value;
    size_t size;

    if (headers == NULL)
        return;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
                       RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        if (otel_str_equal(otel_str(name), key))
            visit(arg, otel_strn(value != NULL ? (const char *)value : "",
                                 value != NULL ? size : 0));
}

static inline bool otel_rdkafka_get(const void *carrier, struct otel_str key,
                                    struct otel_str *ret_value)
{
    const rd_kafka_headers_t *headers = (const rd_kafka_headers_t *)carrier;
    const char *name;
    const void *value;
    size_t size;

    if (headers == NULL)
        return false;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
                       RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        if (otel_str_equal(otel_str(name), key)) {
            *ret_value = otel_strn(value != NULL ? (const char *)value : "",
                                   value != NULL ? size : 0);
            return true;
        }
    return false;
}

static inline void otel_rdkafka_keys(const void *carrier, otel_text_visit_fn *visit, void *arg)
{
    const rd_kafka_headers_t *headers = (const rd_kafka_headers_t *)carrier;
    const char *name;
    const void *value;
    size_t size;

    if (headers == NULL)
        return;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) ==
                       RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        visit(arg, otel_str(name));
}

static inline void otel_rdkafka_set(void *carrier, struct otel_str key, struct otel_str value)
{
    rd_kafka_headers_t *headers = (rd_kafka_headers_t *)carrier;
    char name[256]; /* removal wants a NUL */

    if (headers == NULL || key.len == 0 || key.len >= sizeof(name) ||
        memchr(key.data, '\0', key.len) != NULL)
        return;
    memcpy(name, key.data, key.len);
    name[key.len] = '\0';
    /* add alone would leave a second traceparent behind when a message is sent on */
    (void)rd_kafka_header_remove(headers, name);
    (void)rd_kafka_header_add(headers, name, (ssize_t)key.len, value.data, (ssize_t)value.len);
}

/* The carrier is an rd_kafka_headers_t; NULL: no headers, nothing is set. Static. */
static inline const struct otel_text_map_getter *otel_rdkafka_header_getter(void)
{
    static const struct otel_text_map_getter getter = {otel_rdkafka_get, otel_rdkafka_get_all,
                                                       otel_rdkafka_keys};

    return &getter;
}

static inline const struct otel_text_map_setter *otel_rdkafka_header_setter(void)
{
    static const struct otel_text_map_setter setter = {otel_rdkafka_set};

    return &setter;
}

#ifdef __cplusplus
}
#endif
#endif
