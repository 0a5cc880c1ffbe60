/* SPDX-License-Identifier: Apache-2.0 */
/* The strip of paired differences: dots, intervals and the band of two arms that are the same, all
 * on one scale. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reports/html/parts.h"

static json_t *row(const char *arm, double middle, double half, double smallest, bool detected)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:b, s:i, s:s, s:[f,f,f]}",
                     "arm", arm, "arm_title", arm, "load", "held", "figure",
                     "request_p99_ns", "title", "request p99", "unit", "ns", "difference", middle,
                     "low", middle - half, "high", middle + half, "smallest_seen", smallest,
                     "detected", detected, "blocks", 3, "text", "said of it", "points",
                     middle - 2 * half, middle, middle + 2 * half);
}

static void render(json_t *rows, struct rep_out *out)
{
    json_t *root = json_pack("{s:{s:i, s:f, s:f, s:[], s:o}}", "overhead", "blocks", 3, "slice_s",
                             0.5, "held_rate", 3000.0, "arms", "rows", rows);

    assert_non_null(root);
    rep_out_init(out);
    rep_html_overhead(out, root);
    assert_int_equal(out->err, OTEL_OK);
    json_decref(root);
}

/* The number of the attribute, of the nth element that has this in it; NAN: there is none. */
static double attribute(const struct rep_out *out, const char *element, unsigned nth,
                        const char *name)
{
    const char *at = out->buf.data, *end;
    char key[20];

    snprintf(key, sizeof(key), " %s=\"", name);
    for (;; at = end) {
        const char *found = strstr(at, element), *value, *open;
        if (found == NULL)
            return NAN;
        end = strchr(found, '>');
        for (open = found; *open != '<'; open--)
            ;
        if (nth-- > 0)
            continue;
        value = strstr(open, key);
        return value != NULL && value < end ? strtod(value + strlen(key), NULL) : NAN;
    }
}

static bool near(double a, double b)
{
    return fabs(a - b) < 0.3; /* places have one decimal */
}

static const char BAND[] = "fill=\"#98a2b3\"", ZERO[] = "stroke-width=\"1\"",
                  INTERVAL[] = "stroke-width=\"3\"";

static void the_band_is_what_two_that_are_the_same_differ_by(void **state)
{
    struct rep_out out;
    double zero, scale, from, width;

    (void)state;
    render(json_pack("[o, o]", row("none_again", 10, 40, 50, false),
                     row("batch", 1000, 100, 50, true)),
           &out);
    zero = attribute(&out, ZERO, 0, "x1");
    scale = (attribute(&out, INTERVAL, 1, "x2") - attribute(&out, INTERVAL, 1, "x1")) / 200;
    from = attribute(&out, BAND, 0, "x");
    width = attribute(&out, BAND, 0, "width");
    assert_true(scale > 0.1);
    assert_true(near(from, zero - 50 * scale) && near(width, 100 * scale));
    /* What counts as a difference lies beyond it, and has the other colour. */
    assert_true(attribute(&out, INTERVAL, 1, "x1") > from + width);
    assert_true(near(attribute(&out, INTERVAL, 0, "x1"), zero - 30 * scale));
    assert_false(attribute(&out, BAND, 1, "x") >= 0);
    assert_non_null(strstr(out.buf.data, "stroke=\"#e4572e\""));
    rep_out_fini(&out);
}

/* A noise larger than all else: the band ends where the picture does. */
static void a_band_wider_than_the_picture_is_cut(void **state)
{
    struct rep_out out;
    double from, width;

    (void)state;
    render(json_pack("[o, o]", row("none_again", 10, 40, 5000, false),
                     row("batch", 100, 10, 5000, false)),
           &out);
    from = attribute(&out, BAND, 0, "x");
    width = attribute(&out, BAND, 0, "width");
    assert_true(near(from, 190) && near(from + width, 700));
    assert_null(strstr(out.buf.data, "stroke=\"#e4572e\"")); /* nothing was detected */
    rep_out_fini(&out);
}

static void without_that_arm_there_is_none(void **state)
{
    struct rep_out out;

    (void)state;
    render(json_pack("[o]", row("batch", 1000, 100, 50, true)), &out);
    assert_false(attribute(&out, BAND, 0, "x") >= 0);
    assert_true(attribute(&out, INTERVAL, 0, "x1") >= 0);
    rep_out_fini(&out);
}

/* Of three arms that cost 1,040 ns a span one is detected: the table says it of that one. */
static void what_is_not_detected_has_no_figure(void **state)
{
    json_t *rows = json_pack("[o, o, o]", row("none_again", 10, 40, 50, false),
                             row("batch", 20, 10, 50, false), row("simple", 1000, 100, 50, true));
    const char *cell;
    struct rep_out out;
    size_t index, times = 0;
    json_t *each;

    (void)state;
    json_array_foreach(rows, index, each)
        json_object_set_new(each, "per_span", json_real(1040));
    render(rows, &out);
    for (cell = out.buf.data; (cell = strstr(cell, ">1.04 ")) != NULL; cell++)
        times++;
    assert_int_equal(times, 1);
    assert_true(strstr(out.buf.data, ">1.04 ") > strstr(out.buf.data, "<td class=\"t\">simple"));
    rep_out_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_band_is_what_two_that_are_the_same_differ_by),
        cmocka_unit_test(a_band_wider_than_the_picture_is_cut),
        cmocka_unit_test(without_that_arm_there_is_none),
        cmocka_unit_test(what_is_not_detected_has_no_figure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
