/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"
#include "sdk/tests/rig.h"

static int set_up(void **state)
{
    static struct rig rig;

    rig_init(&rig);
    *state = &rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_fini(*state);
    return 0;
}

static void every_scalar_type_arrives_bit_for_bit(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span;
    struct seen seen;
    struct otel_value empty = otel_value_empty();
    double nan;

    rig_start(rig);
    span = otel_span_start(rig->tracer, "types", NULL);
    otel_span_set_str(span, "s", "text \xf0\x9f\x98\x80");
    otel_span_set_str(span, "empty", "");
    otel_span_set_bool(span, "t", true);
    otel_span_set_bool(span, "f", false);
    otel_span_set_int(span, "min", INT64_MIN);
    otel_span_set_int(span, "max", INT64_MAX);
    otel_span_set_int(span, "zero", 0);
    otel_span_set_double(span, "d", -0.1);
    otel_span_set_double(span, "nan", NAN);
    otel_span_set_double(span, "inf", INFINITY);
    otel_span_set(span, otel_str("nothing"), &empty);
    otel_span_finish(span);
    seen = rig_seen(rig, "types");
    assert_int_equal(seen.info.attribute_count, 11);
    assert_str(seen_attribute(&seen, "s").text, "text \xf0\x9f\x98\x80");
    assert_int_equal(seen_attribute(&seen, "empty").type, OTEL_VALUE_STRING);
    assert_int_equal(seen_attribute(&seen, "t").integer, 1);
    assert_int_equal(seen_attribute(&seen, "f").type, OTEL_VALUE_BOOL);
    assert_true(seen_attribute(&seen, "min").integer == INT64_MIN);
    assert_true(seen_attribute(&seen, "max").integer == INT64_MAX);
    assert_int_equal(seen_attribute(&seen, "zero").type, OTEL_VALUE_INT);
    assert_true(fabs(seen_attribute(&seen, "d").real + 0.1) < DBL_EPSILON);
    nan = seen_attribute(&seen, "nan").real;
    assert_true(isnan(nan));
    assert_true(isinf(seen_attribute(&seen, "inf").real));
    assert_int_equal(seen_attribute(&seen, "nothing").type, OTEL_VALUE_EMPTY);
}

static void arrays_bytes_and_maps_arrive(void **state)
{
    struct rig *rig = *state;
    const int64_t integers[] = {1, -1, INT64_MIN};
    const struct otel_str strings[] = {{"a", 1}, {NULL, 0}};
    const struct otel_attribute members[] = {otel_attr_int("x", 1), otel_attr_str("y", "z"),
                                             otel_attr_int("x", 2)};
    struct otel_value value;
    struct otel_sdk_read_attribute read, element;
    struct otel_span *span;
    struct seen seen;

    rig_start(rig);
    span = otel_span_start(rig->tracer, "arrays", NULL);
    value = otel_value_many(OTEL_VALUE_INT_ARRAY, integers, 3);
    otel_span_set(span, otel_str("ints"), &value);
    value = otel_value_many(OTEL_VALUE_STRING_ARRAY, strings, 2);
    otel_span_set(span, otel_str("strings"), &value);
    value = otel_value_many(OTEL_VALUE_BYTES, "\x00\xff", 2);
    otel_span_set(span, otel_str("bytes"), &value);
    value = otel_value_many(OTEL_VALUE_MAP, members, 3);
    otel_span_set(span, otel_str("map"), &value);
    value = otel_value_many(OTEL_VALUE_DOUBLE_ARRAY, NULL, 0);
    otel_span_set(span, otel_str("none"), &value);
    otel_span_finish(span);
    seen = rig_seen(rig, "arrays");
    read = seen_attribute(&seen, "ints");
    for (int i = 0; i < 3; i++) {
        assert_true(otel_sdk_next_element(&read.elements, &element));
        assert_true(element.integer == integers[i]);
    }
    assert_false(otel_sdk_next_element(&read.elements, &element));
    read = seen_attribute(&seen, "strings");
    assert_true(otel_sdk_next_element(&read.elements, &element));
    assert_true(otel_sdk_next_element(&read.elements, &element));
    assert_int_equal(element.type, OTEL_VALUE_STRING);
    assert_memory_equal(seen_attribute(&seen, "bytes").text.data, "\x00\xff", 2);
    read = seen_attribute(&seen, "map");
    assert_true(otel_sdk_next_attribute(&read.elements, &element));
    assert_str(element.key, "x");
    assert_int_equal(element.integer, 2);
    assert_true(otel_sdk_next_attribute(&read.elements, &element));
    assert_false(otel_sdk_next_attribute(&read.elements, &element));
    assert_int_equal(seen_attribute(&seen, "none").type, OTEL_VALUE_ARRAY);
}

static void setting_a_key_again_replaces_its_value_whatever_its_size(void **state)
{
    const struct otel_attribute many[] = {otel_attr_int("third", 33), otel_attr_str("fourth", "4")};
    struct rig *rig = *state;
    struct otel_span *span;
    struct seen seen;

    rig_start(rig);
    span = otel_span_start(rig->tracer, "replace", NULL);
    otel_span_set_str(span, "first", "abc");
    otel_span_set_int(span, "second", 7);
    otel_span_set_str(span, "first", "xyz");
    otel_span_set_str(span, "second", "now a much longer text than before");
    otel_span_set_str(span, "first", "");
    otel_span_set_int(span, "third", 3);
    otel_span_set_many(span, many, 2);
    otel_span_finish(span);
    seen = rig_seen(rig, "replace");
    assert_int_equal(seen.info.attribute_count, 4);
    assert_str(seen_attribute(&seen, "fourth").text, "4");
    assert_str(seen_attribute(&seen, "first").text, "");
    assert_str(seen_attribute(&seen, "second").text, "now a much longer text than before");
    assert_int_equal(seen_attribute(&seen, "third").integer, 33);
}

static void keys_with_equal_ends_stay_apart(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span;
    struct seen seen;

    rig_start(rig);
    span = otel_span_start(rig->tracer, "alike", NULL);
    for (int i = 0; i < 100; i++) {
        char key[64];
        snprintf(key, sizeof(key), "http.req%02duest.header", i);
        otel_span_set_int(span, key, i);
        otel_span_set_int(span, key, i + 1000);
    }
    otel_span_finish(span);
    seen = rig_seen(rig, "alike");
    assert_int_equal(seen.info.attribute_count, 100);
    assert_int_equal(seen_attribute(&seen, "http.req42uest.header").integer, 1042);
}

static void an_empty_key_is_ignored(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span;

    rig_start(rig);
    span = otel_span_start(rig->tracer, "keyless", NULL);
    otel_span_set_int(span, "", 1);
    otel_span_set_int(span, NULL, 1);
    otel_span_set_bool(span, "", true);
    otel_span_finish(span);
    assert_int_equal(rig_seen(rig, "keyless").info.attribute_count, 0);
}

static void invalid_utf8_is_repaired_and_costs_nothing_else(void **state)
{
    struct rig *rig = *state;
    struct otel_event event = {otel_str("e\xff"), 0, NULL, 0};
    struct otel_span *span;
    struct seen seen;

    rig_start(rig);
    one_span(rig, "neighbour");
    span = otel_span_start(rig->tracer, "na\xffme", NULL);
    otel_span_set_str(span, "value", "a\xff\xc3");
    otel_span_set_str(span, "k\xff", "1");
    otel_span_set_str(span, "k\xff", "2"); /* the same key, also after the repair */
    otel_span_set_status(span, OTEL_STATUS_ERROR, "\xed\xa0\x80");
    otel_span_add_event(span, &event);
    otel_span_finish(span);
    rig_seen(rig, "neighbour");
    seen = rig_seen(rig, "na\xef\xbf\xbdme");
    assert_str(seen_attribute(&seen, "value").text, "a\xef\xbf\xbd\xef\xbf\xbd");
    assert_str(seen_attribute(&seen, "k\xef\xbf\xbd").text, "2");
    assert_true(
        otl_utf8_valid(seen.info.status_description.data, seen.info.status_description.len));
}

/* Of five keys three are one once repaired: it has the first one's place and the last one's
 * value. Characters that begin alike stay apart, well-formed or not. */
static const struct otel_attribute ill_keys[] = {
    {{"k\xff", 2}, {OTEL_VALUE_INT, 0, {.integer = 1}}},
    {{"k\xc3\xa9", 3}, {OTEL_VALUE_INT, 0, {.integer = 2}}},
    {{"k\xfe", 2}, {OTEL_VALUE_INT, 0, {.integer = 3}}},
    {{"k\xc3\x28", 3}, {OTEL_VALUE_INT, 0, {.integer = 4}}},
    {{"k\xef\xbf\xbd", 4}, {OTEL_VALUE_INT, 0, {.integer = 5}}}};

static void has_repaired_keys_once(struct otel_sdk_iter iter)
{
    static const char *const keys[] = {"k\xef\xbf\xbd", "k\xc3\xa9", "k\xef\xbf\xbd("};
    static const int64_t values[] = {5, 2, 4};
    struct otel_sdk_read_attribute read;

    for (size_t i = 0; i < 3; i++) {
        assert_true(otel_sdk_next_attribute(&iter, &read));
        assert_str(read.key, keys[i]);
        assert_int_equal(read.integer, values[i]);
    }
    assert_false(otel_sdk_next_attribute(&iter, &read));
}

static void keys_that_are_equal_once_repaired_come_once(void **state)
{
    struct rig *rig = *state;
    struct otel_event event = {otel_str("e"), 0, ill_keys, 5};
    struct otel_value map = otel_value_many(OTEL_VALUE_MAP, ill_keys, 5);
    struct otel_sdk_read_event read_event;
    struct otel_sdk_read_link read_link;
    struct otel_sdk_iter iter;
    struct otel_link link;
    struct otel_span *span;
    struct seen seen;

    rig->options.limits.event_attribute_count_limit = 3; /* none is dropped */
    rig_start(rig);
    span = otel_span_start(rig->tracer, "ill", NULL);
    otel_span_add_event(span, &event);
    memset(&link, 0, sizeof(link));
    link.context = *otel_span_get_context(span);
    link.attributes = ill_keys;
    link.attribute_count = 5;
    otel_span_add_link(span, &link);
    otel_span_set(span, otel_str("map"), &map);
    otel_span_finish(span);
    seen = rig_seen(rig, "ill");
    iter = otel_sdk_decode_events(seen.span.encoded);
    assert_true(otel_sdk_next_event(&iter, &read_event));
    has_repaired_keys_once(read_event.attributes);
    assert_int_equal(read_event.dropped_attributes, 0);
    iter = otel_sdk_decode_links(seen.span.encoded);
    assert_true(otel_sdk_next_link(&iter, &read_link));
    has_repaired_keys_once(read_link.attributes);
    has_repaired_keys_once(seen_attribute(&seen, "map").elements);
}

static void keys_of_scopes_that_are_equal_once_repaired_come_once(void **state)
{
    struct rig *rig = *state;
    struct otel_tracer_options options;
    struct otel_tracer *tracer;
    struct seen seen;

    rig_start(rig);
    otel_tracer_options_init(&options);
    options.name = otel_str("scope");
    options.attributes = ill_keys;
    options.attribute_count = 5;
    tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &options);
    otel_span_finish(otel_span_start(tracer, "scoped", NULL));
    seen = rig_seen(rig, "scoped");
    has_repaired_keys_once(otel_sdk_scope_attributes(&seen.span.scope));
    otel_tracer_unref(tracer);
}

static void keys_over_the_limit_are_dropped_and_counted_but_may_be_overwritten(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span;
    struct seen seen;

    rig_start(rig);
    span = otel_span_start(rig->tracer, "many", NULL);
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        otel_span_set_int(span, key, i);
    }
    otel_span_set_str(span, "k1", "overwritten");
    for (int i = 0; i < 150; i++)
        otel_span_add_event_named(span, "e");
    for (int i = 0; i < 150; i++) {
        struct otel_link link;
        memset(&link, 0, sizeof(link));
        link.context = *otel_span_get_context(span);
        otel_span_add_link(span, &link);
    }
    otel_span_finish(span);
    seen = rig_seen(rig, "many");
    assert_int_equal(seen.info.attribute_count, 128);
    assert_int_equal(seen.info.dropped_attributes, 72);
    assert_str(seen_attribute(&seen, "k1").text, "overwritten");
    assert_int_equal(seen.info.event_count, 128);
    assert_int_equal(seen.info.dropped_events, 22);
    assert_int_equal(seen.info.link_count, 128);
    assert_int_equal(seen.info.dropped_links, 22);
    assert_int_equal(rig_stats(rig).attributes_dropped, 72);
    assert_int_equal(rig_stats(rig).events_dropped, 22);
}

static void attributes_of_events_and_links_have_limits_of_their_own(void **state)
{
    struct rig *rig = *state;
    struct otel_attribute attributes[] = {otel_attr_int("a", 1), otel_attr_int("b", 2),
                                          otel_attr_int("c", 3), otel_attr_int("a", 4)};
    struct otel_event event = {otel_str("e"), 0, attributes, 4};
    struct otel_sdk_read_event read_event;
    struct otel_sdk_read_link read_link;
    struct otel_link link;
    struct otel_sdk_iter iter;
    struct otel_span *span;
    struct seen seen;

    rig->options.limits.event_attribute_count_limit = 2;
    rig->options.limits.link_attribute_count_limit = 1;
    rig_start(rig);
    span = otel_span_start(rig->tracer, "own", NULL);
    otel_span_add_event(span, &event);
    memset(&link, 0, sizeof(link));
    link.context = *otel_span_get_context(span);
    link.attributes = attributes;
    link.attribute_count = 4;
    otel_span_add_link(span, &link);
    otel_span_finish(span);
    seen = rig_seen(rig, "own");
    iter = otel_sdk_decode_events(seen.span.encoded);
    assert_true(otel_sdk_next_event(&iter, &read_event));
    assert_int_equal(read_event.dropped_attributes, 1);
    iter = otel_sdk_decode_links(seen.span.encoded);
    assert_true(otel_sdk_next_link(&iter, &read_link));
    assert_int_equal(read_link.dropped_attributes, 2);
}

static void values_are_cut_by_characters_also_inside_arrays(void **state)
{
    struct rig *rig = *state;
    const struct otel_str strings[] = {{"abcdefgh", 8}};
    struct otel_value value;
    struct otel_sdk_read_attribute read, element;
    struct otel_span *span;
    struct seen seen;

    rig->options.limits.attribute_value_length_limit = 5;
    rig_start(rig);
    span = otel_span_start(rig->tracer, "a name that is not cut", NULL);
    otel_span_set_str(span, "s", "h\xc3\xa9llo w\xc3\xb6rld");
    otel_span_set_str(span, "plain", "abcdefgh");
    otel_span_set_str(span, "emoji", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
    otel_span_set_int(span, "i", 123456789);
    value = otel_value_many(OTEL_VALUE_BYTES, "0123456789", 10);
    otel_span_set(span, otel_str("bytes"), &value);
    value = otel_value_many(OTEL_VALUE_STRING_ARRAY, strings, 1);
    otel_span_set(span, otel_str("strings"), &value);
    otel_span_finish(span);
    seen = rig_seen(rig, "a name that is not cut");
    assert_str(seen_attribute(&seen, "s").text, "h\xc3\xa9llo");
    assert_str(seen_attribute(&seen, "plain").text, "abcde");
    assert_str(seen_attribute(&seen, "emoji").text, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
    assert_int_equal(seen_attribute(&seen, "i").integer, 123456789);
    assert_str(seen_attribute(&seen, "bytes").text, "01234");
    read = seen_attribute(&seen, "strings");
    assert_true(otel_sdk_next_element(&read.elements, &element));
    assert_str(element.text, "abcde");
}

static void values_deeper_than_the_limit_become_empty(void **state)
{
    struct rig *rig = *state;
    static struct otel_value nest[70];
    struct otel_sdk_read_attribute read;
    struct otel_span *span;
    struct seen seen;
    int depth = 1;

    rig_start(rig);
    nest[69] = otel_value_int(1);
    for (int i = 68; i >= 0; i--)
        nest[i] = otel_value_many(OTEL_VALUE_ARRAY, &nest[i + 1], 1);
    span = otel_span_start(rig->tracer, "deep", NULL);
    otel_span_set(span, otel_str("nest"), &nest[0]);
    otel_span_finish(span);
    seen = rig_seen(rig, "deep");
    read = seen_attribute(&seen, "nest");
    while (read.type == OTEL_VALUE_ARRAY) {
        assert_true(otel_sdk_next_element(&read.elements, &read));
        depth++;
    }
    assert_int_equal(read.type, OTEL_VALUE_EMPTY);
    assert_int_equal(depth, 65); /* the 64th array holds one empty value */
}

/* The next element or member, which must be there and of that type. */
static struct otel_sdk_read_attribute next_of(struct otel_sdk_iter *iter, bool map,
                                              enum otel_value_type type)
{
    struct otel_sdk_read_attribute read;

    assert_true(map ? otel_sdk_next_attribute(iter, &read) : otel_sdk_next_element(iter, &read));
    assert_int_equal(read.type, type);
    return read;
}

static void scalars_below_the_last_array_or_map_are_kept(void **state)
{
    struct rig *rig = *state;
    const struct otel_str strings[] = {{"a", 1}, {"b", 1}};
    const int64_t integers[] = {5};
    const struct otel_attribute members[] = {
        otel_attr_str("k", "v"),
        otel_attr("ints", otel_value_many(OTEL_VALUE_INT_ARRAY, integers, 1))};
    const struct otel_value mixed[] = {otel_value_str("s"),
                                       otel_value_many(OTEL_VALUE_STRING_ARRAY, strings, 2),
                                       otel_value_bool(true),
                                       otel_value_many(OTEL_VALUE_MAP, members, 2),
                                       otel_value_double(0.5),
                                       otel_value_many(OTEL_VALUE_ARRAY, NULL, 0),
                                       otel_value_many(OTEL_VALUE_BYTES, "\x00\xff", 2)};
    const struct otel_attribute attributes[] = {
        otel_attr("strings", otel_value_many(OTEL_VALUE_STRING_ARRAY, strings, 2)),
        otel_attr("mixed", otel_value_many(OTEL_VALUE_ARRAY, mixed, 7)),
        otel_attr("map", otel_value_many(OTEL_VALUE_MAP, members, 2))};
    struct otel_sdk_read_attribute read;
    struct otel_span *span;
    struct seen seen;

    rig->options.limits.attribute_value_depth_limit = 1;
    rig_start(rig);
    span = otel_span_start(rig->tracer, "flat", NULL);
    for (size_t i = 0; i < 3; i++)
        otel_span_set(span, attributes[i].key, &attributes[i].value);
    otel_span_finish(span);
    seen = rig_seen(rig, "flat");
    read = seen_attribute(&seen, "strings");
    assert_str(next_of(&read.elements, false, OTEL_VALUE_STRING).text, "a");
    assert_str(next_of(&read.elements, false, OTEL_VALUE_STRING).text, "b");
    read = seen_attribute(&seen, "mixed");
    assert_str(next_of(&read.elements, false, OTEL_VALUE_STRING).text, "s");
    next_of(&read.elements, false, OTEL_VALUE_EMPTY);
    assert_int_equal(next_of(&read.elements, false, OTEL_VALUE_BOOL).integer, 1);
    next_of(&read.elements, false, OTEL_VALUE_EMPTY);
    assert_true(fabs(next_of(&read.elements, false, OTEL_VALUE_DOUBLE).real - 0.5) < DBL_EPSILON);
    next_of(&read.elements, false, OTEL_VALUE_EMPTY);
    assert_memory_equal(next_of(&read.elements, false, OTEL_VALUE_BYTES).text.data, "\x00\xff", 2);
    assert_false(otel_sdk_next_element(&read.elements, &read));
    read = seen_attribute(&seen, "map");
    assert_str(next_of(&read.elements, true, OTEL_VALUE_STRING).text, "v");
    next_of(&read.elements, true, OTEL_VALUE_EMPTY);
}

static void the_64th_array_keeps_its_scalars(void **state)
{
    struct rig *rig = *state;
    static struct otel_value nest[70][2];
    struct otel_sdk_read_attribute read;
    struct otel_span *span;
    struct seen seen;

    rig_start(rig);
    for (int i = 69; i >= 0; i--) {
        nest[i][0] = otel_value_int(i);
        nest[i][1] =
            i < 69 ? otel_value_many(OTEL_VALUE_ARRAY, nest[i + 1], 2) : otel_value_str("bottom");
    }
    span = otel_span_start(rig->tracer, "deep", NULL);
    otel_span_set(span, otel_str("nest"), &nest[0][1]);
    otel_span_finish(span);
    seen = rig_seen(rig, "deep");
    read = seen_attribute(&seen, "nest");
    for (int i = 1; i <= 64; i++) {
        assert_int_equal(next_of(&read.elements, false, OTEL_VALUE_INT).integer, i);
        read = next_of(&read.elements, false, i < 64 ? OTEL_VALUE_ARRAY : OTEL_VALUE_EMPTY);
    }
}

static void a_depth_of_zero_keeps_scalars_alone(void **state)
{
    struct rig *rig = *state;
    const bool booleans[] = {true};
    struct otel_value array = otel_value_many(OTEL_VALUE_BOOL_ARRAY, booleans, 1);
    struct otel_span *span;
    struct seen seen;

    rig->options.limits.attribute_value_depth_limit = 0;
    rig_start(rig);
    span = otel_span_start(rig->tracer, "none", NULL);
    otel_span_set_bool(span, "t", true);
    otel_span_set_str(span, "s", "\xc3\xa9");
    otel_span_set(span, otel_str("array"), &array);
    otel_span_finish(span);
    seen = rig_seen(rig, "none");
    assert_int_equal(seen_attribute(&seen, "t").integer, 1);
    assert_str(seen_attribute(&seen, "s").text, "\xc3\xa9");
    assert_int_equal(seen_attribute(&seen, "array").type, OTEL_VALUE_EMPTY);
}

static void a_limit_of_zero_keeps_nothing(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span;
    struct seen seen;

    rig->options.limits.attribute_count_limit = 0;
    rig->options.limits.event_count_limit = 0;
    rig_start(rig);
    span = otel_span_start(rig->tracer, "zero", NULL);
    otel_span_set_int(span, "k", 1);
    otel_span_set_bool(span, "l", true);
    otel_span_add_event_named(span, "e");
    otel_span_finish(span);
    seen = rig_seen(rig, "zero");
    assert_int_equal(seen.info.attribute_count + seen.info.event_count, 0);
    assert_int_equal(seen.info.dropped_attributes, 2);
    assert_int_equal(seen.info.dropped_events, 1);
}

static void a_span_outgrows_its_block_within_its_maximum(void **state)
{
    struct rig *rig = *state;
    static char text[40000];
    struct otel_span *span;
    struct seen seen;

    rig->options.max_span_bytes = 100000;
    rig_start(rig);
    memset(text, 'x', sizeof(text) - 1);
    span = otel_span_start(rig->tracer, "big", NULL);
    otel_span_set_str(span, "one", text);
    otel_span_set_str(span, "two", text);
    otel_span_set_str(span, "three", text); /* over 100,000 bytes */
    otel_span_set_int(span, "small", 1);
    otel_span_finish(span);
    seen = rig_seen(rig, "big");
    assert_int_equal(seen.info.attribute_count, 3);
    assert_int_equal(seen.info.dropped_attributes, 1);
    assert_int_equal(seen_attribute(&seen, "two").text.len, sizeof(text) - 1);
    assert_false(seen_has(&seen, "three"));
}

static void the_overflow_budget_of_all_spans_is_bounded(void **state)
{
    struct rig *rig = *state;
    static char text[4000];
    struct otel_span *a, *b;

    rig->options.max_overflow_bytes = 6000;
    rig_start(rig);
    memset(text, 'x', sizeof(text) - 1);
    a = otel_span_start(rig->tracer, "a", NULL);
    b = otel_span_start(rig->tracer, "b", NULL);
    otel_span_set_str(a, "t", text);
    otel_span_set_str(b, "t", text); /* no budget left */
    otel_span_finish(a);
    otel_span_set_str(b, "u", text); /* given back */
    otel_span_finish(b);
    assert_int_equal(rig_seen(rig, "a").info.attribute_count, 1);
    assert_int_equal(rig_seen(rig, "b").info.attribute_count, 1);
    assert_int_equal(rig_seen(rig, "b").info.dropped_attributes, 1);
}

static void a_failing_allocation_costs_an_attribute_and_never_the_span(void **state)
{
    struct rig *rig = *state;
    static char text[4000];

    rig_start(rig);
    memset(text, 'x', sizeof(text) - 1);
    one_span(rig, "warm up");
    for (unsigned long n = 1; n < 12; n++) {
        struct otel_span *span = otel_span_start(rig->tracer, "fail", NULL);
        otl_mem_fail_at(n);
        otel_span_set_str(span, "long", text);
        otel_span_set_str(span, "k\xff", "v");
        otel_span_add_event_named(span, text);
        for (int i = 0; i < 40; i++) {
            char key[16];
            snprintf(key, sizeof(key), "k%d", i);
            otel_span_set_int(span, key, i);
        }
        otl_mem_fail_at(0);
        otel_span_finish(span);
        rig_seen(rig, "fail");
        otel_sdk_memory_reset(rig->memory);
    }
}

int main(void)
{
#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RIG_TEST(every_scalar_type_arrives_bit_for_bit),
        RIG_TEST(arrays_bytes_and_maps_arrive),
        RIG_TEST(setting_a_key_again_replaces_its_value_whatever_its_size),
        RIG_TEST(keys_with_equal_ends_stay_apart),
        RIG_TEST(an_empty_key_is_ignored),
        RIG_TEST(invalid_utf8_is_repaired_and_costs_nothing_else),
        RIG_TEST(keys_that_are_equal_once_repaired_come_once),
        RIG_TEST(keys_of_scopes_that_are_equal_once_repaired_come_once),
        RIG_TEST(keys_over_the_limit_are_dropped_and_counted_but_may_be_overwritten),
        RIG_TEST(attributes_of_events_and_links_have_limits_of_their_own),
        RIG_TEST(values_are_cut_by_characters_also_inside_arrays),
        RIG_TEST(values_deeper_than_the_limit_become_empty),
        RIG_TEST(scalars_below_the_last_array_or_map_are_kept),
        RIG_TEST(the_64th_array_keeps_its_scalars),
        RIG_TEST(a_depth_of_zero_keeps_scalars_alone),
        RIG_TEST(a_limit_of_zero_keeps_nothing),
        RIG_TEST(a_span_outgrows_its_block_within_its_maximum),
        RIG_TEST(the_overflow_budget_of_all_spans_is_bounded),
        RIG_TEST(a_failing_allocation_costs_an_attribute_and_never_the_span),
    };

    return cmocka_run_group_tests_name("attribute", tests, NULL, NULL);
}
