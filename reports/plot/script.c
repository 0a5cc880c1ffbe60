/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/plot/script.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "reports/plot/plot.h"

enum { TITLE_BYTES = 48, SAMPLES_BEYOND = 10, LOG_RATIO = 50 };

struct scale {
    double divisor;
    const char *unit;
};

static struct scale scale_for(const char *unit, double max)
{
    struct scale plain = {1, ""};
    struct scale seconds = {1e9, "s"};
    struct scale millis = {1e6, "ms"};
    struct scale micros = {1e3, "\xc2\xb5s"};
    struct scale mebi = {1024.0 * 1024.0, "MiB"};
    struct scale kibi = {1024.0, "KiB"};

    if (strcmp(unit, "ns") == 0)
        return max >= 2e10 ? seconds : max >= 1e6 ? millis : micros;
    if (strcmp(unit, "bytes") == 0)
        return max >= 1024.0 * 1024.0 ? mebi : kibi;
    plain.unit = strcmp(unit, "percent") == 0 ? "%" : strcmp(unit, "1/s") == 0 ? "a second" : "";
    return plain;
}

/* 1, 2 or 5 times a power of ten, so that at most steps of it reach max. */
static double nice_step(double max, double steps)
{
    double least = max / steps;
    double step = pow(10, floor(log10(least > 0 ? least : 1)));

    if (step * 2 >= least)
        return step >= least ? step : step * 2;
    return step * 5 >= least ? step * 5 : step * 10;
}

static void put_linear_y(struct rep_out *out, double max)
{
    double step = nice_step(max > 0 ? max : 1, 5);
    double top = max > 0 ? ceil(max / step * 0.999999) * step : step;

    rep_putf(out, "set yrange [0:%.12g]\nset ytics %.12g\nset format y '%%.10g'\n", top, step);
}

/* The one way for text into a script: letters, digits, a few harmless signs, in single quotes. */
static void put_title(struct rep_out *out, const char *text)
{
    rep_put(out, "'");
    for (size_t i = 0; text[i] != '\0' && i < TITLE_BYTES; i++) {
        unsigned char c = (unsigned char)text[i];
        char safe[2] = {isalnum(c) || strchr(" ._-:/,()+=", c) != NULL ? (char)c : '_', '\0'};
        rep_put(out, safe);
    }
    rep_put(out, "'");
}

static void put_head(struct rep_script *script, int height)
{
    struct rep_out *out = &script->text;

    rep_putf(out,
             "# tracerig plot; again: gnuplot -c %s.gp [FILE.svg [light|dark]]\n"
             "file = ARGC >= 1 ? ARG1 : '%s.svg'\n"
             "dark = ARGC >= 2 && ARG2 eq 'dark'\n"
             "back = dark ? '#171a21' : '#ffffff'\n"
             "fore = dark ? '#aab3c2' : '#475467'\n"
             "axis = dark ? '#4b5565' : '#98a2b3'\n"
             "mesh = dark ? '#262b35' : '#eaecf0'\n"
             "shade = dark ? '#222733' : '#f2f4f7'\n"
             "fault = dark ? '#4a2b2b' : '#fbe4e0'\n",
             script->name, script->name);
    rep_putf(
        out,
        "set terminal svg size 640,%d dynamic noenhanced font 'DejaVu Sans,12' background back\n"
        "set encoding utf8\n"
        "set output file\n"
        "set border 3 linecolor rgb axis linewidth 1\n"
        "set tics out nomirror textcolor rgb fore\n"
        "set grid xtics ytics linetype 1 linecolor rgb mesh linewidth 1\n"
        "set key above right textcolor rgb fore samplen 2 font ',11'\n"
        "set lmargin 10\nset rmargin 3\n",
        height);
    for (int i = 0; i < REP_PLOT_SERIES_MAX; i++) {
        static const char *const light[] = {"#2563eb", "#e4572e", "#12805c",
                                            "#8250c4", "#b7791f", "#0e7490"};
        static const char *const dark[] = {"#6ea0ff", "#ff8f6b", "#4cc79a",
                                           "#b99cf5", "#e0b055", "#4dc3d8"};
        rep_putf(out,
                 "set style line %d linecolor rgb (dark ? '%s' : '%s') linewidth 2 dashtype %d\n",
                 i + 1, dark[i % 6], light[i % 6], 1 + i / 6);
    }
}

static void put_labels(struct rep_out *out, const char *x, const char *y)
{
    rep_putf(out, "set xlabel '%s' textcolor rgb fore\nset ylabel '%s' textcolor rgb fore\n", x, y);
}

/* ---- percentile curve --------------------------------------------------------------------- */

/* Points as far as enough samples lie beyond; returns how many. */
static size_t put_percentiles(struct rep_out *data, const json_t *histogram, double *max)
{
    const json_t *points = rep_get(histogram, "percentiles");
    double count = rep_num(histogram, "count");
    size_t put = 0;

    for (size_t i = 0; i < json_array_size(points); i++) {
        double percent = json_number_value(json_array_get(json_array_get(points, i), 0));
        double value = json_number_value(json_array_get(json_array_get(points, i), 1));
        if (percent < 0 || percent >= 100 || count * (1 - percent / 100) < SAMPLES_BEYOND)
            continue;
        rep_putf(data, "%.12g %.12g\n", percent, value);
        if (value > *max)
            *max = value;
        put++;
    }
    rep_put(data, "\n\n");
    return put;
}

static double median_of(const json_t *histogram)
{
    const json_t *points = rep_get(histogram, "percentiles");

    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *pair = json_array_get(points, i);
        if (json_number_value(json_array_get(pair, 0)) >= 50)
            return json_number_value(json_array_get(pair, 1));
    }
    return 0;
}

bool rep_script_percentiles(struct rep_script *script, const struct rep_model *model)
{
    const json_t *histograms = rep_get(model->root, "histograms");
    struct rep_out *out = &script->text;
    double max = 0;
    double least = 0;
    struct scale scale;
    size_t curves = 0;
    size_t curve_of[REP_PLOT_SERIES_MAX];

    rep_put(&script->data, "# percent ns, one block a histogram\n");
    for (size_t i = 0; i < json_array_size(histograms) && curves < REP_PLOT_SERIES_MAX; i++) {
        const json_t *histogram = json_array_get(histograms, i);
        double median = median_of(histogram);
        if (!rep_is(histogram, "unit", "ns") || put_percentiles(&script->data, histogram, &max) < 2)
            continue;
        if (median > 0 && (least == 0 || median < least))
            least = median;
        curve_of[curves++] = i;
    }
    if (curves == 0)
        return false;
    scale = scale_for("ns", max);
    put_head(script, 340);
    put_labels(out, "percentile", scale.unit);
    rep_put(out, "set logscale x\nset autoscale xfixmax\n"
                 "set xtics ('0 %%' 1, '50 %%' 2, '90 %%' 10, '99 %%' 100, '99.9 %%' 1e3, "
                 "'99.99 %%' 1e4, '99.999 %%' 1e5, '99.9999 %%' 1e6)\n");
    if (least > 0 && max / least > LOG_RATIO)
        rep_put(out, "set logscale y\nset format y '%g'\n");
    else
        put_linear_y(out, max / scale.divisor);
    rep_put(out, "plot \\\n");
    for (size_t i = 0; i < curves; i++) {
        rep_putf(out, "  '%s.dat' index %zu using (1/(1-$1/100)):($2/%g) with linespoints ",
                 script->name, i, scale.divisor);
        rep_putf(out, "linestyle %zu pointtype 7 pointsize 0.35 title ", i + 1);
        put_title(out, rep_str(json_array_get(histograms, curve_of[i]), "title"));
        rep_put(out, i + 1 < curves ? ", \\\n" : "\n");
    }
    return true;
}

/* ---- histogram ---------------------------------------------------------------------------- */

/* Steps from bucket to bucket, down to zero where one is left out. */
static bool put_buckets(struct rep_out *data, const json_t *histogram, double *max)
{
    const json_t *buckets = rep_get(histogram, "buckets");
    double before = 0;
    bool any = false;

    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *bucket = json_array_get(buckets, i);
        double low = json_number_value(json_array_get(bucket, 0));
        double high = json_number_value(json_array_get(bucket, 1));
        if (low <= 0 || high <= low) /* a logarithmic axis has no zero */
            continue;
        if (!any)
            rep_putf(data, "%.12g 0\n", low);
        else if (low > before * 1.000001)
            rep_putf(data, "%.12g 0\n%.12g 0\n", before, low);
        rep_putf(data, "%.12g %.12g\n", low, json_number_value(json_array_get(bucket, 2)));
        before = high;
        any = true;
    }
    if (any)
        rep_putf(data, "%.12g 0\n", before);
    rep_put(data, "\n\n");
    if (before > *max)
        *max = before;
    return any;
}

bool rep_script_histogram(struct rep_script *script, const struct rep_model *model)
{
    const json_t *histograms = rep_get(model->root, "histograms");
    struct rep_out *out = &script->text;
    double max = 0;
    struct scale scale;
    size_t block = 0;
    size_t curves = 0;
    size_t curve_of[REP_PLOT_SERIES_MAX];

    rep_put(&script->data, "# low-ns count, one block a histogram\n");
    for (size_t i = 0; i < json_array_size(histograms) && curves < REP_PLOT_SERIES_MAX; i++)
        if (rep_is(json_array_get(histograms, i), "unit", "ns") &&
            put_buckets(&script->data, json_array_get(histograms, i), &max))
            curve_of[curves++] = i;
    if (curves == 0)
        return false;
    scale = scale_for("ns", max);
    put_head(script, 340);
    put_labels(out, scale.unit, "requests");
    rep_put(out, "set logscale x\nset format x '%g'\nset yrange [0:*]\nset format y '%.10g'\n"
                 "set style fill solid 0.25 noborder\nplot \\\n");
    for (block = 0; block < curves; block++) {
        rep_putf(out, "  '%s.dat' index %zu using ($1/%g):2 with %s linestyle %zu title ",
                 script->name, block, scale.divisor, block ? "steps" : "fillsteps", block + 1);
        put_title(out, rep_str(json_array_get(histograms, curve_of[block]), "title"));
        if (block == 0)
            rep_putf(out, ", '' index 0 using ($1/%g):2 with steps linestyle 1 notitle",
                     scale.divisor);
        rep_put(out, block + 1 < curves ? ", \\\n" : "\n");
    }
    return true;
}

/* ---- over time ---------------------------------------------------------------------------- */

/* last: where the axis ends. A window too narrow to be seen has no name. */
static void put_phases(struct rep_out *out, const json_t *phases, double last)
{
    for (size_t i = 0; i < json_array_size(phases); i++) {
        const json_t *phase = json_array_get(phases, i);
        double start = rep_num(phase, "start_s");
        if (!rep_is(phase, "name", "warm-up") && !rep_is(phase, "name", "drain"))
            continue;
        if (rep_num(phase, "end_s") <= start)
            continue;
        rep_putf(out,
                 "set object rectangle from first %.6g, graph 0 to first %.6g, graph 1 "
                 "fillcolor rgb shade fillstyle solid 1 noborder behind\n",
                 start, rep_num(phase, "end_s"));
        if (rep_is(phase, "name", "warm-up") && rep_num(phase, "end_s") - start > last / 100)
            rep_putf(out,
                     "set label 'warm-up' at first %.6g, graph 1 offset 0,0.6 "
                     "textcolor rgb fore font ',10' front\n",
                     start);
    }
}

enum { EVENTS_MAX = 64 };

/* What was done to the fleet: a window where it lasted, else a line; numbered as in the table. */
static void put_events(struct rep_out *out, const json_t *events)
{
    for (size_t i = 0; i < json_array_size(events) && i < EVENTS_MAX; i++) {
        const json_t *event = json_array_get(events, i);
        double at = rep_num(event, "at_s");
        if (at < 0)
            continue;
        if (rep_has(event, "until_s") && rep_num(event, "until_s") > at)
            rep_putf(out,
                     "set object rectangle from first %.6g, graph 0 to first %.6g, graph 1 "
                     "fillcolor rgb fault fillstyle solid 1 noborder behind\n",
                     at, rep_num(event, "until_s"));
        rep_putf(out,
                 "set arrow from first %.6g, graph 0 to first %.6g, graph 1 nohead "
                 "linecolor rgb fore dashtype 3 back\n"
                 "set label '%zu' at first %.6g, graph 1 offset 0.3,-0.6 textcolor rgb fore "
                 "font ',10' front\n",
                 at, at, i + 1, at);
    }
}

static void put_points(struct rep_out *data, const json_t *points, double *max, double *last)
{
    for (size_t i = 0; i < json_array_size(points); i++) {
        double at = json_number_value(json_array_get(json_array_get(points, i), 0));
        double value = json_number_value(json_array_get(json_array_get(points, i), 1));
        rep_putf(data, "%.12g %.12g\n", at, value);
        if (value > *max)
            *max = value;
        if (at > *last)
            *last = at;
    }
    rep_put(data, "\n\n");
}

bool rep_script_series(struct rep_script *script, const struct rep_model *model, const char *panel)
{
    const json_t *all = rep_get(model->root, "series");
    struct rep_out *out = &script->text;
    const json_t *curve_of[REP_PLOT_SERIES_MAX];
    size_t curves = 0;
    double max = 0;
    double last = 0;
    struct scale scale;

    size_t longest = 0;

    rep_put(&script->data, "# seconds value, one block a series\n");
    for (size_t i = 0; i < json_array_size(all) && curves < REP_PLOT_SERIES_MAX; i++) {
        const json_t *series = json_array_get(all, i);
        if (!rep_is(series, rep_has(series, "panel") ? "panel" : "id", panel) ||
            json_array_size(rep_get(series, "points")) == 0)
            continue;
        put_points(&script->data, rep_get(series, "points"), &max, &last);
        if (json_array_size(rep_get(series, "points")) > longest)
            longest = json_array_size(rep_get(series, "points"));
        curve_of[curves++] = series;
    }
    if (curves == 0)
        return false;
    script->too_short = longest < 2;
    scale = scale_for(rep_str(curve_of[0], "unit"), max);
    put_head(script, 230);
    put_labels(out, "", scale.unit);
    rep_putf(out, "set xrange [0:%.6g]\nset xtics %.6g\n", last, nice_step(last, 8));
    put_linear_y(out, max / scale.divisor);
    put_phases(out, rep_get(model->root, "phases"), last);
    put_events(out, rep_get(model->root, "events"));
    rep_put(out, "plot \\\n");
    for (size_t i = 0; i < curves; i++) {
        rep_putf(out, "  '%s.dat' index %zu using 1:($2/%.12g) with lines linestyle %zu title ",
                 script->name, i, scale.divisor, i + 1);
        put_title(out, rep_str(curve_of[i], "title"));
        rep_put(out, i + 1 < curves ? ", \\\n" : "\n");
    }
    return true;
}

/* ---- a consumer group ----------------------------------------------------------------------- */

enum { STACK = 4, INSTANCES_MAX = 64, HEAD_PIXELS = 46, PANEL_PIXELS = 128, STRIP_PIXELS = 64,
       FOOT_PIXELS = 30, KEY_MAX = 12 };

/* Panels of one time axis, from the top down; below them a strip with rounds. */
static const struct {
    const char *panel, *unit_title;
} stack[STACK] = {{"handler", "handling"},
                  {"redelivered", "handled again"},
                  {"lag", "lag"},
                  {"staleness", "oldest message"}};

struct curve {
    const json_t *series;
    size_t style, block;
};

struct stack {
    struct rep_script *script;
    const char *instances[INSTANCES_MAX]; /* in order of appearance: the colour */
    size_t instance_count;
    size_t blocks; /* of the data file so far */
    double last;   /* where the axis ends */
    int height, top; /* pixels */
};

static size_t style_of(struct stack *s, const json_t *series)
{
    const char *name = rep_str(rep_get(series, "tags"), "instance");
    size_t i = 0;

    if (*name == '\0')
        name = rep_str(series, "title");
    while (i < s->instance_count && strcmp(s->instances[i], name) != 0)
        i++;
    if (i == s->instance_count && i < INSTANCES_MAX)
        s->instances[s->instance_count++] = name;
    return i % REP_PLOT_SERIES_MAX + 1;
}

static size_t curves_of(struct stack *s, const json_t *all, const char *panel,
                        struct curve *curves, double *max)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(all) && count < INSTANCES_MAX; i++) {
        const json_t *series = json_array_get(all, i);
        if (!rep_is(series, "panel", panel) || json_array_size(rep_get(series, "points")) < 2)
            continue;
        put_points(&s->script->data, rep_get(series, "points"), max, &s->last);
        curves[count++] = (struct curve){series, style_of(s, series), s->blocks++};
    }
    return count;
}

static void put_margins(struct stack *s, int pixels)
{
    rep_putf(&s->script->text, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n",
             1 - (double)s->top / s->height, 1 - (double)(s->top + pixels - 22) / s->height);
    s->top += pixels;
}

static void put_stacked(struct stack *s, const struct curve *curves, size_t count,
                        const char *title, double max)
{
    struct rep_out *out = &s->script->text;
    struct scale scale = scale_for(rep_str(curves[0].series, "unit"), max);

    put_margins(s, PANEL_PIXELS);
    put_linear_y(out, max / scale.divisor);
    if (s->top > HEAD_PIXELS + PANEL_PIXELS && count > 1 &&
        !rep_has(rep_get(curves[0].series, "tags"), "instance")) /* groups: names of their own */
        rep_put(out, "set key on inside top left maxrows 3 font ',10'\n");
    rep_putf(out, "set ylabel \"%s%s%s\" textcolor rgb fore font ',10'\nplot \\\n", title,
             *scale.unit ? "\\n" : "", scale.unit);
    for (size_t i = 0; i < count; i++) {
        rep_putf(out, "  '%s.dat' index %zu using 1:($2/%.12g) with lines linestyle %zu title ",
                 s->script->name, curves[i].block, scale.divisor, curves[i].style);
        put_title(out, rep_str(curves[i].series, "title"));
        rep_put(out, i + 1 < count ? ", \\\n" : "\n");
    }
    rep_put(out, "unset label\nunset key\n"); /* the first panel's numbers and names serve all */
}

/* Of one kind, each at its height. */
static size_t put_moments(struct stack *s, const json_t *events, const char *what, double height)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        if (!rep_is(event, "what", what) || rep_num(event, "at_s") < 0)
            continue;
        rep_putf(&s->script->data, "%.6g %g\n", rep_num(event, "at_s"), height);
        count++;
    }
    if (count == 0) /* an empty block would not count as one */
        rep_putf(&s->script->data, "-1 %g\n", height);
    rep_put(&s->script->data, "\n\n");
    s->blocks++;
    return count;
}

static void put_strip(struct stack *s, const json_t *events)
{
    struct rep_out *out = &s->script->text;
    size_t first = s->blocks;

    put_moments(s, events, "rebalance", 1);
    put_moments(s, events, "expelled", 2);
    put_margins(s, STRIP_PIXELS);
    rep_putf(out,
             "set format x '%%g'\nset yrange [0.4:2.6]\nset ytics ('round' 1, 'put out' 2)\n"
             "set ylabel ''\n"
             "plot '%s.dat' index %zu using 1:2 with points pointtype 7 pointsize 0.6 "
             "linecolor rgb fore notitle, \\\n"
             "  '' index %zu using 1:2 with points pointtype 5 pointsize 0.7 "
             "linecolor rgb (dark ? '#ff8f6b' : '#e4572e') notitle\n",
             s->script->name, first, first + 1);
}

bool rep_script_group(struct rep_script *script, const struct rep_model *model)
{
    const json_t *all = rep_get(model->root, "series");
    struct stack s = {.script = script, .top = HEAD_PIXELS};
    static struct curve curves[STACK][INSTANCES_MAX]; /* too large for the stack */
    size_t counts[STACK], panels = 0;
    double max[STACK] = {0};
    struct rep_out *out = &script->text;

    rep_put(&script->data, "# seconds value, one block a curve, panel after panel\n");
    for (size_t i = 0; i < STACK; i++) {
        counts[i] = curves_of(&s, all, stack[i].panel, curves[i], &max[i]);
        panels += counts[i] > 0;
    }
    if (counts[0] == 0 || panels < 2)
        return false;
    s.height = HEAD_PIXELS + (int)panels * PANEL_PIXELS + STRIP_PIXELS + FOOT_PIXELS;
    put_head(script, s.height);
    rep_putf(out, "set xrange [0:%.6g]\nset xtics %.6g\nset format x ''\n", s.last,
             nice_step(s.last, 12));
    put_phases(out, rep_get(model->root, "phases"), s.last);
    put_events(out, rep_get(model->root, "events"));
    rep_putf(out, "set lmargin at screen 0.14\nset rmargin at screen 0.98\nset key %s\n"
                  "set multiplot\n",
             s.instance_count <= KEY_MAX ? "above maxrows 2" : "off");
    for (size_t i = 0; i < STACK; i++)
        if (counts[i] > 0)
            put_stacked(&s, curves[i], counts[i], stack[i].unit_title, max[i]);
    put_strip(&s, rep_get(model->root, "events"));
    rep_put(out, "unset multiplot\n");
    return true;
}

bool rep_script_in_group(const char *panel)
{
    for (size_t i = 0; i < STACK; i++)
        if (strcmp(stack[i].panel, panel) == 0)
            return true;
    return false;
}
