/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reports/format.h"
#include "reports/html/parts.h"
#include "reports/words.h"

void rep_html_section(struct rep_out *out, const char *id, const char *title, const char *lead)
{
    rep_putf(out, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
    if (lead != NULL)
        rep_putf(out, "<p class=\"lead\">%s</p>\n", lead);
}

void rep_html_section_end(struct rep_out *out)
{
    rep_put(out, "</section>\n");
}

void rep_html_badge(struct rep_out *out, const char *verdict)
{
    const char *word = strcmp(verdict, "ok") == 0        ? "OK"
                       : strcmp(verdict, "warning") == 0 ? "WARNING"
                                                         : rep_verdict_word(verdict);

    rep_putf(out, "<span class=\"badge %s\">%s</span>", verdict, word);
}

void rep_html_cell(struct rep_out *out, const char *class_name, const char *text)
{
    rep_putf(out, "<td class=\"%s\">", class_name);
    rep_put_html(out, text);
    rep_put(out, "</td>");
}

void rep_html_count_cell(struct rep_out *out, long long count, const char *alarm)
{
    const char *shade = count == 0 ? " zero" : "";

    if (count != 0 && alarm != NULL)
        shade = strcmp(alarm, "bad") == 0 ? " bad-text" : " warn-text";
    rep_putf(out, "<td class=\"n%s\">%s</td>", shade, rep_format_count(count).text);
}

static bool is_text(const struct rep_column *column)
{
    return strcmp(column->form, "text") == 0 || strcmp(column->form, "code") == 0 ||
           strcmp(column->form, "name") == 0;
}

static struct rep_text formatted(double value, const char *form)
{
    if (strcmp(form, "ns") == 0)
        return rep_format_ns(value);
    if (strcmp(form, "bytes") == 0)
        return rep_format_bytes(value);
    if (strcmp(form, "share") == 0)
        return rep_format_share(value);
    if (strcmp(form, "s") == 0)
        return rep_format_seconds(value);
    return rep_format_number(value);
}

/* {"queue_full": 3, "rejected": 1} -> "queue_full 3, rejected 1" */
static void put_map(struct rep_out *out, const json_t *map, const char *alarm)
{
    const char *key;
    json_t *count;
    bool first = true;

    rep_putf(out, "<td class=\"t%s\">", json_object_size(map) && alarm ? " warn-text" : " f");
    json_object_foreach((json_t *)map, key, count)
    {
        rep_put(out, first ? "" : ", ");
        rep_put_html(out, key);
        rep_putf(out, " %s", rep_format_count(json_integer_value(count)).text);
        first = false;
    }
    rep_put(out, first ? "none</td>" : "</td>");
}

static void put_value(struct rep_out *out, const json_t *row, const struct rep_column *column)
{
    const json_t *value = rep_get(row, column->key);

    if (value == NULL)
        rep_putf(out, "<td class=\"%s\"></td>", is_text(column) ? "f" : "n");
    else if (json_is_object(value))
        put_map(out, value, column->alarm);
    else if (strcmp(column->form, "count") == 0)
        rep_html_count_cell(out, json_integer_value(value), column->alarm);
    else if (!is_text(column))
        rep_putf(out, "<td class=\"n\">%s</td>",
                 formatted(json_number_value(value), column->form).text);
    else
        rep_html_cell(out,
                      strcmp(column->form, "code") == 0   ? "mono"
                      : strcmp(column->form, "name") == 0 ? "name"
                                                          : "t",
                      json_string_value(value) ? json_string_value(value) : "");
}

/* A column that no row has, or of the form "start" that is 0 in all, is left out. */
static bool shown(const json_t *rows, const struct rep_column *column)
{
    if (strcmp(column->form, "start") != 0)
        return rep_any(rows, column->key);
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (rep_int(json_array_get(rows, i), column->key) != 0)
            return true;
    return false;
}

void rep_html_table(struct rep_out *out, const json_t *rows, const struct rep_column *columns)
{
    if (json_array_size(rows) == 0)
        return;
    rep_put(out, "<div class=\"card\"><div class=\"scroll\"><table>\n<thead><tr>");
    for (const struct rep_column *c = columns; c->key != NULL; c++)
        if (shown(rows, c))
            rep_putf(out, "<th%s>%s</th>", is_text(c) ? "" : " class=\"n\"", c->title);
    rep_put(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        rep_put(out, "<tr>");
        for (const struct rep_column *c = columns; c->key != NULL; c++)
            if (shown(rows, c))
                put_value(out, row, c);
        rep_put(out, "</tr>\n");
    }
    rep_put(out, "</tbody></table></div></div>\n");
}
