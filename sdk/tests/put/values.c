/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as words: s:TEXT i:INT d:REAL b:0|1 x:HEX e: and, with words of their own in between,
 * [ ... ] of any values, { KEY VALUE ... }, S[ ... ] I[ ... ] D[ ... ] B[ ... ] of one type.
 */
#include <stdlib.h>
#include <string.h>

#include <otel/trace_state.h>

#include "sdk/tests/put/put.h"

static struct otel_value read_value(struct put *put, struct put_words *words);

static bool closes(struct put_words *words, char bracket)
{
    if (words->at < words->count) {
        struct otel_str word = words->words[words->at];

        if (word.len != 1 || word.data[0] != bracket)
            return false;
        words->at++;
    }
    return true;
}

static struct otel_value read_list(struct put *put, struct put_words *words)
{
    size_t most = words->count - words->at, count = 0;
    struct otel_value *values = put_alloc(put, (most + 1) * sizeof(*values));

    while (!closes(words, ']'))
        values[count++] = read_value(put, words);
    return otel_value_many(OTEL_VALUE_ARRAY, values, count);
}

static struct otel_value read_map(struct put *put, struct put_words *words)
{
    size_t most = words->count - words->at, count = 0;
    struct otel_attribute *entries = put_alloc(put, (most + 1) * sizeof(*entries));

    while (!closes(words, '}')) {
        entries[count].key = put_next(words);
        entries[count].value = read_value(put, words);
        count++;
    }
    return otel_value_many(OTEL_VALUE_MAP, entries, count);
}

static struct otel_value read_typed(struct put *put, struct put_words *words, char type)
{
    struct otel_value list = read_list(put, words);
    const struct otel_value *from = list.as.values;
    struct otel_str *texts = put_alloc(put, (list.count + 1) * sizeof(*texts));
    int64_t *integers = put_alloc(put, (list.count + 1) * sizeof(*integers));
    double *reals = put_alloc(put, (list.count + 1) * sizeof(*reals));
    bool *booleans = put_alloc(put, list.count + 1);

    for (size_t i = 0; i < list.count; i++) {
        if (from[i].type == OTEL_VALUE_STRING)
            texts[i] = otel_strn(from[i].as.string, from[i].count);
        integers[i] = from[i].type == OTEL_VALUE_INT ? from[i].as.integer : 0;
        reals[i] = from[i].type == OTEL_VALUE_DOUBLE ? from[i].as.real : 0;
        booleans[i] = from[i].type == OTEL_VALUE_BOOL && from[i].as.boolean;
    }
    switch (type) {
    case 'S':
        return otel_value_many(OTEL_VALUE_STRING_ARRAY, texts, list.count);
    case 'I':
        return otel_value_many(OTEL_VALUE_INT_ARRAY, integers, list.count);
    case 'D':
        return otel_value_many(OTEL_VALUE_DOUBLE_ARRAY, reals, list.count);
    default:
        return otel_value_many(OTEL_VALUE_BOOL_ARRAY, booleans, list.count);
    }
}

static struct otel_value read_value(struct put *put, struct put_words *words)
{
    struct otel_str word = put_next(words);
    uint8_t *bytes;

    if (word.len == 1 && word.data[0] == '[')
        return read_list(put, words);
    if (word.len == 1 && word.data[0] == '{')
        return read_map(put, words);
    if (word.len == 2 && word.data[1] == '[')
        return read_typed(put, words, word.data[0]);
    if (word.len < 2 || word.data[1] != ':')
        return otel_value_empty();
    switch (word.data[0]) {
    case 's':
        return otel_value_strn(word.data + 2, word.len - 2);
    case 'i':
        return otel_value_int(strtoll(word.data + 2, NULL, 10));
    case 'd':
        return otel_value_double(strtod(word.data + 2, NULL));
    case 'b':
        return otel_value_bool(word.data[2] == '1');
    case 'x':
        bytes = put_alloc(put, word.len);
        if (!put_hex(otel_strn(word.data + 2, word.len - 2), bytes, (word.len - 2) / 2))
            return otel_value_empty();
        return otel_value_many(OTEL_VALUE_BYTES, bytes, (word.len - 2) / 2);
    default:
        return otel_value_empty();
    }
}

struct otel_attribute *put_attributes(struct put *put, struct put_words *words, size_t *ret_count)
{
    size_t most = words->count - words->at;
    struct otel_attribute *attributes = put_alloc(put, (most + 1) * sizeof(*attributes));

    *ret_count = 0;
    while (words->at < words->count) {
        struct otel_attribute *attribute = &attributes[(*ret_count)++];

        attribute->key = put_next(words);
        attribute->value = read_value(put, words);
    }
    return attributes;
}

/* TRACE_ID SPAN_ID FLAGS TRACE_STATE KEY VALUE... */
bool put_link(struct put *put, struct put_words *words, struct otel_link *ret)
{
    struct otel_trace_state *state = NULL;

    memset(ret, 0, sizeof(*ret));
    if (!put_hex(put_next(words), ret->context.trace_id, sizeof(ret->context.trace_id)) ||
        !put_hex(put_next(words), ret->context.span_id, sizeof(ret->context.span_id)))
        return false;
    ret->context.flags = (uint8_t)put_number(words, 0);
    ret->context.is_remote = true;
    if (otel_trace_state_parse(put_next(words), &state) != OTEL_OK)
        return false;
    ret->context.trace_state = state; /* the caller's */
    ret->attributes = put_attributes(put, words, &ret->attribute_count);
    return true;
}
