/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/mem.h"
#include "sdk/otlp/wire.h"
#include "sdk/trace/span_impl.h"

static bool take_budget(struct otel_sdk_provider *provider, uint64_t bytes)
{
    uint64_t taken = __atomic_add_fetch(&provider->overflow_bytes, bytes, __ATOMIC_RELAXED);

    if (taken <= provider->max_overflow_bytes)
        return true;
    __atomic_sub_fetch(&provider->overflow_bytes, bytes, __ATOMIC_RELAXED);
    return false;
}

static void give_budget(struct otel_sdk_provider *provider, uint64_t bytes)
{
    __atomic_sub_fetch(&provider->overflow_bytes, bytes, __ATOMIC_RELAXED);
}

static bool on_heap(const struct otl_span *span)
{
    return span->body != span->inline_body;
}

static bool grow(struct otl_span *span, size_t need)
{
    struct otel_sdk_provider *provider = span->tracer->provider;
    size_t cap = (size_t)span->body_cap * 2;
    uint8_t *body;

    need += span->body_len + OTL_SPAN_TAIL;
    if (need > provider->max_span_bytes)
        return false;
    if (cap < need)
        cap = need;
    if (cap > provider->max_span_bytes)
        cap = provider->max_span_bytes;
    if (!take_budget(provider, cap))
        return false;
    body = otl_mem_alloc(cap);
    if (body == NULL) {
        give_budget(provider, cap);
        return false;
    }
    memcpy(body, span->body, span->body_len);
    otl_body_release(span);
    span->body = body;
    span->body_cap = (uint32_t)cap;
    return true;
}

/* Room for need more bytes at the end; NULL: over a limit, or no memory. */
uint8_t *otl_body_room(struct otl_span *span, size_t need)
{
    if (__builtin_expect(need > otl_body_left(span), 0) && !grow(span, need))
        return NULL;
    return span->body + span->body_len;
}

void otl_body_release(struct otl_span *span)
{
    if (!on_heap(span))
        return;
    give_budget(span->tracer->provider, span->body_cap);
    otl_mem_free(span->body);
    span->body = span->inline_body;
    span->body_cap = OTL_INLINE_BODY;
}

size_t otl_body_field_size(const struct otl_span *span, uint32_t at)
{
    const uint8_t *p = span->body + at + 1;
    size_t len = 0;
    unsigned shift = 0;

    do {
        len |= (size_t)(*p & 0x7f) << shift;
        shift += 7;
    } while (*p++ & 0x80);
    return (size_t)(p - (span->body + at)) + len;
}

void otl_body_kill(struct otl_span *span, uint32_t at)
{
    span->body[at] = OTL_TAG_DEAD;
    span->body_dead += (uint32_t)otl_body_field_size(span, at);
}

void otl_body_squeeze(struct otl_span *span)
{
    uint32_t from = OTL_AT_FIELDS, to = OTL_AT_FIELDS;

    if (span->body_dead == 0)
        return;
    while (from < span->body_len) {
        uint32_t size = (uint32_t)otl_body_field_size(span, from);
        if (span->body[from] != OTL_TAG_DEAD) {
            memmove(span->body + to, span->body + from, size);
            to += size;
        }
        from += size;
    }
    span->body_len = to;
    span->body_dead = 0;
    span->name_at = 0;
    span->status_at = 0;
}
