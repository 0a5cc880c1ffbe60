/* SPDX-License-Identifier: Apache-2.0 */
/* What instrumentation libraries read, without any SDK. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <otel/config_provider.h>

#include "sdk/base/mem.h"

static struct otel_properties of(const struct otel_attribute *items, size_t count)
{
    struct otel_properties properties = {items, count};

    return properties;
}

static void a_scalar_is_got_by_its_type_alone(void **state)
{
    const struct otel_attribute items[] = {
        otel_attr_str("s", "text"), otel_attr_str("empty", ""), otel_attr_bool("b", true),
        otel_attr_int("i", -7),     otel_attr_double("d", 0.5), otel_attr("n", otel_value_empty())};
    const struct otel_properties p = of(items, sizeof(items) / sizeof(items[0]));
    static const char *const keys[] = {"s", "empty", "b", "i", "d", "n", "missing", ""};
    static const char *const got[] = {"s", "s", "b", "id", "d", "", "", ""};

    (void)state;
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        struct otel_str text = otel_str("default");
        struct otel_properties map = of(NULL, 9);
        double real = 1.25;
        int64_t integer = 3;
        bool yes = false;
        bool is[] = {otel_properties_string(&p, keys[k], &text),
                     otel_properties_bool(&p, keys[k], &yes),
                     otel_properties_int(&p, keys[k], &integer),
                     otel_properties_double(&p, keys[k], &real),
                     otel_properties_mapping(&p, keys[k], &map)};
        assert_int_equal(is[0], strchr(got[k], 's') != NULL);
        assert_int_equal(is[1], strchr(got[k], 'b') != NULL);
        assert_int_equal(is[2], strchr(got[k], 'i') != NULL);
        assert_int_equal(is[3], strchr(got[k], 'd') != NULL);
        assert_false(is[4]);
        assert_true(otel_str_equal(text, otel_str(k == 0   ? "text"
                                                  : k == 1 ? ""
                                                           : "default")));
        assert_int_equal(yes, k == 2);
        assert_int_equal(integer, k == 3 ? -7 : 3);
        assert_int_equal((int)(real * 100), k == 3 ? -700 : k == 4 ? 50 : 125);
        assert_int_equal(map.count, 9);
        assert_int_equal(otel_properties_length(&p, keys[k]), 0);
        assert_false(otel_properties_string_at(&p, keys[k], 0, &text));
    }
}

static void null_is_not_missing(void **state)
{
    const struct otel_attribute items[] = {otel_attr("null", otel_value_empty())};
    const struct otel_properties p = of(items, 1);

    (void)state;
    assert_non_null(otel_properties_find(&p, "null"));
    assert_int_equal(otel_properties_find(&p, "null")->type, OTEL_VALUE_EMPTY);
    assert_null(otel_properties_find(&p, "missing"));
    assert_null(otel_properties_find(NULL, "null"));
}

static void of_equal_keys_the_last_counts(void **state)
{
    const struct otel_attribute items[] = {otel_attr_int("k", 1), otel_attr_int("k", 2)};
    const struct otel_properties p = of(items, 2);
    int64_t integer = 0;

    (void)state;
    assert_true(otel_properties_int(&p, "k", &integer));
    assert_int_equal(integer, 2);
}

static void mappings_and_sequences_are_walked(void **state)
{
    const struct otel_attribute deep[] = {otel_attr_str("name", "deep")};
    const struct otel_value list[] = {
        otel_value_str("one"),  otel_value_bool(true), otel_value_int(2),
        otel_value_double(2.5), otel_value_empty(),    otel_value_many(OTEL_VALUE_MAP, deep, 1)};
    const struct otel_attribute items[] = {
        otel_attr("map", otel_value_many(OTEL_VALUE_MAP, deep, 1)),
        otel_attr("list", otel_value_many(OTEL_VALUE_ARRAY, list, 6)),
        otel_attr("none", otel_value_many(OTEL_VALUE_ARRAY, list, 0))};
    const struct otel_properties p = of(items, 3);
    struct otel_properties map = of(NULL, 0);
    struct otel_str text = otel_str(NULL);
    int64_t integer = 0;
    double real = 0;
    bool yes = false;

    (void)state;
    assert_true(otel_properties_mapping(&p, "map", &map));
    assert_true(otel_properties_string(&map, "name", &text));
    assert_true(otel_str_equal(text, otel_str("deep")));
    assert_false(otel_properties_mapping(&p, "list", &map));
    assert_int_equal(otel_properties_length(&p, "list"), 6);
    assert_int_equal(otel_properties_length(&p, "none"), 0);
    assert_int_equal(otel_properties_length(&p, "map"), 0);
    assert_true(otel_properties_string_at(&p, "list", 0, &text));
    assert_true(otel_str_equal(text, otel_str("one")));
    assert_true(otel_properties_bool_at(&p, "list", 1, &yes));
    assert_true(yes);
    assert_true(otel_properties_int_at(&p, "list", 2, &integer));
    assert_int_equal(integer, 2);
    assert_true(otel_properties_double_at(&p, "list", 2, &real));
    assert_int_equal((int)(real * 10), 20);
    assert_true(otel_properties_double_at(&p, "list", 3, &real));
    assert_int_equal((int)(real * 10), 25);
    assert_false(otel_properties_int_at(&p, "list", 3, &integer));
    assert_false(otel_properties_bool_at(&p, "list", 4, &yes));
    assert_true(otel_properties_mapping_at(&p, "list", 5, &map));
    assert_int_equal(map.count, 1);
    assert_true(otel_str_equal(map.items[0].key, otel_str("name")));
    assert_false(otel_properties_mapping_at(&p, "list", 6, &map));
    assert_false(otel_properties_string_at(&p, "none", 0, &text));
    assert_false(otel_properties_string_at(&p, "map", 0, &text));
}

static unsigned g_freed;

static void count_free(struct otel_config_provider *provider)
{
    (void)provider;
    g_freed++;
}

static void without_an_sdk_the_global_provider_says_nothing(void **state)
{
    struct otel_config_provider *provider;
    struct otel_properties all;

    (void)state;
    otl_mem_fail_at(1);
    provider = otel_config_provider_global();
    all = otel_config_provider_instrumentation(provider);
    assert_int_equal(all.count, 0);
    assert_null(otel_properties_find(&all, "general"));
    assert_ptr_equal(provider, otel_config_provider_noop());
    otel_config_provider_unref(provider);
    otel_config_provider_unref(NULL);
    assert_null(otel_config_provider_ref(NULL));
    assert_int_equal(otel_config_provider_instrumentation(NULL).count, 0);
    assert_int_equal(otl_mem_count(), 0);
    otl_mem_fail_at(0);
}

static void the_global_slot_holds_a_reference(void **state)
{
    const struct otel_attribute items[] = {otel_attr_int("k", 1)};
    struct otel_config_provider mine = {{items, 1}, count_free, 1}, *held;

    (void)state;
    otel_config_provider_set_global(&mine);
    otel_config_provider_unref(&mine);
    assert_int_equal(g_freed, 0);
    held = otel_config_provider_global();
    assert_ptr_equal(held, &mine);
    assert_int_equal(otel_config_provider_instrumentation(held).count, 1);
    otel_config_provider_set_global(&mine); /* again */
    otel_config_provider_set_global(NULL);
    assert_int_equal(g_freed, 0);
    otel_config_provider_unref(held);
    assert_int_equal(g_freed, 1);
    held = otel_config_provider_global();
    assert_ptr_equal(held, otel_config_provider_noop());
    otel_config_provider_unref(held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scalar_is_got_by_its_type_alone),
        cmocka_unit_test(null_is_not_missing),
        cmocka_unit_test(of_equal_keys_the_last_counts),
        cmocka_unit_test(mappings_and_sequences_are_walked),
        cmocka_unit_test(without_an_sdk_the_global_provider_says_nothing),
        cmocka_unit_test(the_global_slot_holds_a_reference),
    };

    return cmocka_run_group_tests_name("config provider", tests, NULL, NULL);
}
