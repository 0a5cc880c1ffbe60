/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reports/format.h"
#include "reports/html/parts.h"
#include "reports/words.h"

static void put_row(struct rep_out *out, const char *title, const char *note, long long count,
                    const char *alarm)
{
    rep_put(out, "<tr>");
    rep_html_cell(out, "", title);
    rep_html_count_cell(out, count, alarm);
    rep_html_cell(out, "f", note ? note : "");
    rep_put(out, "</tr>\n");
}

static void put_reasons(struct rep_out *out, const json_t *reasons)
{
    const char *reason;
    json_t *count;

    if (json_object_size(reasons) == 0)
        put_row(out, "lost", "nothing, for any reason on record", 0, NULL);
    json_object_foreach((json_t *)reasons, reason, count)
    {
        const struct rep_word *word = rep_lost_word(reason);
        rep_put(out, "<tr><td class=\"w\">lost: ");
        rep_put_html(out, word ? word->title : reason);
        rep_put(out, "</td>");
        rep_html_count_cell(out, json_integer_value(count), "warn");
        rep_putf(out, "<td class=\"f\">%s</td></tr>\n",
                 word ? word->note : "not received, and the reason is on record");
    }
}

static const char *alarm_of(const char *key)
{
    static const char *const bad[] = {"altered",        "lost_unexplained", "duplicated",
                                      "lost_after_ack", "unexpected",       NULL};

    for (size_t i = 0; bad[i] != NULL; i++)
        if (strcmp(key, bad[i]) == 0)
            return "bad";
    return strcmp(key, "delivered_reported_lost") == 0 || strcmp(key, REP_COUNTED_KEY) == 0
               ? "warn" : NULL;
}

static void put_sum(struct rep_out *out, const json_t *spans)
{
    const char *alarm = rep_int(spans, "accounted") == rep_int(spans, "started") ? "" : " bad";

    rep_put(out, "<div class=\"card\"><table>\n<thead><tr><th>spans</th><th class=\"n\">count</th>"
                 "<th></th></tr></thead>\n<tbody>\n");
    for (const struct rep_word *term = rep_book_terms; term->key != NULL; term++) {
        if (strcmp(term->key, "lost") == 0)
            put_reasons(out, rep_get(spans, "lost"));
        else
            put_row(out, term->title, term->note, rep_int(spans, term->key), alarm_of(term->key));
    }
    rep_putf(out,
             "<tr class=\"sum%s\"><td>sum</td><td class=\"n\">%s</td><td class=\"f\"></td></tr>\n",
             alarm, rep_format_count(rep_int(spans, "accounted")).text);
    rep_putf(out,
             "<tr class=\"sum%s\"><td>started</td><td class=\"n\">%s</td><td class=\"f\">by the "
             "ledger, which tracing never touches</td></tr>\n",
             alarm, rep_format_count(rep_int(spans, "started")).text);
    rep_put(out, "</tbody></table></div>\n");
}

static void put_beside(struct rep_out *out, const json_t *object, const struct rep_word *rows,
                       const char *heading)
{
    rep_putf(out,
             "<div class=\"card\"><table>\n<thead><tr><th>%s</th><th class=\"n\">count</th>"
             "<th></th></tr></thead>\n<tbody>\n",
             heading);
    for (; rows->key != NULL; rows++)
        if (rep_has(object, rows->key))
            put_row(out, rows->title, rows->note, rep_int(object, rows->key), alarm_of(rows->key));
    rep_put(out, "</tbody></table></div>\n");
}

void rep_html_books(struct rep_out *out, const json_t *root)
{
    const json_t *spans = rep_get(root, "spans");

    rep_html_section(
        out, "books", "Span books",
        "Every span that the services started, by what became of it. The sum must be the "
        "number started, to the last one.");
    rep_put(out, "<div class=\"two\">\n");
    put_sum(out, spans);
    rep_put(out, "<div>\n");
    put_beside(out, spans, rep_book_notes, "beside the sum");
    put_beside(out, rep_get(root, "traces"), rep_trace_rows, "traces");
    rep_put(out, "</div>\n</div>\n");
    rep_html_section_end(out);
}
