/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_CARRIER_H
#define HX_SERVICE_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/propagation.h>

#include "harness/ledger/writer.h"
#include "harness/service/http.h"
#include "sdk/base/arena.h"

/*
 * Carrier: the headers of one message, of HTTP and Kafka alike, as propagators read and write them
 * and as the ledger keeps them.
 *
 * Life      init -> add... (reading side) or inject (writing side); dies with its arena.
 * Threads   one owner.
 * Memory    names and values are borrowed when read; what a propagator sets is copied to the arena.
 * Limits    HX_CARRIER_MAX headers; further ones are left out and counted.
 */

enum { HX_CARRIER_MAX = HX_HTTP_MAX_HEADERS };

#define HX_REQUEST_HEADER "tracerig-request"
enum { HX_REQUEST_HEADER_LEN = 33 }; /* two times 16 hexadecimal digits and a '-' */

struct hx_carrier {
    struct otl_arena *arena;
    struct hx_http_header items[HX_CARRIER_MAX];
    size_t count;
    size_t left_out;
};

extern const struct otel_text_map_getter hx_carrier_getter;
extern const struct otel_text_map_setter hx_carrier_setter;

void hx_carrier_init(struct hx_carrier *carrier, struct otl_arena *arena);
void hx_carrier_add(struct hx_carrier *carrier, struct otl_view name, struct otl_view value);
/* An hx_http_header_fn: arg is the carrier. */
void hx_carrier_add_header(void *arg, const struct hx_http_header *header);
/* The first value of name, without regard to case; false if absent. */
bool hx_carrier_get(const struct hx_carrier *carrier, const char *name, struct otl_view *ret);
/* The three propagation headers as the ledger keeps them: several of a name joined by \n. */
void hx_carrier_headers(const struct hx_carrier *carrier, struct hx_led_headers *ret);

/* tracerig-request: request and seq of the calling row. False: absent or malformed. */
bool hx_request_header_read(const struct hx_carrier *carrier, uint64_t *ret_request,
                            uint64_t *ret_caller_seq);
/* out has HX_REQUEST_HEADER_LEN + 1 bytes; returned as a view. */
struct otl_view hx_request_header_write(uint64_t request, uint64_t seq, char *out);

#endif
