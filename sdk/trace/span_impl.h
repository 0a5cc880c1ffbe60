/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_SPAN_IMPL_H
#define OTL_SPAN_IMPL_H

#include "sdk/trace/provider_impl.h"

/*
 * The inside of a recording span: one block of OTL_SPAN_BLOCK bytes with the OTLP bytes in it.
 *
 * body holds the finished bytes of message Span at any time: the fields of fixed size first, then
 * length-delimited fields in the order in which they were set. A field that was replaced by one
 * of another size becomes a tombstone (its tag byte is OTL_TAG_DEAD) and is squeezed out at the
 * end.
 *
 * Life      got from the provider's pool by start, put back by the last unref.
 * Threads   mutators take the span's lock; while it is being ended only the ending thread changes
 *           it, from inside of on_ending, and after the end nothing does.
 * Memory    body grows out of the block onto the heap, within the provider's limits; so does the
 *           index of keys.
 */

enum {
    OTL_SPAN_BLOCK = 960, /* with its place in the queue and the slab: under 1 KiB */
    OTL_SPAN_KEYS = 16,  /* index entries inside the block */
    OTL_SPAN_TAIL = 24,  /* always left in body for the three dropped counts */
    OTL_TAG_DEAD = 0x02, /* field 0: never on the wire */
    OTL_AT_TRACE_ID = 2, /* offsets in body */
    OTL_AT_SPAN_ID = 20,
    OTL_AT_KIND = 29,
    OTL_AT_START = 31,
    OTL_AT_END = 40,
    OTL_AT_FLAGS = 50,
    OTL_AT_FIELDS = 54,   /* from here on length-delimited fields with one-byte tags */
    OTL_AT_PARENT_ID = 56 /* when there is a parent */
};

struct otl_key {
    uint32_t print; /* of the key */
    uint32_t at;    /* offset of its field in body */
};

enum otl_span_state { OTL_SPAN_OPEN, OTL_SPAN_ENDING, OTL_SPAN_ENDED };

struct otl_span {
    struct otel_span api;
    uint32_t refs;        /* atomic */
    uint8_t lock;         /* atomic */
    uint8_t state;        /* atomic; enum otl_span_state */
    uint8_t status;       /* enum otel_status */
    bool long_values_cut; /* the provider limits the length of values */
    unsigned fork_generation;
    uint32_t body_len;
    uint32_t body_cap;
    uint32_t body_dead; /* bytes in tombstones */
    uint8_t *body;
    struct otl_tracer *tracer;
    struct otel_trace_state *parent_state; /* held only where it is not the span's own one */
    int64_t anchor; /* wall - mono, the same for a whole trace in this process */
    struct otl_key *keys;
    uint64_t key_bits; /* a bit for each key's print: unset means not there */
    uint32_t key_cap;
    uint32_t key_room;           /* min(key_cap, attribute_count_limit) */
    uint32_t name_at, status_at; /* offsets of their fields, or 0 */
    uint32_t attribute_count, event_count, link_count;
    uint32_t dropped_attributes, dropped_events, dropped_links;
    uint32_t dropped_elsewhere; /* attributes of events and links, for the statistics */
    struct otl_key few_keys[OTL_SPAN_KEYS];
    uint8_t inline_body[];
};

/* A span that is not recorded: it has an identity only. */
struct otl_light {
    struct otel_span api;
    uint32_t refs; /* atomic */
    unsigned fork_generation;
    struct otel_sdk_provider *provider;
};

enum { OTL_INLINE_BODY = OTL_SPAN_BLOCK - sizeof(struct otl_span) };

extern const struct otel_span_ops otl_span_ops;
extern struct otel_span_ops otl_light_ops; /* constant once otl_light_set_up() has run */

void otl_span_wait(struct otl_span *span);

static inline void otl_span_lock(struct otl_span *span)
{
    if (__builtin_expect(__atomic_exchange_n(&span->lock, 1, __ATOMIC_ACQUIRE) != 0, 0))
        otl_span_wait(span);
}

static inline void otl_span_unlock(struct otl_span *span)
{
    __atomic_store_n(&span->lock, 0, __ATOMIC_RELEASE);
}

/* Whether this thread is inside of an on_ending of the span. */
bool otl_span_ends_here(const struct otl_span *span);

/* Lock for a change; false (and not locked) if the span takes none any more, or none from this
 * thread, because another one is ending it. */
static inline bool otl_span_enter(struct otl_span *span)
{
    if (span->fork_generation != otl_fork_generation)
        return false; /* belongs to the parent process */
    otl_span_lock(span);
    if (__builtin_expect(span->state == OTL_SPAN_OPEN, 1) || otl_span_ends_here(span))
        return true;
    otl_span_unlock(span);
    return false;
}

/* time.c */
uint64_t otl_mono(const struct otel_sdk_provider *provider);
int64_t otl_anchor_look(struct otel_sdk_provider *provider, uint64_t mono);

/* The wall clock is looked at once a second, by whoever starts a local root then. */
static inline int64_t otl_anchor(struct otel_sdk_provider *provider, uint64_t mono)
{
    if (__builtin_expect(mono < __atomic_load_n(&provider->anchor_due, __ATOMIC_RELAXED), 1))
        return __atomic_load_n(&provider->anchor, __ATOMIC_RELAXED);
    return otl_anchor_look(provider, mono);
}

static inline void otl_span_limit_keys(struct otl_span *span)
{
    uint32_t limit = span->tracer->provider->limits.attribute_count_limit;

    span->key_room = span->key_cap < limit ? span->key_cap : limit;
}

/* Bytes that fit without growing. */
static inline size_t otl_body_left(const struct otl_span *span)
{
    return (size_t)span->body_cap - OTL_SPAN_TAIL - span->body_len;
}

/* body.c: each with the span locked or not yet shared */
uint8_t *otl_body_room(struct otl_span *span, size_t need);
void otl_body_release(struct otl_span *span);
void otl_body_kill(struct otl_span *span, uint32_t at);
void otl_body_squeeze(struct otl_span *span);
/* Length of the field at offset at, head included. */
size_t otl_body_field_size(const struct otl_span *span, uint32_t at);

/* record.c, attribute.c: each with the span locked or not yet shared */
void otl_record_name(struct otl_span *span, struct otel_str name);
void otl_record_attribute(struct otl_span *span, struct otel_str key,
                          const struct otel_value *value);
void otl_record_attributes(struct otl_span *span, const struct otel_attribute *attributes,
                           size_t count);
void otl_record_event(struct otl_span *span, const struct otel_event *event,
                      uint64_t time_unix_nanos);
void otl_record_link(struct otl_span *span, const struct otel_link *link);
void otl_record_status(struct otl_span *span, enum otel_status status, struct otel_str description);

/* span.c */
void otl_span_release(struct otl_span *span);

#endif
