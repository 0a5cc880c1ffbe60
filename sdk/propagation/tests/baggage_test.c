/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <otel/propagators.h>

#include "sdk/propagation/tests/carrier.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"

static struct otel_context *extract(const struct header_list *in)
{
    return otel_propagator_extract(otel_propagator_baggage(), otel_context_root(), in,
                                   &header_getter);
}

static const char *relay(const char *first, const char *second)
{
    static struct header_list in, out;
    struct otel_context *context;

    in.count = 0;
    out.count = 0;
    header_add(&in, "Baggage", first);
    if (second != NULL)
        header_add(&in, "baggage", second);
    context = extract(&in);
    otel_propagator_inject(otel_propagator_baggage(), context, &out, &header_setter);
    otel_context_unref(context);
    return header_value(&out, "baggage");
}

/* The decoded value of name, "(absent)" if it is not there. */
static const char *value_of(const char *header, const char *name, const char **ret_metadata)
{
    static char value[1000], metadata[1000];
    struct header_list in = {.count = 0};
    struct otel_baggage_entry entry;
    struct otel_context *context;

    header_add(&in, "baggage", header);
    context = extract(&in);
    snprintf(value, sizeof(value), "(absent)");
    metadata[0] = '\0';
    if (otel_baggage_get(otel_context_baggage(context), otel_str(name), &entry)) {
        snprintf(value, sizeof(value), "%.*s", (int)entry.value.len, entry.value.data);
        snprintf(metadata, sizeof(metadata), "%.*s", (int)entry.metadata.len,
                 entry.metadata.data);
    }
    otel_context_unref(context);
    if (ret_metadata != NULL)
        *ret_metadata = metadata;
    return value;
}

static void members_are_trimmed_and_split(void **state)
{
    const char *metadata;

    (void)state;
    assert_string_equal(value_of("a=1,b=2", "b", NULL), "2");
    assert_string_equal(value_of(" \ta \t=\t 1 ,  b=2", "a", NULL), "1");
    assert_string_equal(value_of("a=b=c=", "a", NULL), "b=c=");
    assert_string_equal(value_of("a=", "a", NULL), "");
    assert_string_equal(value_of("a=1 ; p=x ; q , b=2", "a", &metadata), "1");
    assert_string_equal(metadata, "p=x ; q");
    assert_string_equal(value_of("a=1;ValueProp%20=y;z;z", "a", &metadata), "1");
    assert_string_equal(metadata, "ValueProp%20=y;z;z"); /* opaque, not decoded */
    assert_string_equal(relay("a=1;p=x;p=y", "b=2"), "a=1;p=x;p=y,b=2");
}

static void values_are_percent_decoded(void **state)
{
    (void)state;
    assert_string_equal(value_of("a=al%20ice%2C%3B%22", "a", NULL), "al ice,;\"");
    assert_string_equal(value_of("a=1+1", "a", NULL), "1+1");
    assert_string_equal(value_of("a=%C3%B6", "a", NULL), "\xc3\xb6");
    assert_string_equal(value_of("a=%c3%b6", "a", NULL), "\xc3\xb6");
    assert_string_equal(value_of("a=%FFx", "a", NULL), "\xef\xbf\xbdx"); /* U+FFFD */
    assert_string_equal(value_of("a=50%", "a", NULL), "50%");
    assert_string_equal(value_of("a=%4", "a", NULL), "%4");
    assert_string_equal(value_of("a=%zz", "a", NULL), "%zz");
}

static void malformed_members_are_left_out(void **state)
{
    static const char *const bad[] = {"x",      "=1",     "k y=1",  "k=a b",  "k=\"q\"",
                                      "k=a\\b", "k=\xff", "(k)=1",  "k=a\tb", "k=1;a\x01z"};
    char header[64];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(header, sizeof(header), "first=1,%s,last=2", bad[i]);
        assert_string_equal(relay(header, NULL), "first=1,last=2");
    }
    assert_string_equal(relay(",,a=1,,", NULL), "a=1");
}

static void of_duplicate_names_the_later_counts(void **state)
{
    (void)state;
    assert_string_equal(relay("a=1,b=2,a=3", NULL), "a=3,b=2");
}

static void inject_encodes_what_could_break_a_header(void **state)
{
    static const char raw[] = "\t \"';=asdf!@#$%^&*()";
    struct otel_baggage_entry entries[] = {
        {otel_str("SomeKey"), otel_str(raw), otel_str("")},
        {otel_str("crlf"), otel_str("a\r\nSet-Cookie: x"), otel_str("bad\r\nmeta")},
        {otel_str("no token"), otel_str("1"), otel_str("")},
        {otel_str("k"), otel_str("\xc3\xb6"), otel_str("p=1;q")},
    };
    struct header_list out = {.count = 0};
    struct otel_baggage *baggage = NULL;
    struct otel_context *context;

    (void)state;
    assert_int_equal(otel_baggage_set_many(NULL, entries, 4, &baggage), OTEL_OK);
    context = otel_context_with_baggage(otel_context_root(), baggage);
    otel_propagator_inject(otel_propagator_baggage(), context, &out, &header_setter);
    assert_string_equal(header_value(&out, "baggage"),
                        "SomeKey=%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29,"
                        "crlf=a%0D%0ASet-Cookie%3A%20x,k=%C3%B6;p=1;q");
    otel_context_unref(context);
    otel_baggage_unref(baggage);
}

static size_t count_members(const char *first, const char *second)
{
    static struct header_list in;
    struct otel_context *context;
    size_t count;

    in.count = 0;
    header_add(&in, "baggage", first);
    if (second != NULL)
        header_add(&in, "baggage", second);
    context = extract(&in);
    count = otel_baggage_count(otel_context_baggage(context));
    otel_context_unref(context);
    return count;
}

static void extract_stops_at_64_members(void **state)
{
    char header[4000] = "";
    size_t len = 0;

    (void)state;
    for (int i = 0; i < 64; i++)
        len += (size_t)snprintf(header + len, sizeof(header) - len, "%sk%d=v", i ? "," : "", i);
    assert_int_equal(count_members(header, NULL), 64);
    assert_int_equal(count_members(header, "one=more"), 64);
    for (int i = 64; i < 200; i++)
        len += (size_t)snprintf(header + len, sizeof(header) - len, ",k%d=v", i);
    assert_int_equal(count_members(header, NULL), 64);
}

static void extract_stops_at_8192_bytes_of_whole_members(void **state)
{
    static char header[20000];

    (void)state;
    memset(header, 'x', sizeof(header) - 1);
    memcpy(header, "a=", 2);
    header[8192] = '\0';
    assert_int_equal(count_members(header, NULL), 1); /* exactly fits */
    assert_int_equal(count_members(header, "b=2"), 1);
    header[8192] = 'x';
    header[8193] = '\0';
    assert_int_equal(count_members(header, NULL), 0); /* no part of a member */
    header[8100] = ',';
    assert_int_equal(count_members(header, NULL), 1);
    assert_int_equal(count_members("b=2", header), 2);
    memset(header, ',', sizeof(header) - 1); /* a flood of nothing */
    assert_int_equal(count_members(header, NULL), 0);
}

static void inject_writes_at_most_8192_bytes_of_whole_members(void **state)
{
    enum { SIZE = 3000 };
    static char long_value[SIZE + 1];
    struct otel_baggage_entry entries[100];
    struct header_list out = {.count = 0};
    struct otel_baggage *baggage = NULL;
    struct otel_context *context;
    char names[100][16];

    (void)state;
    memset(long_value, 'v', SIZE);
    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "k%02d", i);
        entries[i].name = otel_str(names[i]);
        entries[i].value = i < 4 ? otel_strn(long_value, SIZE) : otel_str("v");
        entries[i].metadata = otel_str("");
    }
    assert_int_equal(otel_baggage_set_many(NULL, entries, 100, &baggage), OTEL_OK);
    context = otel_context_with_baggage(otel_context_root(), baggage);
    otel_propagator_inject(otel_propagator_baggage(), context, &out, &header_setter);
    assert_true(strlen(header_value(&out, "baggage")) <= 8192);
    assert_int_equal(count_members(header_value(&out, "baggage"), NULL), 64);
    assert_null(strstr(header_value(&out, "baggage"), "k02=")); /* did not fit; the small did */
    otel_context_unref(context);
    otel_baggage_unref(baggage);
}

/* How many of these members are in text, which holds nothing else, and each whole. */
static size_t whole_members(const char *text)
{
    static const char *const members[] = {"a=1;p=x", "b=%20%C3%B6", "d=4", "c=%C3%B6;q"};
    const char *at = text;
    size_t count = 0;

    for (size_t i = 0; i < 4 && *at != '\0'; i++) {
        size_t len = strlen(members[i]);
        if (strncmp(at, members[i], len) != 0 || (at[len] != ',' && at[len] != '\0'))
            continue;
        at += at[len] == ',' ? len + 1 : len;
        count++;
    }
    if (*at != '\0')
        fail_msg("a part of a member, or one out of turn: '%s'", text);
    return count;
}

/* Read, added to, written: without memory members are missing, none is damaged. */
static enum otel_err read_change_and_write(void *arg)
{
    static const struct otel_baggage_entry more = {
        .name = {"c", 1}, .value = {"\xc3\xb6", 2}, .metadata = {"q", 1}};
    static struct header_list in, out;
    struct otel_context *read, *context;
    struct otel_baggage *baggage = NULL;
    enum otel_err err;

    (void)arg;
    in.count = out.count = 0;
    header_add(&in, "baggage", "a=1;p=x,b=%20%C3%B6");
    header_add(&in, "baggage", "d=4");
    read = extract(&in);
    err = otel_baggage_set_many(otel_context_baggage(read), &more, 1, &baggage);
    assert_true((err == OTEL_OK) == (baggage != NULL));
    context = otel_context_with_baggage(read, baggage);
    otel_propagator_inject(otel_propagator_baggage(), context, &out, &header_setter);
    if (out.count == 0 || whole_members(header_value(&out, "baggage")) < 4)
        err = OTEL_ERR_MEMORY;
    otel_context_unref(context);
    otel_baggage_unref(baggage);
    otel_context_unref(read);
    return err;
}

static void when_every_nth_allocation_fails_nothing_is_left_behind(void **state)
{
    struct every_nth test = {.live = read_change_and_write, .most = 200};

    (void)state;
    every_nth(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_trimmed_and_split),
        cmocka_unit_test(values_are_percent_decoded),
        cmocka_unit_test(malformed_members_are_left_out),
        cmocka_unit_test(of_duplicate_names_the_later_counts),
        cmocka_unit_test(inject_encodes_what_could_break_a_header),
        cmocka_unit_test(extract_stops_at_64_members),
        cmocka_unit_test(extract_stops_at_8192_bytes_of_whole_members),
        cmocka_unit_test(inject_writes_at_most_8192_bytes_of_whole_members),
        cmocka_unit_test(when_every_nth_allocation_fails_nothing_is_left_behind),
    };

    heap_install();
    return cmocka_run_group_tests_name("baggage_propagation", tests, NULL, NULL);
}
