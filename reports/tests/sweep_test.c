/* SPDX-License-Identifier: Apache-2.0 */
/* What a sweep shows of differences that are noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reports/sweep/sweep.h"

/* Two combinations at one load: the second adds more than the noise. */
static json_t *some_sweep(bool band)
{
    json_error_t error;
    json_t *sweep = json_loads(
        "{\"schema\":\"tracerig.sweep/1\",\"scenario\":{\"name\":\"n\",\"title\":\"t\",\"claim\":"
        "\"c\",\"file\":\"f\"},\"seed\":1,\"repeat\":1,\"complete\":true,\"started_at\":"
        "\"2026-01-02T03:04:05Z\",\"axes\":[{\"path\":\"tracing.max_queue_size\",\"values\":"
        "[\"64\",\"512\"]}],\"figures\":[{\"key\":\"added_p99_ns\",\"title\":\"added\",\"unit\":"
        "\"ns\",\"column\":\"added p99\"}],\"points\":[{\"values\":[\"64\"],\"runs\":[],"
        "\"figures\":{\"added_p99_ns\":111000},\"drops\":{},\"undetected\":[\"added_p99_ns\"]},"
        "{\"values\":[\"512\"],\"runs\":[],\"figures\":{\"added_p99_ns\":222000},\"drops\":{}}],"
        "\"bases\":[{\"values\":[null],\"runs\":[],\"figures\":{},\"drops\":{},\"noise\":"
        "{\"groups\":8,\"p99_ns\":[1,2],\"band_ns\":150000}}]}", 0, &error);

    assert_non_null(sweep);
    if (!band) {
        json_object_del(json_array_get(json_object_get(sweep, "bases"), 0), "noise");
        json_object_del(json_array_get(json_object_get(sweep, "points"), 0), "undetected");
    }
    return sweep;
}

static bool there(const struct rep_out *out, const char *text)
{
    assert_int_equal(out->err, OTEL_OK);
    return memmem(out->buf.data, out->buf.len, text, strlen(text)) != NULL;
}

static void within_the_noise_no_difference_is_shown(void **state)
{
    static const struct rep_heats none;
    json_t *sweep = some_sweep(true);
    struct rep_out text, html, script, data;

    (void)state;
    rep_out_init(&text);
    rep_out_init(&html);
    rep_out_init(&script);
    rep_out_init(&data);
    rep_sweep_text(sweep, &text);
    assert_false(there(&text, "111"));
    assert_true(there(&text, "~\n"));
    assert_true(there(&text, "222 \xc2\xb5s\n"));
    assert_true(there(&text, "no difference detected. 8 measurements"));
    assert_true(there(&text, "differ by 150 \xc2\xb5s in their p99"));
    rep_sweep_html(sweep, &none, ".", &html);
    assert_true(there(&html, ">~ 111 \xc2\xb5s<"));
    assert_true(there(&html, ">222 \xc2\xb5s<"));
    assert_true(there(&html, "no difference detected"));
    rep_heat_script(sweep, json_array_get(json_object_get(sweep, "figures"), 0), 0, &script, &data);
    assert_true(there(&data, "0 0 0 1\n1 0 222 0\n"));
    assert_true(there(&script, "$4 > 0 ? '~'"));
    assert_true(there(&script, "set cbrange [0:222]"));
    rep_out_fini(&text);
    rep_out_fini(&html);
    rep_out_fini(&script);
    rep_out_fini(&data);
    json_decref(sweep);
}

static void without_a_band_it_says_so(void **state)
{
    json_t *sweep = some_sweep(false);
    struct rep_out text;

    (void)state;
    rep_out_init(&text);
    rep_sweep_text(sweep, &text);
    assert_true(there(&text, "111 \xc2\xb5s\n"));
    assert_true(there(&text, "There is no noise band"));
    rep_out_fini(&text);
    json_object_del(sweep, "bases"); /* nothing of tracing was varied */
    assert_string_equal(rep_sweep_note(sweep).text, "");
    json_decref(sweep);
}

/* load.rate beside the rate achieved, the queues of two services: no two columns have one name. */
static void columns_have_names_of_their_own(void **state)
{
    json_t *sweep = some_sweep(true), *axes = json_object_get(sweep, "axes");
    struct rep_out html;

    (void)state;
    assert_string_equal(rep_sweep_head(sweep, json_array_get(axes, 0)), "max_queue_size");
    json_array_append_new(axes, json_pack("{s:s, s:[s]}", "path", "load.added p99", "values", "1"));
    json_array_append_new(axes, json_pack("{s:s, s:[s]}", "path",
                                          "services.a.tracing.max_queue_size", "values", "1"));
    assert_string_equal(rep_sweep_head(sweep, json_array_get(axes, 1)), "load.added p99");
    assert_string_equal(rep_sweep_head(sweep, json_array_get(axes, 0)), "tracing.max_queue_size");
    rep_out_init(&html);
    rep_sweep_html(sweep, &(struct rep_heats){.count = 0}, ".", &html);
    assert_true(there(&html, ">services.a.tracing.max_queue_size</th>"));
    assert_true(there(&html, "<span>2 combinations</span><span>1 run each</span>"));
    rep_out_fini(&html);
    json_decref(sweep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_the_noise_no_difference_is_shown),
        cmocka_unit_test(without_a_band_it_says_so),
        cmocka_unit_test(columns_have_names_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
