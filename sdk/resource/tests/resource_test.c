/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/resource.h>

#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"

static struct otel_sdk_resource *make(const struct otel_attribute *attributes, size_t count,
                                      const char *schema_url)
{
    struct otel_sdk_resource *resource = NULL;

    assert_int_equal(otel_sdk_resource_new(attributes, count, otel_str(schema_url), &resource),
                     OTEL_OK);
    return resource;
}

static void has_text(const struct otel_sdk_resource *resource, const char *key, const char *text)
{
    struct otel_value value;

    assert_true(otel_sdk_resource_get(resource, otel_str(key), &value));
    assert_int_equal(value.type, OTEL_VALUE_STRING);
    assert_int_equal(value.count, strlen(text));
    assert_memory_equal(value.as.string, text, strlen(text));
}

static void the_default_names_the_sdk_and_an_unknown_service(void **state)
{
    struct otel_sdk_resource *resource = NULL;

    (void)state;
    assert_int_equal(otel_sdk_resource_default(&resource), OTEL_OK);
    has_text(resource, "telemetry.sdk.language", "c");
    has_text(resource, "telemetry.sdk.name", OTEL_SDK_NAME);
    has_text(resource, "telemetry.sdk.version", OTEL_SDK_VERSION);
    has_text(resource, "service.name", "unknown_service:resource_test");
    otel_sdk_resource_unref(resource);
}

static void the_updating_resource_wins_even_with_an_empty_value(void **state)
{
    struct otel_attribute a[] = {otel_attr_str("x", "old"), otel_attr_str("y", "old"),
                                 otel_attr_int("only.old", 1)};
    struct otel_attribute b[] = {otel_attr_str("x", "new"), otel_attr_str("y", "")};
    struct otel_sdk_resource *old = make(a, 3, NULL), *updating = make(b, 2, NULL);
    struct otel_sdk_resource *merged = NULL;

    (void)state;
    assert_int_equal(otel_sdk_resource_merge(old, updating, &merged), OTEL_OK);
    otel_sdk_resource_unref(old);
    otel_sdk_resource_unref(updating);
    assert_int_equal(otel_sdk_resource_count(merged), 3);
    has_text(merged, "x", "new");
    has_text(merged, "y", "");
    otel_sdk_resource_unref(merged);
}

static const char *merged_url(const char *one, const char *two)
{
    struct otel_sdk_resource *old = make(NULL, 0, one), *updating = make(NULL, 0, two);
    struct otel_sdk_resource *merged = NULL;
    static char url[32];
    struct otel_str text;

    assert_int_equal(otel_sdk_resource_merge(old, updating, &merged), OTEL_OK);
    text = otel_sdk_resource_schema_url(merged);
    snprintf(url, sizeof(url), "%.*s", (int)text.len, text.data);
    otel_sdk_resource_unref(old);
    otel_sdk_resource_unref(updating);
    otel_sdk_resource_unref(merged);
    return url;
}

static void schema_urls_merge_as_specified(void **state)
{
    (void)state;
    assert_string_equal(merged_url("a", NULL), "a");
    assert_string_equal(merged_url(NULL, "b"), "b");
    assert_string_equal(merged_url("a", "a"), "a");
    assert_string_equal(merged_url("a", "b"), "");
}

static void everything_is_copied_whatever_its_type(void **state)
{
    int64_t integers[] = {1, 2};
    struct otel_str strings[] = {{"s", 1}};
    struct otel_value values[] = {otel_value_int(7), otel_value_str("deep")};
    struct otel_attribute members[] = {otel_attr_str("m", "v")};
    struct otel_attribute all[] = {
        otel_attr("ints", otel_value_many(OTEL_VALUE_INT_ARRAY, integers, 2)),
        otel_attr("strings", otel_value_many(OTEL_VALUE_STRING_ARRAY, strings, 1)),
        otel_attr("values", otel_value_many(OTEL_VALUE_ARRAY, values, 2)),
        otel_attr("map", otel_value_many(OTEL_VALUE_MAP, members, 1)),
        otel_attr_str("", "left out")};
    struct otel_sdk_resource *resource = make(all, 5, NULL);
    struct otel_value value;

    (void)state;
    memset(integers, 0, sizeof(integers));
    memset(strings, 0, sizeof(strings));
    memset(values, 0, sizeof(values));
    memset(members, 0, sizeof(members));
    assert_int_equal(otel_sdk_resource_count(resource), 4);
    assert_true(otel_sdk_resource_get(resource, otel_str("ints"), &value));
    assert_int_equal(value.as.integers[1], 2);
    assert_true(otel_sdk_resource_get(resource, otel_str("strings"), &value));
    assert_int_equal(value.as.strings[0].data[0], 's');
    assert_true(otel_sdk_resource_get(resource, otel_str("values"), &value));
    assert_memory_equal(value.as.values[1].as.string, "deep", 4);
    assert_true(otel_sdk_resource_get(resource, otel_str("map"), &value));
    assert_memory_equal(value.as.attributes[0].key.data, "m", 1);
    otel_sdk_resource_unref(resource);
}

static void keys_that_are_equal_once_repaired_are_one(void **state)
{
    struct otel_attribute a[] = {otel_attr_str("k\xff", "first"), otel_attr_str("k\xfe", "second"),
                                 otel_attr_str("k\xc3\xa9", "another")};
    struct otel_attribute b[] = {otel_attr_str("k\xff", "updated")};
    struct otel_sdk_resource *old = make(a, 3, NULL), *updating = make(b, 1, NULL);
    struct otel_sdk_resource *merged = NULL;
    struct otel_str encoded = otel_sdk_resource_encoded(old);
    const char *key;

    (void)state;
    assert_int_equal(otel_sdk_resource_count(old), 2);
    has_text(old, "k\xef\xbf\xbd", "second");
    has_text(old, "k\xc3\xa9", "another");
    key = memmem(encoded.data, encoded.len, "k\xef\xbf\xbd", 4);
    assert_non_null(key);
    key++;
    assert_null(memmem(key, encoded.len - (size_t)(key - encoded.data), "k\xef\xbf\xbd", 4));
    assert_int_equal(otel_sdk_resource_merge(old, updating, &merged), OTEL_OK);
    assert_int_equal(otel_sdk_resource_count(merged), 2);
    has_text(merged, "k\xef\xbf\xbd", "updated");
    otel_sdk_resource_unref(old);
    otel_sdk_resource_unref(updating);
    otel_sdk_resource_unref(merged);
}

static void arrays_deeper_than_64_become_empty_and_scalars_there_are_kept(void **state)
{
    static struct otel_value nest[66][2];
    struct otel_attribute attribute;
    struct otel_sdk_resource *resource;
    struct otel_value value;

    (void)state;
    for (int i = 65; i >= 0; i--) {
        nest[i][0] = otel_value_str("kept");
        nest[i][1] = i < 65 ? otel_value_many(OTEL_VALUE_ARRAY, nest[i + 1], 2)
                            : otel_value_many(OTEL_VALUE_BOOL_ARRAY, NULL, 0);
    }
    attribute = otel_attr("nest", nest[0][1]);
    resource = make(&attribute, 1, NULL);
    assert_true(otel_sdk_resource_get(resource, otel_str("nest"), &value));
    for (int i = 1; i <= 64; i++) {
        assert_int_equal(value.type, OTEL_VALUE_ARRAY);
        assert_int_equal(value.count, 2);
        assert_memory_equal(value.as.values[0].as.string, "kept", 4);
        value = value.as.values[1];
    }
    assert_int_equal(value.type, OTEL_VALUE_EMPTY);
    otel_sdk_resource_unref(resource);
}

static void span_limits_do_not_apply_but_there_is_a_maximum(void **state)
{
    static struct otel_attribute many[OTEL_SDK_RESOURCE_MAX_ATTRIBUTES + 1];
    static char keys[OTEL_SDK_RESOURCE_MAX_ATTRIBUTES + 1][8];
    struct otel_sdk_resource *resource, *too_many = NULL;

    (void)state;
    for (size_t i = 0; i <= OTEL_SDK_RESOURCE_MAX_ATTRIBUTES; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%u", (unsigned)i % 10000);
        many[i] = otel_attr_int(keys[i], (int64_t)i);
    }
    resource = make(many, 300, NULL);
    assert_int_equal(otel_sdk_resource_count(resource), 300);
    otel_sdk_resource_unref(resource);
    assert_int_equal(otel_sdk_resource_new(many, OTEL_SDK_RESOURCE_MAX_ATTRIBUTES + 1,
                                           otel_str(NULL), &too_many),
                     OTEL_ERR_LIMIT);
}

/* Made of every kind of value, joined with the default one. */
static enum otel_err make_and_merge(void *arg)
{
    static char large[20000]; /* nothing has room for it */
    struct otel_attribute attributes[] = {otel_attr_str("service.name", "shop"),
                                          otel_attr_int("n", 1), otel_attr_double("d", 0.5),
                                          otel_attr_str("large", large)};
    struct otel_sdk_resource *made = NULL, *usual = NULL, *merged = NULL;
    enum otel_err err = otel_sdk_resource_default(&usual);

    (void)arg;
    memset(large, 'x', sizeof(large) - 1);
    attributes[3].value.count = sizeof(large) - 1;
    if (err == OTEL_OK)
        err = otel_sdk_resource_new(attributes, 4, otel_str(large), &made);
    if (err == OTEL_OK)
        err = otel_sdk_resource_merge(usual, made, &merged);
    otel_sdk_resource_unref(usual);
    otel_sdk_resource_unref(made);
    assert_true((err == OTEL_OK) == (merged != NULL));
    if (merged != NULL) {
        assert_int_equal(otel_sdk_resource_count(merged), 7);
        has_text(merged, "service.name", "shop");
        has_text(merged, "telemetry.sdk.language", "c");
    }
    otel_sdk_resource_unref(merged);
    return err;
}

static void when_allocations_fail_nothing_is_left_behind(void **state)
{
    struct every_nth test = {.live = make_and_merge, .most = 200};

    (void)state;
    every_nth(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_names_the_sdk_and_an_unknown_service),
        cmocka_unit_test(the_updating_resource_wins_even_with_an_empty_value),
        cmocka_unit_test(schema_urls_merge_as_specified),
        cmocka_unit_test(everything_is_copied_whatever_its_type),
        cmocka_unit_test(keys_that_are_equal_once_repaired_are_one),
        cmocka_unit_test(arrays_deeper_than_64_become_empty_and_scalars_there_are_kept),
        cmocka_unit_test(span_limits_do_not_apply_but_there_is_a_maximum),
        cmocka_unit_test(when_allocations_fail_nothing_is_left_behind),
    };

    heap_install();
    return cmocka_run_group_tests_name("resource", tests, NULL, NULL);
}
