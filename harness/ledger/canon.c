/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/ledger/canon.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>

/* One tag a type: a value never equals the same bytes under another type. */
enum canon_tag {
    TAG_STRING = 1,
    TAG_BOOL,
    TAG_INT,
    TAG_DOUBLE,
    TAG_ARRAY,
    TAG_OTHER,
    TAG_KEY,
    TAG_NAME,
    TAG_EVENT,
    TAG_LINK,
    TAG_STATUS
};

static uint64_t bytes_hash(enum canon_tag tag, const void *data, size_t len)
{
    return XXH3_64bits_withSeed(len > 0 ? data : "", len, (uint64_t)tag);
}

/* Order matters: fold(fold(s, a), b) != fold(fold(s, b), a). */
static uint64_t fold(uint64_t state, uint64_t word)
{
    uint64_t pair[2] = {state, word};

    return XXH3_64bits(pair, sizeof pair);
}

static uint64_t double_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return value != value ? UINT64_C(0x7ff8000000000000) : bits;
}

static uint64_t word_hash(enum canon_tag tag, uint64_t word)
{
    return bytes_hash(tag, &word, sizeof word);
}

/* ---- attributes ----------------------------------------------------------------------------- */

void hx_canon_attrs_init(struct hx_canon_attrs *attrs)
{
    attrs->sum = 0;
    attrs->count = 0;
    attrs->dropped = 0;
}

static void put(struct hx_canon_attrs *attrs, const char *key, size_t key_len, uint64_t value)
{
    uint64_t key_hash, pair;

    if (key_len == 0)
        return;
    key_hash = bytes_hash(TAG_KEY, key, key_len);
    pair = fold(key_hash, value);
    for (uint32_t i = 0; i < attrs->count; i++) {
        if (attrs->keys[i] != key_hash)
            continue;
        attrs->sum += pair - attrs->pairs[i];
        attrs->pairs[i] = pair;
        return;
    }
    if (attrs->count == HX_CANON_MAX_ATTRIBUTES) {
        attrs->dropped++;
        return;
    }
    attrs->keys[attrs->count] = key_hash;
    attrs->pairs[attrs->count++] = pair;
    attrs->sum += pair;
}

void hx_canon_string(struct hx_canon_attrs *attrs, const char *key, size_t key_len,
                     const char *value, size_t len)
{
    put(attrs, key, key_len, bytes_hash(TAG_STRING, value, len));
}

void hx_canon_bool(struct hx_canon_attrs *attrs, const char *key, size_t key_len, bool value)
{
    put(attrs, key, key_len, word_hash(TAG_BOOL, value ? 1 : 0));
}

void hx_canon_int(struct hx_canon_attrs *attrs, const char *key, size_t key_len, int64_t value)
{
    put(attrs, key, key_len, word_hash(TAG_INT, (uint64_t)value));
}

void hx_canon_double(struct hx_canon_attrs *attrs, const char *key, size_t key_len, double value)
{
    put(attrs, key, key_len, word_hash(TAG_DOUBLE, double_bits(value)));
}

void hx_canon_array(struct hx_canon_attrs *attrs, const char *key, size_t key_len,
                    const struct hx_canon_value *array)
{
    put(attrs, key, key_len, fold(array->hash, array->count));
}

void hx_canon_other(struct hx_canon_attrs *attrs, const char *key, size_t key_len,
                    const void *raw, size_t len)
{
    put(attrs, key, key_len, bytes_hash(TAG_OTHER, raw, len));
}

/* ---- arrays --------------------------------------------------------------------------------- */

void hx_canon_array_begin(struct hx_canon_value *array)
{
    array->hash = TAG_ARRAY;
    array->count = 0;
}

static void element(struct hx_canon_value *array, uint64_t value)
{
    array->hash = fold(array->hash, value);
    array->count++;
}

void hx_canon_array_string(struct hx_canon_value *array, const char *value, size_t len)
{
    element(array, bytes_hash(TAG_STRING, value, len));
}

void hx_canon_array_bool(struct hx_canon_value *array, bool value)
{
    element(array, word_hash(TAG_BOOL, value ? 1 : 0));
}

void hx_canon_array_int(struct hx_canon_value *array, int64_t value)
{
    element(array, word_hash(TAG_INT, (uint64_t)value));
}

void hx_canon_array_double(struct hx_canon_value *array, double value)
{
    element(array, word_hash(TAG_DOUBLE, double_bits(value)));
}

void hx_canon_array_other(struct hx_canon_value *array, const void *raw, size_t len)
{
    element(array, bytes_hash(TAG_OTHER, raw, len));
}

/* ---- span ----------------------------------------------------------------------------------- */

void hx_canon_init(struct hx_canon *canon, const char *name, size_t len)
{
    canon->events = TAG_EVENT;
    canon->links = TAG_LINK;
    canon->description = 0;
    canon->event_count = 0;
    canon->link_count = 0;
    canon->status = 0;
    hx_canon_attrs_init(&canon->attributes);
    hx_canon_name(canon, name, len);
}

void hx_canon_name(struct hx_canon *canon, const char *name, size_t len)
{
    canon->name = bytes_hash(TAG_NAME, name, len);
}

void hx_canon_event(struct hx_canon *canon, const char *name, size_t len,
                    const struct hx_canon_attrs *attrs)
{
    if (canon->event_count == HX_CANON_MAX_ITEMS)
        return;
    canon->event_count++;
    canon->events = fold(canon->events, bytes_hash(TAG_EVENT, name, len));
    canon->events = fold(canon->events, attrs != NULL ? attrs->sum : 0);
}

void hx_canon_exception(struct hx_canon *canon, const char *type, const char *message)
{
    static const char event[] = "exception";
    static const char type_key[] = "exception.type";
    static const char message_key[] = "exception.message";
    struct hx_canon_attrs attrs;

    hx_canon_attrs_init(&attrs);
    if (type != NULL && type[0] != '\0')
        hx_canon_string(&attrs, type_key, sizeof type_key - 1, type, strlen(type));
    if (message != NULL && message[0] != '\0')
        hx_canon_string(&attrs, message_key, sizeof message_key - 1, message, strlen(message));
    hx_canon_event(canon, event, sizeof event - 1, &attrs);
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;

    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

void hx_canon_link(struct hx_canon *canon, const uint8_t trace_id[16], const uint8_t span_id[8],
                   const char *tracestate, size_t len, const struct hx_canon_attrs *attrs)
{
    bool invalid = all_zero(trace_id, 16) || all_zero(span_id, 8);

    if (invalid && len == 0 && (attrs == NULL || attrs->count == 0))
        return;
    if (canon->link_count == HX_CANON_MAX_ITEMS)
        return;
    canon->link_count++;
    canon->links = fold(canon->links, bytes_hash(TAG_LINK, trace_id, 16));
    canon->links = fold(canon->links, bytes_hash(TAG_LINK, span_id, 8));
    canon->links = fold(canon->links, bytes_hash(TAG_LINK, tracestate, len));
    canon->links = fold(canon->links, attrs != NULL ? attrs->sum : 0);
}

void hx_canon_status(struct hx_canon *canon, uint32_t status, const char *description, size_t len)
{
    if (status == 0 || canon->status == 1)
        return;
    canon->status = status;
    canon->description = status == 2 ? bytes_hash(TAG_STATUS, description, len) : 0;
}

void hx_canon_finish(const struct hx_canon *canon, struct hx_led_content *ret)
{
    ret->name = canon->name;
    ret->attributes = canon->attributes.sum;
    ret->events = fold(canon->events, canon->event_count);
    ret->links = fold(canon->links, canon->link_count);
    ret->status = fold(word_hash(TAG_STATUS, canon->status), canon->description);
}
