/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/checks.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/text.h"

/* How often a row had which verdict in the runs of one side. */
struct tally {
    size_t pass, fail, inconclusive;
};

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text != NULL ? text : "";
}

/* What a row is known by: the numbers of thresholds change when one is added. NULL: left out. */
static const char *key_of(const json_t *row)
{
    const char *id = text_of(row, "id"), *text = text_of(row, "text");

    if (strncmp(id, "baseline.", 9) == 0)
        return NULL;
    return *text ? text : *id ? id : NULL;
}

static enum otel_err collect(const json_t *const *reports, size_t count, const char *list,
                             json_t *keys)
{
    const json_t *row;
    size_t i;

    for (size_t r = 0; r < count; r++)
        json_array_foreach(json_object_get(reports[r], list), i, row) {
            const char *key = key_of(row);
            if (key != NULL && json_object_get(keys, key) == NULL &&
                json_object_set_new(keys, key, json_true()) != 0)
                return OTEL_ERR_MEMORY;
        }
    return OTEL_OK;
}

static struct tally tally_of(const json_t *const *reports, size_t count, const char *list,
                             const char *key)
{
    struct tally tally = {.pass = 0};
    const json_t *row;
    size_t i;

    for (size_t r = 0; r < count; r++)
        json_array_foreach(json_object_get(reports[r], list), i, row) {
            const char *verdict = text_of(row, "verdict"), *mine = key_of(row);
            if (mine == NULL || strcmp(mine, key) != 0)
                continue;
            tally.pass += strcmp(verdict, "pass") == 0;
            tally.fail += strcmp(verdict, "fail") == 0;
            tally.inconclusive += strcmp(verdict, "inconclusive") == 0;
        }
    return tally;
}

static size_t total(const struct tally *tally)
{
    return tally->pass + tally->fail + tally->inconclusive;
}

static bool lost_judgement(const struct tally *a, const struct tally *b, bool may_vanish)
{
    if (a->fail + a->inconclusive + b->fail > 0)
        return false;
    return b->inconclusive > 0 || (total(b) == 0 && !may_vanish);
}

static void name(struct hx_check_changes *ret, const char *title, const char *key)
{
    size_t used = strlen(ret->text);

    snprintf(ret->text + used, sizeof(ret->text) - used, "%s%.*s", title,
             (int)otl_utf8_prefix(key, strnlen(key, 120)), key);
}

/* Those of one kind, told one after the other; what finds no room is in the number alone. */
static void tell(struct hx_check_changes *ret, const char *title, const char *key, size_t nth)
{
    if (strlen(ret->text) + 120 + 32 >= sizeof(ret->text))
        return;
    if (nth == 1 && ret->text[0] != '\0')
        name(ret, "; ", "");
    name(ret, nth == 1 ? title : ", ", key);
}

/* One pass over a list for those that fail, or for those that are not judged. */
struct pass {
    const json_t *const *a, *const *b;
    size_t count_a, count_b;
    const char *list;
    bool failed;
};

static void look(const struct pass *pass, json_t *keys, struct hx_check_changes *ret)
{
    bool may_vanish = strcmp(pass->list, "checks") == 0;
    const char *key;
    json_t *unused;

    json_object_foreach(keys, key, unused) {
        struct tally a = tally_of(pass->a, pass->count_a, pass->list, key);
        struct tally b = tally_of(pass->b, pass->count_b, pass->list, key);
        if (pass->failed) {
            ret->before += total(&a) > 0;
            if (b.fail > 0 && a.fail == 0)
                tell(ret, "fail now: ", key, ++ret->failed);
        } else if (lost_judgement(&a, &b, may_vanish)) {
            tell(ret, "inconclusive or gone now: ", key, ++ret->not_judged);
        }
    }
}

enum otel_err hx_check_changes(const json_t *const *a, size_t count_a, const json_t *const *b,
                               size_t count_b, struct hx_check_changes *ret)
{
    static const char *const lists[] = {"checks", "expectations"};
    json_t *keys[2] = {json_object(), json_object()};
    enum otel_err err = keys[0] && keys[1] ? OTEL_OK : OTEL_ERR_MEMORY;

    memset(ret, 0, sizeof(*ret));
    for (int l = 0; l < 2 && err == OTEL_OK; l++) {
        err = collect(a, count_a, lists[l], keys[l]);
        if (err == OTEL_OK)
            err = collect(b, count_b, lists[l], keys[l]);
    }
    for (int i = 0; i < 4 && err == OTEL_OK; i++) {
        const struct pass pass = {.a = a, .b = b, .count_a = count_a, .count_b = count_b,
                                  .list = lists[i % 2], .failed = i < 2};
        look(&pass, keys[i % 2], ret);
    }
    json_decref(keys[0]);
    json_decref(keys[1]);
    return err;
}
