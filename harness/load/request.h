/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_REQUEST_H
#define HX_LOAD_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

#include "harness/load/incoming.h"
#include "harness/load/schedule.h"
#include "harness/scenario/scenario.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * Request template: everything of an HTTP/1.1 request that does not change is built once; for each
 * request its number is patched in, and header values and a remote parent are drawn from its seed.
 *
 * Each request carries "tracerig-request: <16 hex request>-0000000000000000".
 *
 * Life      new -> render... -> free.
 * Threads   immutable after new.
 * Memory    options are copied, the body too.
 * Limits    a head of HX_REQUEST_HEAD_MAX bytes, 64 headers, a body of HX_REQUEST_BODY_MAX bytes.
 */

enum { HX_REQUEST_HEAD_MAX = 64 * 1024, HX_REQUEST_BODY_MAX = 64 * 1024 * 1024 };

struct hx_request_options {
    const char *method;    /* "GET" */
    const char *path;      /* "/x?y", starts with '/' */
    const char *authority; /* "host:port", for Host unless a header says it */
    const struct hx_load_header *headers;
    size_t header_count;
    struct otl_view body;
    struct hx_incoming_shares incoming; /* remote parents */
};

struct hx_request_template;

/* OTEL_ERR_ARGUMENT: not a method, path or header that HTTP allows, a header that the generator
 * writes itself (Content-Length, Transfer-Encoding, Connection, traceparent together with shares,
 * tracerig-request), shares that are not within [0, 1]; OTEL_ERR_LIMIT; OTEL_ERR_MEMORY: with
 * *reterr filled. */
OTEL_MUST_USE enum otel_err hx_request_template_new(const struct hx_request_options *options,
                                                    struct hx_request_template **ret,
                                                    struct otl_detail *reterr);
void hx_request_template_free(struct hx_request_template *request);

/* Bytes that the longest head needs. */
size_t hx_request_head_max(const struct hx_request_template *request);
struct otl_view hx_request_body(const struct hx_request_template *request);

struct hx_rendered {
    size_t len;                  /* of the head */
    struct hx_incoming incoming; /* what came with it; its view points inside out */
    bool head_only;              /* HEAD: the answer has no body */
};

/* Write the head of this request to out, which has room for hx_request_head_max() bytes. */
void hx_request_render(const struct hx_request_template *request, const struct hx_planned *planned,
                       char *out, struct hx_rendered *ret);

#endif
