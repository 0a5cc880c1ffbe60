/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_RESPONSE_H
#define OTL_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <http_parser.h>

#include "sdk/base/buf.h"

/*
 * Reader of one HTTP/1.x answer: bytes in, status, a few headers and the body out. No I/O.
 *
 * http-parser splits the bytes; it is lenient, so what a foreign peer might send is checked again
 * here: field names are tokens, values hold no control characters, a length is given once and not
 * beside a transfer coding, the only coding is chunked, sizes have limits.
 *
 * Life      init -> begin -> feed... -> (begin -> feed...)... -> fini.
 * Threads   one owner.
 * Memory    the body is copied into a buffer that is reused; views into it live until begin.
 * Limits    body max_body bytes (OTL_RESPONSE_TOO_LARGE, known as soon as Content-Length is);
 *           header block 32 KiB, 128 fields, 8 interim answers, and 64 KiB + 8 * max_body bytes on
 *           the wire in all (anything more is garbage).
 */

enum otl_response_state {
    OTL_RESPONSE_MORE,      /* feed further bytes */
    OTL_RESPONSE_DONE,      /* the answer is whole */
    OTL_RESPONSE_GARBAGE,   /* not an answer we understand; close the connection */
    OTL_RESPONSE_TOO_LARGE, /* over max_body; close the connection */
    OTL_RESPONSE_MEMORY
};

enum { OTL_RESPONSE_HEADER_MAX = 128 };

struct otl_response {
    http_parser parser;
    enum otl_response_state state;
    size_t max_body;
    uint64_t wire_bytes; /* of this answer */
    unsigned status;     /* 0 until the status line of a final answer was read */
    bool head_done;      /* the header block of a final answer is whole */
    bool keep_alive;     /* valid when DONE: another request may follow on this connection */
    struct otl_buf body;
    char retry_after[OTL_RESPONSE_HEADER_MAX]; /* "" if absent or longer */
    char content_type[OTL_RESPONSE_HEADER_MAX];
    char content_encoding[OTL_RESPONSE_HEADER_MAX];
    /* the header block being read */
    size_t header_bytes;
    unsigned fields;
    unsigned interim;
    bool in_value;
    bool has_length;
    bool has_coding;
    size_t name_len;
    size_t value_len;
    char name[32]; /* longer names are of no interest; name_len counts on */
    char value[OTL_RESPONSE_HEADER_MAX];
};

void otl_response_init(struct otl_response *response, size_t max_body);
void otl_response_fini(struct otl_response *response);
/* Forget the last answer; the next byte starts another. */
void otl_response_begin(struct otl_response *response);

/* Read len bytes; len 0 means that the peer closed. Bytes behind a whole answer clear keep_alive.
 * Returns the state, which is also in response->state. */
enum otl_response_state otl_response_feed(struct otl_response *response, const char *data,
                                          size_t len);

#endif
