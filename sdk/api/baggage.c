/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/baggage.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"

struct otel_baggage {
    size_t refs;
    size_t count;
    struct otel_baggage_entry entries[]; /* their text follows */
};

/* Entries collected for a new baggage; views into the caller's and the old baggage's memory. */
struct draft {
    struct otel_baggage_entry *entries;
    size_t count;
};

struct otel_baggage *otel_baggage_ref(struct otel_baggage *baggage)
{
    if (baggage != NULL)
        __atomic_fetch_add(&baggage->refs, 1, __ATOMIC_RELAXED);
    return baggage;
}

void otel_baggage_unref(struct otel_baggage *baggage)
{
    if (baggage != NULL && __atomic_fetch_sub(&baggage->refs, 1, __ATOMIC_ACQ_REL) == 1)
        otl_mem_free(baggage);
}

size_t otel_baggage_count(const struct otel_baggage *baggage)
{
    return baggage != NULL ? baggage->count : 0;
}

bool otel_baggage_at(const struct otel_baggage *baggage, size_t i, struct otel_baggage_entry *ret)
{
    if (i >= otel_baggage_count(baggage))
        return false;
    if (ret != NULL)
        *ret = baggage->entries[i];
    return true;
}

bool otel_baggage_get(const struct otel_baggage *baggage, struct otel_str name,
                      struct otel_baggage_entry *ret)
{
    for (size_t i = 0; i < otel_baggage_count(baggage); i++)
        if (otel_str_equal(baggage->entries[i].name, name)) {
            if (ret != NULL)
                *ret = baggage->entries[i];
            return true;
        }
    return false;
}

static size_t repaired_len(struct otel_str text)
{
    return otl_utf8_repair(text.data, text.len, NULL);
}

static struct otel_str repaired(struct otel_str text, char **at)
{
    struct otel_str copy = otel_strn(*at, otl_utf8_repair(text.data, text.len, *at));

    *at += copy.len;
    return copy;
}

static enum otel_err build(const struct draft *draft, struct otel_baggage **ret)
{
    struct otel_baggage *baggage;
    size_t bytes = 0;
    char *at;

    if (ret == NULL)
        return OTEL_ERR_ARGUMENT;
    for (size_t i = 0; i < draft->count; i++)
        bytes += repaired_len(draft->entries[i].name) + repaired_len(draft->entries[i].value) +
                 repaired_len(draft->entries[i].metadata);
    if (draft->count > OTEL_BAGGAGE_MAX_ENTRIES || bytes > OTEL_BAGGAGE_MAX_BYTES)
        return OTEL_ERR_LIMIT;
    if (draft->count == 0) {
        *ret = NULL;
        return OTEL_OK;
    }
    baggage = otl_mem_alloc(sizeof(*baggage) + draft->count * sizeof(baggage->entries[0]) + bytes);
    if (baggage == NULL)
        return OTEL_ERR_MEMORY;
    baggage->refs = 1;
    baggage->count = draft->count;
    at = (char *)(baggage->entries + draft->count);
    for (size_t i = 0; i < draft->count; i++) {
        baggage->entries[i].name = repaired(draft->entries[i].name, &at);
        baggage->entries[i].value = repaired(draft->entries[i].value, &at);
        baggage->entries[i].metadata = repaired(draft->entries[i].metadata, &at);
    }
    *ret = baggage;
    return OTEL_OK;
}

static enum otel_err draft_init(struct draft *draft, const struct otel_baggage *baggage,
                                size_t extra)
{
    size_t count = otel_baggage_count(baggage);

    if (extra > OTEL_BAGGAGE_MAX_ENTRIES * 4)
        return OTEL_ERR_LIMIT;
    draft->entries = otl_mem_alloc((count + extra) * sizeof(draft->entries[0]));
    if (draft->entries == NULL)
        return OTEL_ERR_MEMORY;
    if (count != 0)
        memcpy(draft->entries, baggage->entries, count * sizeof(draft->entries[0]));
    draft->count = count;
    return OTEL_OK;
}

static void draft_set(struct draft *draft, const struct otel_baggage_entry *entry)
{
    for (size_t i = 0; i < draft->count; i++)
        if (otel_str_equal(draft->entries[i].name, entry->name)) {
            draft->entries[i] = *entry;
            return;
        }
    draft->entries[draft->count++] = *entry;
}

enum otel_err otel_baggage_set_many(const struct otel_baggage *baggage,
                                    const struct otel_baggage_entry *entries, size_t count,
                                    struct otel_baggage **ret)
{
    struct draft draft;
    enum otel_err err;

    if (entries == NULL && count != 0)
        return OTEL_ERR_ARGUMENT;
    for (size_t i = 0; i < count; i++)
        if (entries[i].name.len == 0)
            return OTEL_ERR_ARGUMENT;
    err = draft_init(&draft, baggage, count);
    if (err != OTEL_OK)
        return err;
    for (size_t i = 0; i < count; i++)
        draft_set(&draft, &entries[i]);
    err = build(&draft, ret);
    otl_mem_free(draft.entries);
    return err;
}

enum otel_err otel_baggage_set(const struct otel_baggage *baggage,
                               const struct otel_baggage_entry *entry, struct otel_baggage **ret)
{
    return otel_baggage_set_many(baggage, entry, 1, ret);
}

enum otel_err otel_baggage_remove(const struct otel_baggage *baggage, struct otel_str name,
                                  struct otel_baggage **ret)
{
    struct draft draft;
    enum otel_err err = draft_init(&draft, baggage, 0);
    size_t kept = 0;

    if (err != OTEL_OK)
        return err;
    for (size_t i = 0; i < draft.count; i++)
        if (!otel_str_equal(draft.entries[i].name, name))
            draft.entries[kept++] = draft.entries[i];
    draft.count = kept;
    err = build(&draft, ret);
    otl_mem_free(draft.entries);
    return err;
}
