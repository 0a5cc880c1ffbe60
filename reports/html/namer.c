/* SPDX-License-Identifier: Apache-2.0 */
/* What the received spans alone say of a consumer group: who stands out, since when, and why. */
#include "reports/format.h"
#include "reports/html/parts.h"

static const struct rep_column instance_columns[] = {
    {"instance", "service.instance.id", "text", NULL},
    {"version", "service.version", "text", NULL},
    {"handled", "handled", "count", NULL},
    {"p50_ns", "p50", "ns", NULL},
    {"p99_ns", "p99", "ns", NULL},
    {"max_ns", "longest", "ns", NULL},
    {"slow", "long ones", "count", NULL},
    {"again", "handled again elsewhere", "count", "warn"},
    {"late", "over its poll interval", "count", "bad"},
    {"storms", "storms begun", "count", "bad"},
    {NULL, NULL, NULL, NULL},
};

static void put_answer(struct rep_out *out, const json_t *namer)
{
    const json_t *evidence = rep_get(namer, "evidence");
    const json_t *blind = rep_get(namer, "without_instance_id");

    rep_put(out, "<div class=\"card pad\"><h3>");
    if (rep_has(namer, "instance")) {
        rep_put_html(out, rep_str(namer, "instance"));
        rep_putf(out, ", named %s after the first span",
                 rep_format_seconds(rep_num(namer, "after_s")).text);
        rep_putf(out, " and %s after the first symptom",
                 rep_format_seconds(rep_num(namer, "named_after_symptom_s")).text);
    } else {
        rep_put(out, "No instance is named");
    }
    rep_put(out, "</h3>\n<p>");
    rep_put_html(out, rep_str(namer, "reason"));
    rep_put(out, ".</p>\n");
    if (json_array_size(evidence) > 0)
        rep_put(out, "<ul>\n");
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        rep_put(out, "<li>");
        rep_put_html(out, json_string_value(json_array_get(evidence, i)));
        rep_put(out, "</li>\n");
    }
    if (json_array_size(evidence) > 0)
        rep_put(out, "</ul>\n");
    rep_put(out, "<p>Without <code>service.instance.id</code>: ");
    rep_put_html(out, rep_str(blind, "reason"));
    rep_put(out, ".</p></div>\n");
}

void rep_html_namer(struct rep_out *out, const json_t *root)
{
    const json_t *namer = rep_get(root, "namer");

    if (namer == NULL)
        return;
    rep_html_section(
        out, "namer", "Who stands out",
        "Found in the received spans alone: durations of the handlers grouped by instance, and "
        "messages (partition and offset) that were handled again. A storm is a train of such "
        "messages; it began with the one that was taken first.");
    put_answer(out, namer);
    rep_html_table(out, rep_get(namer, "instances"), instance_columns);
    rep_html_section_end(out);
}
