/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RELAY_HTTP_H
#define HX_RELAY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * HTTP/1 messages as they stand on the wire: where a head ends, what its headers are byte by byte,
 * how far its body goes. A strict reader towards programs that we have not written.
 *
 * Not a parser for serving requests: nothing is decoded, normalised or merged. Names and values are
 * views of the bytes as they came, in their order, duplicates included.
 *
 * Life      values; nothing to free.
 * Threads   no state but the caller's.
 * Memory    views point into the bytes that were given.
 * Limits    HX_RELAY_HEAD_MAX bytes and HX_RELAY_HEADERS_MAX headers a head, HX_RELAY_LINE_MAX
 *           bytes a chunk's line, HX_RELAY_TRAILER_MAX bytes of trailers.
 *
 * Refused, each with a sentence: bare line feeds, folded lines, blanks before a colon, control
 * characters, other versions than 1.0 and 1.1, Content-Length that is no number or comes twice with
 * different values, together with Transfer-Encoding, or any transfer coding but chunked. What is
 * not refused goes on unchanged.
 */

enum {
    HX_RELAY_HEAD_MAX = 64 * 1024,
    HX_RELAY_HEADERS_MAX = 128,
    HX_RELAY_LINE_MAX = 4096,
    HX_RELAY_TRAILER_MAX = 16 * 1024
};

enum hx_relay_framing {
    HX_RELAY_NO_BODY,
    HX_RELAY_LENGTH,
    HX_RELAY_CHUNKED,
    HX_RELAY_UNTIL_CLOSE /* responses only */
};

struct hx_relay_header {
    struct otl_view name;
    struct otl_view value; /* without the blanks around it */
};

struct hx_relay_head {
    size_t size;           /* bytes up to the end of the empty line */
    struct otl_view method, target; /* request */
    unsigned status;       /* response */
    enum hx_relay_framing framing;
    uint64_t length;       /* HX_RELAY_LENGTH */
    struct hx_relay_header headers[HX_RELAY_HEADERS_MAX];
    size_t header_count;
    const char *error;     /* static; NULL = none */
};

enum hx_relay_parsed { HX_RELAY_MORE, HX_RELAY_WHOLE, HX_RELAY_BAD };

/* HX_RELAY_MORE: no empty line yet. HX_RELAY_BAD: ret->error says why. */
enum hx_relay_parsed hx_relay_read_request(const char *data, size_t len,
                                           struct hx_relay_head *ret);
/* to_head: it answers a HEAD request. */
enum hx_relay_parsed hx_relay_read_response(const char *data, size_t len, bool to_head,
                                            struct hx_relay_head *ret);
/* The first header of that name, without regard to case; NULL: none. */
const struct hx_relay_header *hx_relay_header(const struct hx_relay_head *head, const char *name);

struct hx_relay_body {
    enum hx_relay_framing framing;
    uint64_t left;         /* of the length, or of the chunk */
    unsigned state;        /* of the chunked reader */
    size_t line;           /* bytes of the line so far */
    size_t trailers;
    bool digits;
    bool over;
    const char *error;     /* static; NULL = none */
};

typedef void (*hx_relay_payload_fn)(void *arg, const char *data, size_t len);

void hx_relay_body_init(struct hx_relay_body *body, const struct hx_relay_head *head);
/* How many of the bytes belong to this body; the rest belongs to the next message. payload (may be
 * NULL) gets what the body holds, without its chunks. Look at over and error afterwards. */
size_t hx_relay_body_take(struct hx_relay_body *body, const char *data, size_t len,
                          hx_relay_payload_fn payload, void *arg);

#endif
