/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/resources.h"
#include "sdk/base/text.h"

enum { WORDS_MAX = 64, REFS_MAX = 8, LIST_BYTES = 200, MEDIAN_SAMPLES = 6 };

json_t *hx_report_schema(void)
{
    return json_loads(rep_resource_schema, 0, NULL);
}

const char *hx_figure_kind_text(enum hx_figure_kind kind)
{
    switch (kind) {
    case HX_FIGURE_NS:
    case HX_FIGURE_SECONDS:
        return "a time (ns, us, ms, s, m)";
    case HX_FIGURE_BYTES:
        return "a size (B, kB, MB, GB, KiB, MiB, GiB)";
    case HX_FIGURE_RATE:
        return "a rate (/s, or no unit)";
    case HX_FIGURE_SHARE:
    case HX_FIGURE_PERCENT:
        return "a share (%, or no unit)";
    case HX_FIGURE_TRUTH:
        return "true or false";
    case HX_FIGURE_COUNT:
        break;
    }
    return "a count, which has no unit";
}

/* ---- in the schema ------------------------------------------------------------------------ */

/* Follow $ref; *ret_def is the name of the last definition gone through, or as it was. */
static const json_t *resolve(const json_t *root, const json_t *node, const char **ret_def)
{
    static const char prefix[] = "#/$defs/";

    for (int i = 0; i < REFS_MAX; i++) {
        const char *ref = json_string_value(json_object_get(node, "$ref"));
        if (ref == NULL)
            return node;
        if (strncmp(ref, prefix, sizeof(prefix) - 1) != 0)
            return NULL;
        *ret_def = ref + sizeof(prefix) - 1;
        node = json_object_get(json_object_get(root, "$defs"), *ret_def);
    }
    return NULL;
}

static bool is_type(const json_t *node, const char *type)
{
    const char *text = json_string_value(json_object_get(node, "type"));

    return text != NULL && strcmp(text, type) == 0;
}

static size_t keys_of(const json_t *node, const char **words)
{
    const char *key;
    json_t *value;
    size_t count = 0;

    json_object_foreach(json_object_get(node, "properties"), key, value) {
        if (count < WORDS_MAX)
            words[count++] = key;
    }
    words[count] = NULL;
    return count;
}

/* "p50, p90, p99" */
static void list_keys(const json_t *node, char *out, size_t size)
{
    const char *words[WORDS_MAX + 1];
    size_t used = 0;

    out[0] = '\0';
    keys_of(node, words);
    for (const char *const *w = words; *w != NULL && used + strlen(*w) + 3 < size; w++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", *w);
}

static enum otel_err no_figure(const json_t *node, const char *name, struct otl_detail *reterr)
{
    const char *words[WORDS_MAX + 1], *near;
    char list[LIST_BYTES];

    keys_of(node, words);
    near = otl_nearest(name, words);
    if (near != NULL)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "no figure '%s' in report.json (did you mean '%s'?)", name, near);
    list_keys(node, list, sizeof(list));
    return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                          "no figure '%s' in report.json; here are %s", name, list);
}

static enum otel_err enter_list(const struct hx_figure_step *step, const json_t **node,
                                const json_t *root, const char **def, struct otl_detail *reterr)
{
    bool edges = strcmp(step->name, "edges") == 0;

    if (!is_type(*node, "array")) {
        if (step->row[0] == '\0')
            return OTEL_OK;
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "'%s' is no list; nothing can be chosen in brackets", step->name);
    }
    if (step->row[0] == '\0')
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "'%s' is a list; say which row: %s[%s], or %s[*] for each",
                              step->name, step->name,
                              edges ? "FROM -> TO" : "NAME", step->name);
    if (edges && strcmp(step->row, "*") != 0 && strstr(step->row, " -> ") == NULL)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "'%.100s' is no edge; expected 'SERVICE ENTRY -> SERVICE ENTRY'",
                              step->row);
    *node = resolve(root, json_object_get(*node, "items"), def);
    if (!is_type(*node, "object"))
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "the rows of '%s' hold no single figures", step->name);
    return OTEL_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);

    return len >= tail && strcmp(text + len - tail, end) == 0;
}

static bool is_ns(const char *def, const char *name)
{
    return strcmp(def, "ns") == 0 || ends_with(name, "_ns") || strstr(name, "_ns_") != NULL;
}

static void classify(struct hx_figure *figure, const json_t *node, const char *def)
{
    const char *name = figure->steps[figure->step_count - 1].name;
    bool load = strcmp(name, "backlog_max") == 0 || strcmp(name, "in_flight_max") == 0;

    figure->kind = HX_FIGURE_COUNT;
    figure->from_zero = json_is_number(json_object_get(node, "minimum")) &&
                        json_number_value(json_object_get(node, "minimum")) >= 0;
    if (is_type(node, "boolean"))
        figure->kind = HX_FIGURE_TRUTH;
    else if (is_ns(def, name))
        figure->kind = HX_FIGURE_NS;
    else if (strcmp(def, "seconds") == 0 || ends_with(name, "_s"))
        figure->kind = HX_FIGURE_SECONDS;
    else if (strstr(name, "bytes") != NULL)
        figure->kind = HX_FIGURE_BYTES;
    else if (strncmp(name, "rate_", 5) == 0)
        figure->kind = HX_FIGURE_RATE;
    else if (ends_with(name, "_share"))
        figure->kind = HX_FIGURE_SHARE;
    else if (ends_with(name, "_percent"))
        figure->kind = HX_FIGURE_PERCENT;
    figure->timing = load || figure->kind == HX_FIGURE_NS || figure->kind == HX_FIGURE_SECONDS ||
                     figure->kind == HX_FIGURE_RATE || figure->kind == HX_FIGURE_SHARE ||
                     figure->kind == HX_FIGURE_PERCENT;
}

static enum otel_err check_leaf(struct hx_figure *figure, const json_t *node, const char *def,
                                struct otl_detail *reterr)
{
    const char *name = figure->steps[figure->step_count - 1].name;
    char list[LIST_BYTES];

    if (is_type(node, "object")) {
        list_keys(node, list, sizeof(list));
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "'%s' is not one figure; it has %s", name,
                              list[0] ? list : "a number for each reason");
    }
    if (!is_type(node, "number") && !is_type(node, "integer") && !is_type(node, "boolean"))
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "'%s' is no number", name);
    classify(figure, node, def);
    return OTEL_OK;
}

enum otel_err hx_figure_check(struct hx_figure *figure, const json_t *schema, size_t *ret_bad,
                              struct otl_detail *reterr)
{
    const json_t *node = schema, *next;
    const char *def = "";
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < figure->step_count; i++) {
        const struct hx_figure_step *step = &figure->steps[i];
        *ret_bad = i;
        next = json_object_get(json_object_get(node, "properties"), step->name);
        figure->counter = json_is_object(json_object_get(node, "additionalProperties"));
        if (next == NULL && figure->counter && json_object_get(node, "properties") == NULL)
            next = json_object_get(node, "additionalProperties");
        if (next == NULL)
            return no_figure(node, step->name, reterr);
        def = "";
        node = resolve(schema, next, &def);
        err = enter_list(step, &node, schema, &def, reterr);
        if (err != OTEL_OK)
            return err;
    }
    return check_leaf(figure, node, def, reterr);
}

/* ---- in a report -------------------------------------------------------------------------- */

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

const char *hx_row_name(const json_t *row, char *out, size_t size)
{
    static const char *const keys[] = {"instance", "name", "id", "service", NULL};

    out[0] = '\0';
    if (json_object_get(row, "from") != NULL) {
        snprintf(out, size, "%s -> %s", text_of(row, "from"), text_of(row, "to"));
        return out;
    }
    for (const char *const *key = keys; *key != NULL && out[0] == '\0'; key++)
        snprintf(out, size, "%s", text_of(row, *key));
    return out;
}

static bool is_row(const json_t *row, const char *wanted)
{
    static const char *const keys[] = {"instance", "service", "name", "id", NULL};
    char name[2 * HX_FIGURE_ROW];

    if (strcmp(wanted, "*") == 0)
        return true;
    if (json_object_get(row, "from") != NULL)
        return strcmp(hx_row_name(row, name, sizeof(name)), wanted) == 0;
    for (const char *const *key = keys; *key != NULL; key++)
        if (strcmp(text_of(row, *key), wanted) == 0)
            return true;
    return false;
}

struct search {
    const struct hx_figure *figure;
    struct hx_found *found;
    size_t max;
    size_t count;
};

static void take(struct search *search, const json_t *value, const json_t *row,
                 const json_t *parent)
{
    if (!json_is_number(value) && !json_is_boolean(value) &&
        !(search->figure->counter && parent != NULL))
        return;
    if (search->count < search->max)
        search->found[search->count] = (struct hx_found){
            json_is_boolean(value) ? json_is_true(value) : json_number_value(value), row, parent};
    search->count++;
}

/* "p999" -> 99.9; 0 = no percentile */
static double percentile_of(const char *name)
{
    double value = 0, scale = 1;

    if (name[0] != 'p' || name[1] < '1' || name[1] > '9')
        return 0;
    for (int i = 1; name[i] >= '0' && name[i] <= '9'; i++) {
        value = value * 10 + (name[i] - '0');
        if (i > 2)
            scale *= 10;
    }
    return value / scale;
}

double hx_figure_samples(const struct hx_figure *figure, bool told)
{
    double percentile = percentile_of(figure->steps[figure->step_count - 1].name);

    if (percentile <= 0)
        return 0;
    if (told && percentile > 49.9 && percentile < 50.1)
        return MEDIAN_SAMPLES;
    return ceil(10 / (1 - percentile / 100) - 1e-6);
}

static void look(struct search *search, const json_t *node, const json_t *row, size_t depth)
{
    const struct hx_figure_step *step = &search->figure->steps[depth];
    const json_t *next = json_object_get(node, step->name), *item;
    bool last = depth + 1 == search->figure->step_count;
    size_t i;

    if (last) {
        take(search, next, row, node);
        return;
    }
    if (step->row[0] == '\0') {
        if (next != NULL)
            look(search, next, row, depth + 1);
        return;
    }
    json_array_foreach(next, i, item) {
        if (is_row(item, step->row))
            look(search, item, item, depth + 1);
    }
}

size_t hx_figure_find(const struct hx_figure *figure, const json_t *report,
                      struct hx_found *found, size_t max)
{
    struct search search = {figure, found, max, 0};

    look(&search, report, NULL, 0);
    return search.count;
}
