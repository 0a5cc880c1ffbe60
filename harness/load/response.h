/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_RESPONSE_H
#define HX_LOAD_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * Strict reader of HTTP/1.1 answers: bytes in, state out, no I/O. It keeps nothing of the body.
 *
 * Strict: lines end in CRLF, no folded header lines, no blanks before a colon, one framing (a
 * second Content-Length, or one beside Transfer-Encoding, is malformed), chunked is the only
 * transfer coding, 101 is malformed because nobody asked for it. Other 1xx answers are passed over.
 *
 * Life      init -> (begin -> feed... until DONE or BAD)... -> fini.
 * Threads   one owner.
 * Limits    lines of HX_RESPONSE_LINE_MAX bytes, HX_RESPONSE_HEADERS_MAX header lines (trailers
 *           included), 16 interim answers.
 */

enum { HX_RESPONSE_LINE_MAX = 16 * 1024, HX_RESPONSE_HEADERS_MAX = 256 };

enum hx_response_state { HX_RESPONSE_MORE, HX_RESPONSE_DONE, HX_RESPONSE_BAD };

enum hx_response_step {
    HX_RESPONSE_STATUS_LINE,
    HX_RESPONSE_HEADER,
    HX_RESPONSE_BODY_LENGTH,
    HX_RESPONSE_BODY_CLOSE,
    HX_RESPONSE_CHUNK_SIZE,
    HX_RESPONSE_CHUNK_DATA,
    HX_RESPONSE_CHUNK_END,
    HX_RESPONSE_TRAILER,
    HX_RESPONSE_FINISHED,
    HX_RESPONSE_FAILED
};

struct hx_response {
    enum hx_response_step step;
    int status;          /* of the final answer, once its status line was read */
    bool keep_alive;     /* the connection may be used again after DONE */
    bool head_only;      /* the answer to HEAD */
    bool chunked;
    bool has_length;
    bool started;        /* at least one byte was fed */
    uint64_t left;       /* bytes of body or chunk still to come */
    uint64_t body_bytes;
    unsigned headers;
    unsigned interim;
    const char *problem; /* what is malformed; static; NULL unless BAD */
    struct otl_buf line; /* a line that came in pieces */
};

void hx_response_init(struct hx_response *response);
void hx_response_fini(struct hx_response *response);
/* Expect the next answer; head_only: it answers a HEAD request. */
void hx_response_begin(struct hx_response *response, bool head_only);

/* *ret_used tells how many of the bytes belong to this answer; less than all only with DONE. */
enum hx_response_state hx_response_feed(struct hx_response *response, struct otl_view data,
                                        size_t *ret_used);
/* The peer closed: DONE if that is how this answer ends, else BAD. */
enum hx_response_state hx_response_end(struct hx_response *response);

#endif
