/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/base/arena.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/base/opts.h"
#include "sdk/base/random.h"
#include "sdk/base/tell.h"
#include "sdk/base/text.h"

static void buf_refuses_what_exceeds_its_maximum(void **state)
{
    struct otl_buf buf;

    (void)state;
    otl_buf_init(&buf, 8);
    assert_int_equal(otl_buf_append_str(&buf, "12345678"), OTEL_OK);
    assert_int_equal(otl_buf_append_byte(&buf, '9'), OTEL_ERR_LIMIT);
    assert_string_equal(buf.data, "12345678");
    otl_buf_reset(&buf);
    assert_int_equal(otl_buf_printf(&buf, "%d-%s", 7, "ab"), OTEL_OK);
    assert_string_equal(buf.data, "7-ab");
    otl_buf_fini(&buf);
}

static void buf_survives_failing_allocation(void **state)
{
    struct otl_buf buf;

    (void)state;
    otl_buf_init(&buf, 1000);
    otl_mem_fail_at(1);
    assert_int_equal(otl_buf_append_str(&buf, "x"), OTEL_ERR_MEMORY);
    otl_mem_fail_at(0);
    assert_int_equal(otl_buf_append_str(&buf, "x"), OTEL_OK);
    otl_buf_fini(&buf);
}

static void arena_aligns_and_honours_its_maximum(void **state)
{
    struct otl_arena arena;
    char *text;

    (void)state;
    otl_arena_init(&arena, 64 * 1024);
    for (int i = 1; i < 100; i++) {
        void *p = otl_arena_alloc(&arena, (size_t)i);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % sizeof(max_align_t) % 16, 0);
    }
    text = otl_arena_strdup(&arena, "kept");
    assert_string_equal(text, "kept");
    assert_null(otl_arena_alloc(&arena, 65 * 1024));
    otl_arena_fini(&arena);
}

static void utf8_is_judged_strictly(void **state)
{
    (void)state;
    assert_true(otl_utf8_valid("h\xc3\xa9llo \xf0\x9f\x98\x80 plain ascii", 24));
    assert_false(otl_utf8_valid("\xc0\x80", 2));             /* over-long */
    assert_false(otl_utf8_valid("\xed\xa0\x80", 3));         /* surrogate */
    assert_false(otl_utf8_valid("\xf4\x90\x80\x80", 4));     /* above U+10FFFF */
    assert_int_equal(otl_utf8_prefix("ab\xe2\x82", 4), 2);   /* cut in a character */
    assert_int_equal(otl_utf8_cut("h\xc3\xa9llo", 6, 2), 3); /* characters, not bytes */
}

static void numbers_are_read_strictly(void **state)
{
    int64_t i;
    uint64_t u, ns;
    double d;

    (void)state;
    assert_int_equal(otl_parse_int("-12", -100, 100, &i), OTEL_OK);
    assert_int_equal(i, -12);
    assert_int_equal(otl_parse_int(" 1", 0, 9, &i), OTEL_ERR_SYNTAX);
    assert_int_equal(otl_parse_uint("-1", 0, 9, &u), OTEL_ERR_SYNTAX);
    assert_int_equal(otl_parse_uint("10", 0, 9, &u), OTEL_ERR_LIMIT);
    assert_int_equal(otl_parse_uint("1x", 0, 9, &u), OTEL_ERR_SYNTAX);
    assert_int_equal(otl_parse_double("0.25", 0, 1, &d), OTEL_OK);
    assert_int_equal(otl_parse_double("nan", 0, 1, &d), OTEL_ERR_SYNTAX);
    assert_int_equal(otl_parse_double("0x1p3", 0, 100, &d), OTEL_ERR_SYNTAX);
    assert_int_equal(otl_parse_duration("1m30s", &ns), OTEL_OK);
    assert_int_equal(ns, 90000000000ULL);
    assert_int_equal(otl_parse_duration("1.5ms", &ns), OTEL_OK);
    assert_int_equal(ns, 1500000);
    assert_int_equal(otl_parse_duration("5", &ns), OTEL_ERR_SYNTAX);
    assert_int_equal(otl_parse_duration("5 s", &ns), OTEL_ERR_SYNTAX);
}

static void durations_are_printed_short(void **state)
{
    char out[32];

    (void)state;
    assert_string_equal(otl_format_duration(1500000, out, sizeof(out)), "1.5ms");
    assert_string_equal(otl_format_duration(0, out, sizeof(out)), "0ns");
    assert_string_equal(otl_format_duration(120000000000ULL, out, sizeof(out)), "120s");
}

static void the_nearest_word_is_suggested(void **state)
{
    static const char *const words[] = {"services", "topics", "load", NULL};

    (void)state;
    assert_string_equal(otl_nearest("servces", words), "services");
    assert_string_equal(otl_nearest("Load", words), "load");
    assert_null(otl_nearest("collector", words));
}

static void options_name_the_nearest(void **state)
{
    bool quiet = false;
    const char *out = NULL;
    struct otl_opt_list rest = {.count = 0};
    struct otl_detail detail = OTL_DETAIL_NONE;
    const struct otl_opt table[] = {{"quiet", NULL, "say less", OTL_OPT_FLAG, &quiet},
                                    {"out", "DIR", "where to", OTL_OPT_TEXT, &out},
                                    {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    char *good[] = {"x", "--quiet", "a.yaml", "--out=d", "--", "--b"};
    char *bad[] = {"x", "--quite"};

    (void)state;
    assert_int_equal(otl_opts_parse(table, 6, good, &rest, &detail), OTEL_OK);
    assert_true(quiet);
    assert_string_equal(out, "d");
    assert_int_equal(rest.count, 2);
    assert_string_equal(rest.items[1], "--b");
    assert_int_equal(otl_opts_parse(table, 2, bad, &rest, &detail), OTEL_ERR_ARGUMENT);
    assert_non_null(strstr(detail.text, "did you mean --quiet?"));
}

static void the_first_detail_wins(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char out[128];

    (void)state;
    assert_int_equal(otl_detail_set(&detail, OTEL_ERR_SYNTAX, "a.yaml", 3, 7, "first %d", 1),
                     OTEL_ERR_SYNTAX);
    otl_detail_set(&detail, OTEL_ERR_LIMIT, "b.yaml", 1, 1, "second");
    assert_string_equal(otl_detail_format(&detail, out, sizeof(out)), "a.yaml:3:7: first 1");
}

static void random_streams_repeat_from_their_seed(void **state)
{
    struct otl_random a, b;
    double sum = 0;

    (void)state;
    otl_random_seed(&a, otl_random_mix_text(42, "gateway", 7));
    otl_random_seed(&b, otl_random_mix_text(42, "gateway", 7));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(otl_random_next(&a), otl_random_next(&b));
    for (int i = 0; i < 100000; i++)
        sum += otl_random_exponential(&a);
    assert_true(sum / 100000 > 0.97 && sum / 100000 < 1.03);
    assert_int_not_equal(otl_random_mix_text(42, "order", 5), otl_random_mix_text(42, "rodre", 5));
}

static char g_told[2048];

static void hear(void *arg, enum otel_err err, const char *text)
{
    snprintf(g_told, sizeof(g_told), "%s %d %s", (const char *)arg, err == OTEL_ERR_IO, text);
}

static void a_sentence_is_told_to_whoever_listens(void **state)
{
    char by[] = "by", longer[3000];
    struct otl_teller teller = {hear, by};

    (void)state;
    otl_tell(&teller, OTEL_ERR_IO, "%d of %s", 7, "them");
    assert_string_equal(g_told, "by 1 7 of them");
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    otl_tell(&teller, OTEL_OK, "%s", longer);
    assert_int_equal(strlen(g_told), 5 + 1023);
    teller.error = NULL;
    otl_tell(&teller, OTEL_OK, "nobody");
    otl_tell(NULL, OTEL_OK, "nobody");
    assert_int_equal(strlen(g_told), 5 + 1023);
}

static void options_of_an_older_header_keep_the_defaults_of_the_rest(void **state)
{
    struct grown {
        size_t struct_size;
        int old, new;
    } all = {sizeof(all), 1, 2}, given = {offsetof(struct grown, new), 10, 20};

    (void)state;
    assert_int_equal(otl_options_take(&all, sizeof(all), NULL), OTEL_OK);
    assert_int_equal(all.old, 1);
    assert_int_equal(otl_options_take(&all, sizeof(all), &given), OTEL_OK);
    assert_int_equal(all.old, 10);
    assert_int_equal(all.new, 2);
    given.struct_size = sizeof(given);
    assert_int_equal(otl_options_take(&all, sizeof(all), &given), OTEL_OK);
    assert_int_equal(all.new, 20);
    given.new = 30;
    given.struct_size = 0;
    assert_int_equal(otl_options_take(&all, sizeof(all), &given), OTEL_ERR_ARGUMENT);
    given.struct_size = sizeof(given) + 1;
    assert_int_equal(otl_options_take(&all, sizeof(all), &given), OTEL_ERR_ARGUMENT);
    assert_int_equal(all.new, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_refuses_what_exceeds_its_maximum),
        cmocka_unit_test(buf_survives_failing_allocation),
        cmocka_unit_test(arena_aligns_and_honours_its_maximum),
        cmocka_unit_test(utf8_is_judged_strictly),
        cmocka_unit_test(numbers_are_read_strictly),
        cmocka_unit_test(durations_are_printed_short),
        cmocka_unit_test(the_nearest_word_is_suggested),
        cmocka_unit_test(options_name_the_nearest),
        cmocka_unit_test(the_first_detail_wins),
        cmocka_unit_test(random_streams_repeat_from_their_seed),
        cmocka_unit_test(a_sentence_is_told_to_whoever_listens),
        cmocka_unit_test(options_of_an_older_header_keep_the_defaults_of_the_rest),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
