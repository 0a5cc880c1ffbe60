/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_HEADER_CARRIER_H
#define OTEL_HEADER_CARRIER_H

#include <otel/propagation.h>

/*
 * Header carriers: the headers of an HTTP request or of a Kafka message as a list of names and
 * values, for any HTTP or Kafka library.
 *
 * To extract, point at what has arrived; nothing is copied:
 *
 *     struct otel_header headers[MAX]; ... fill name and value from the library's request ...
 *     struct otel_header_view view = {headers, count};
 *     context = otel_propagator_extract(NULL, NULL, &view, otel_http_header_getter());
 *
 * To inject, collect, then hand the list to the library:
 *
 *     struct otel_headers *list = NULL;
 *     if (otel_headers_new(&list) == OTEL_OK) {
 *         otel_propagator_inject(NULL, NULL, list, otel_http_header_setter());
 *         for (size_t i = 0; i < otel_headers_view(list)->count; i++)
 *             my_request_add(request, otel_headers_view(list)->items[i]);
 *     }
 *     otel_headers_free(list);
 *
 * A library whose headers can be asked for by name needs none of this: write the two or three
 * functions of otel/propagation.h. For librdkafka they are in otel/kafka_carrier.h.
 *
 * HTTP    names without regard to case (of ASCII); of a value the blanks and tabs around it do not
 *         count. What is set replaces all of that name; a name that is no token, or a value with a
 *         control character other than tab, is left out.
 * Kafka   names byte for byte; values are bytes, and one that is NULL reads as empty. What is set
 *         replaces all of that name.
 *
 * Life      new -> add, set... -> view -> free.
 * Threads   one owner; a list that nobody changes may be read by several.
 * Memory    a list copies names and values. A view's items live until the list's next change.
 * Limits    256 headers and 64 KiB of names and values in a list; what exceeds them, and what there
 *           is no memory for, is left out whole and counted.
 *
 * Spec: OpenTelemetry context, "TextMap Propagator", "Getter argument", "Setter argument"; RFC 9110
 * section 5.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_header {
    struct otel_str name;
    struct otel_str value; /* data NULL: none, as Kafka allows */
};

/* The carrier that the getters read. */
struct otel_header_view {
    const struct otel_header *items;
    size_t count;
};

/* The carrier is a struct otel_header_view; NULL: no headers. Static. */
OTEL_API const struct otel_text_map_getter *otel_http_header_getter(void);
OTEL_API const struct otel_text_map_getter *otel_kafka_header_getter(void);

/* A list that owns its texts. */
struct otel_headers;

/* OTEL_ERR_ARGUMENT: ret is NULL. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_headers_new(struct otel_headers **ret);
OTEL_API void otel_headers_free(struct otel_headers *headers);
/* Append, whatever is there; a value without data stays without. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY:
 * left out and counted. OTEL_ERR_ARGUMENT: headers is NULL. */
OTEL_API enum otel_err otel_headers_add(struct otel_headers *headers, struct otel_str name,
                                        struct otel_str value);
/* Never NULL; for the getters as well. Of NULL: an empty one. */
OTEL_API const struct otel_header_view *otel_headers_view(const struct otel_headers *headers);
/* Headers that were left out so far. */
OTEL_API size_t otel_headers_left_out(const struct otel_headers *headers);

/* The carrier is a struct otel_headers; NULL: nothing is set. Static. */
OTEL_API const struct otel_text_map_setter *otel_http_header_setter(void);
OTEL_API const struct otel_text_map_setter *otel_kafka_header_setter(void);

#ifdef __cplusplus
}
#endif
#endif
