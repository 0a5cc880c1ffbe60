/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_HTTP_HEADERS_H
#define COL_RECEIVERS_HTTP_HEADERS_H

#include "collector-mock/http/server.h"
#include "collector-mock/pipeline/component.h"

/*
 * What answers over HTTP carry in their heads by configuration: response_headers, and cors, by
 * which a browser lets pages of another origin send here. Rules and words are the Collector's.
 *
 * A browser asks before it sends (OPTIONS with Access-Control-Request-Method): that is answered
 * with 204 before anybody asks for credentials. Without allowed_origins cors does nothing.
 *
 * Life      new -> write, preflight... -> free.
 * Threads   that of the event loop.
 * Memory    borrows the configuration.
 */

struct col_http_headers;

extern const struct otl_schema col_cors_keys[], col_response_headers_keys[];

/* Of a map with `response_headers` and `cors`; *ret NULL: it has none of the two.
 * OTEL_ERR_SYNTAX with the place; OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_http_headers_new(const struct col_create *args, const json_t *map,
                                                 struct col_http_headers **ret,
                                                 struct otl_detail *reterr);
void col_http_headers_free(struct col_http_headers *headers);

/* The lines of an answer to this request, each ending in \r\n; what does not fit is left out. */
void col_http_headers_write(const struct col_http_headers *headers,
                            const struct col_http_request *request, char *out, size_t size);
/* Whether a browser asks before it sends; headers may be NULL. */
bool col_http_headers_preflight(const struct col_http_headers *headers,
                                const struct col_http_request *request);

#endif
