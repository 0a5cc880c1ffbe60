/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CANON_H
#define HX_CANON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/ledger/format.h"

/*
 * Canonical content hash of a span: the service feeds it what it asks of the API, in the order in
 * which it asks, the verifier feeds it what arrived. Equal hashes mean that nothing was altered.
 *
 * Not a checksum of bytes: two encodings of the same content hash alike. What is neutral and what
 * is not, both sides at once:
 *   attributes  a set over unique keys; order does not matter, a later value of a key replaces the
 *               earlier one; type counts (1 is neither 1.0 nor "1"); an empty key is no attribute;
 *               all NaN are one, 0.0 and -0.0 are two. tracerig.seq is an attribute like others.
 *   arrays      ordered, each element with its type; an empty array has no element type.
 *   events      ordered; name and attributes count, the time does not.
 *   links       ordered; ids, tracestate and attributes count, flags do not. A link to an invalid
 *               context counts only if it carries a tracestate or an attribute.
 *   status      UNSET is not a request; after OK nothing changes it; a description counts only
 *               with ERROR.
 *   limits      the specification's defaults: new keys over HX_CANON_MAX_ATTRIBUTES, events and
 *               links over HX_CANON_MAX_ITEMS are left out (values of known keys still change).
 *   resource    hx_canon_attrs over everything that was asked of the resource (service.name,
 *               service.instance.id, service.version, declared ones), not over telemetry.sdk.*.
 *
 * Life      hx_canon_init() or hx_canon_attrs_init() -> any of the others -> finish or sum.
 *           Nothing to free; the same struct may be initialised again.
 * Threads   one owner.
 * Memory    a plain value (about 2 KiB, mostly untouched); no text is kept, none is allocated.
 */

enum { HX_CANON_MAX_ATTRIBUTES = 128, HX_CANON_MAX_ITEMS = 128 };

struct hx_canon_attrs {
    uint64_t sum;
    uint32_t count;
    uint32_t dropped;
    uint64_t keys[HX_CANON_MAX_ATTRIBUTES];  /* hash of the key */
    uint64_t pairs[HX_CANON_MAX_ATTRIBUTES]; /* hash of key, type and value */
};

/* One array or any other composed value, element after element. */
struct hx_canon_value {
    uint64_t hash;
    uint64_t count;
};

struct hx_canon {
    uint64_t name;
    uint64_t events;
    uint64_t links;
    uint64_t description;
    uint32_t event_count;
    uint32_t link_count;
    uint32_t status; /* OTLP: 0 unset, 1 ok, 2 error */
    struct hx_canon_attrs attributes;
};

/* ---- attributes ----------------------------------------------------------------------------- */

void hx_canon_attrs_init(struct hx_canon_attrs *attrs);
void hx_canon_string(struct hx_canon_attrs *attrs, const char *key, size_t key_len,
                     const char *value, size_t len);
void hx_canon_bool(struct hx_canon_attrs *attrs, const char *key, size_t key_len, bool value);
void hx_canon_int(struct hx_canon_attrs *attrs, const char *key, size_t key_len, int64_t value);
void hx_canon_double(struct hx_canon_attrs *attrs, const char *key, size_t key_len, double value);
/* Composed: hx_canon_array_begin(), one hx_canon_array_... for each element, hx_canon_array(). */
void hx_canon_array(struct hx_canon_attrs *attrs, const char *key, size_t key_len,
                    const struct hx_canon_value *array);
/* A value of a type that our API cannot ask for (bytes, key-value list, none): raw encoding. */
void hx_canon_other(struct hx_canon_attrs *attrs, const char *key, size_t key_len,
                    const void *raw, size_t len);

void hx_canon_array_begin(struct hx_canon_value *array);
void hx_canon_array_string(struct hx_canon_value *array, const char *value, size_t len);
void hx_canon_array_bool(struct hx_canon_value *array, bool value);
void hx_canon_array_int(struct hx_canon_value *array, int64_t value);
void hx_canon_array_double(struct hx_canon_value *array, double value);
void hx_canon_array_other(struct hx_canon_value *array, const void *raw, size_t len);

/* The set as one number; 0 for an empty one. */
static inline uint64_t hx_canon_attrs_sum(const struct hx_canon_attrs *attrs)
{
    return attrs->sum;
}

/* ---- span ----------------------------------------------------------------------------------- */

void hx_canon_init(struct hx_canon *canon, const char *name, size_t len);
/* The name was updated. */
void hx_canon_name(struct hx_canon *canon, const char *name, size_t len);
/* attrs may be NULL: none. */
void hx_canon_event(struct hx_canon *canon, const char *name, size_t len,
                    const struct hx_canon_attrs *attrs);
/* What record exception asks for: event "exception" with exception.type and exception.message,
 * each only if not empty (NUL-terminated, NULL = empty). */
void hx_canon_exception(struct hx_canon *canon, const char *type, const char *message);
void hx_canon_link(struct hx_canon *canon, const uint8_t trace_id[16], const uint8_t span_id[8],
                   const char *tracestate, size_t len, const struct hx_canon_attrs *attrs);
void hx_canon_status(struct hx_canon *canon, uint32_t status, const char *description, size_t len);
void hx_canon_finish(const struct hx_canon *canon, struct hx_led_content *ret);

#endif
