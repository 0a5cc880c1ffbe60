/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_HTTP_LEAN_H
#define HX_SERVICE_HTTP_LEAN_H

#include "harness/service/http.h"

/* The two halves of the lean back end (http_lean_server.c, http_lean_client.c); hx_http_lean in
 * http_lean_server.c puts them together. */

enum { HX_LEAN_READ_BYTES = 16 * 1024 };

enum otel_err hx_lean_client_new(struct event_base *base, const char *host, uint16_t port,
                                 struct hx_http_client **ret);
enum otel_err hx_lean_client_call(struct hx_http_client *client, const struct hx_http_call *call);
void hx_lean_client_free(struct hx_http_client *client);

#endif
