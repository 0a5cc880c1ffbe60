/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/telemetry/recent_spans.h"

#include <stdlib.h>
#include <string.h>

#include "collector-mock/processors/edit.h"
#include "collector-mock/telemetry/text.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { SHOWN = 200, LINES_MAX = 64, ALIGN = 8 };

/* Before each span; one without a trace fills the end of the ring, and has no more than this. */
struct head {
    uint32_t len;  /* with head and filling */
    uint32_t span; /* bytes of the message; FILLER: none */
    uint8_t trace_id[16];
    char service[48];
};

#define FILLER UINT32_MAX

struct row {
    uint64_t start_ns;
    const struct head *head;
};

struct col_recent_spans {
    uint64_t begin, end; /* of what is kept, in bytes since the start: the ring is its remainder */
    struct row rows[COL_RECENT_ROWS]; /* of the page at hand */
    _Alignas(ALIGN) uint8_t ring[COL_RECENT_BYTES];
};

enum otel_err col_recent_spans_new(struct col_recent_spans **ret)
{
    *ret = otl_mem_zalloc(sizeof(**ret));
    return *ret != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
}

void col_recent_spans_free(struct col_recent_spans *spans)
{
    otl_mem_free(spans);
}

static struct head *head_at(struct col_recent_spans *spans, uint64_t at)
{
    return (struct head *)(void *)(spans->ring + at % COL_RECENT_BYTES);
}

static void drop_until(struct col_recent_spans *spans, uint64_t end)
{
    while (end - spans->begin > COL_RECENT_BYTES)
        spans->begin += head_at(spans, spans->begin)->len;
}

/* So many bytes in one piece. */
static struct head *room_for(struct col_recent_spans *spans, size_t len)
{
    size_t left = COL_RECENT_BYTES - spans->end % COL_RECENT_BYTES;
    struct head *head;

    if (left < len) {
        drop_until(spans, spans->end + left);
        head = head_at(spans, spans->end);
        head->len = (uint32_t)left;
        head->span = FILLER;
        spans->end += left;
    }
    drop_until(spans, spans->end + len);
    head = head_at(spans, spans->end);
    head->len = (uint32_t)len;
    spans->end += len;
    return head;
}

void col_recent_spans_put(struct col_recent_spans *spans, const struct col_span *span)
{
    size_t len = (sizeof(struct head) + span->raw.len + ALIGN - 1) / ALIGN * ALIGN;
    struct col_value service;
    struct head *head;

    if (span->raw.len > COL_RECENT_SPAN_BYTES)
        return;
    head = room_for(spans, len);
    head->span = (uint32_t)span->raw.len;
    head->service[0] = '\0';
    memcpy(head->trace_id, span->trace_id, 16);
    if (col_attribute_find(&span->resource->attributes, "service.name", &service) &&
        service.kind == COL_VALUE_STRING)
        col_plain_text(head->service, sizeof(head->service), service.text);
    memcpy(head + 1, span->raw.data, span->raw.len);
}

/* ---- the page ---- */

static struct col_span span_of(const struct head *head)
{
    struct col_span span;

    col_span_split(otl_view((const char *)(head + 1), head->span), &span);
    return span;
}

static int by_start(const void *a, const void *b)
{
    uint64_t left = ((const struct row *)a)->start_ns, right = ((const struct row *)b)->start_ns;

    return left < right ? -1 : left > right;
}

static enum otel_err put_text(struct otl_buf *out, struct otl_view text)
{
    char plain[SHOWN + 1];
    enum otel_err err;

    col_plain_text(plain, sizeof(plain), text);
    err = col_html_text(out, plain);
    return err == OTEL_OK && text.len > SHOWN ? otl_buf_append_str(out, "&hellip;") : err;
}

static enum otel_err put_attributes(struct otl_buf *out, struct col_list list)
{
    struct col_attribute attribute;
    enum otel_err err = OTEL_OK;

    for (int i = 0; err == OTEL_OK && col_attribute_next(&list, &attribute); i++) {
        char scratch[COL_SCALAR_TEXT];
        struct otl_view text;
        if (i == LINES_MAX)
            return otl_buf_append_str(out, "and more<br>");
        if (!col_edit_scalar_text(&attribute.value, scratch, &text))
            text = otl_view_str(attribute.value.kind == COL_VALUE_BYTES   ? "(bytes)"
                                : attribute.value.kind == COL_VALUE_ARRAY ? "(list)"
                                                                          : "(map)");
        err = put_text(out, attribute.key);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, " = ");
        if (err == OTEL_OK)
            err = put_text(out, text);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, "<br>");
    }
    return err;
}

static double ms_between(uint64_t from, uint64_t to)
{
    return to >= from ? (double)(to - from) / 1e6 : -(double)(from - to) / 1e6;
}

static enum otel_err put_events(struct otl_buf *out, struct col_list list, uint64_t first_ns)
{
    struct col_event event;
    enum otel_err err = OTEL_OK;

    for (int i = 0; err == OTEL_OK && col_event_next(&list, &event); i++) {
        if (i == LINES_MAX)
            return otl_buf_append_str(out, "and more<br>");
        err = otl_buf_printf(out, "+%.3f ", ms_between(first_ns, event.time_unix_nano));
        if (err == OTEL_OK)
            err = put_text(out, event.name);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, "<br>");
    }
    return err;
}

static enum otel_err put_row(struct otl_buf *out, const struct row *row, uint64_t first_ns)
{
    static const char *const kinds[] = {"", "internal", "server", "client", "producer", "consumer"};
    static const uint8_t none[8];
    const struct col_span span = span_of(row->head);
    char id[17], parent[17] = "";
    enum otel_err err;

    otl_hex(span.span_id, 8, id);
    if (memcmp(span.parent_span_id, none, 8) != 0)
        otl_hex(span.parent_span_id, 8, parent);
    err = otl_buf_printf(out, "<tr><td>%.3f<td>%.3f<td>",
                         ms_between(first_ns, span.start_time_unix_nano),
                         ms_between(span.start_time_unix_nano, span.end_time_unix_nano));
    if (err == OTEL_OK)
        err = col_html_text(out, row->head->service);
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, "<td>");
    if (err == OTEL_OK)
        err = put_text(out, span.name);
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "<td>%s<td><code>%s</code><td><code>%s</code><td>%s",
                             span.kind >= 1 && span.kind <= 5 ? kinds[span.kind] : "", id, parent,
                             span.status_code == 2   ? "error "
                             : span.status_code == 1 ? "ok "
                                                     : "");
    if (err == OTEL_OK)
        err = put_text(out, span.status_message);
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, "<td>");
    if (err == OTEL_OK)
        err = put_attributes(out, span.attributes);
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, "<td>");
    if (err == OTEL_OK)
        err = put_events(out, span.events, first_ns);
    return err == OTEL_OK ? otl_buf_append_str(out, "</tr>\n") : err;
}

/* How many of the trace there are; the oldest of them in rows. */
static size_t find(struct col_recent_spans *spans, const uint8_t trace_id[16])
{
    size_t count = 0;

    for (uint64_t at = spans->begin; at != spans->end; at += head_at(spans, at)->len) {
        const struct head *head = head_at(spans, at);
        if (head->span == FILLER || memcmp(head->trace_id, trace_id, 16) != 0)
            continue;
        if (count < COL_RECENT_ROWS)
            spans->rows[count] = (struct row){span_of(head).start_time_unix_nano, head};
        count++;
    }
    return count;
}

enum otel_err col_recent_spans_html(struct col_recent_spans *spans, const uint8_t trace_id[16],
                                    struct otl_buf *out, size_t *ret_count)
{
    size_t count = find(spans, trace_id), shown = count < COL_RECENT_ROWS ? count : COL_RECENT_ROWS;
    enum otel_err err;
    size_t i = 0;

    *ret_count = count;
    if (count == 0)
        return OTEL_OK;
    qsort(spans->rows, shown, sizeof(spans->rows[0]), by_start);
    err = otl_buf_append_str(out, "<table><tr><th>start, ms<th>ms<th>service<th>name<th>kind<th>"
                                  "span<th>parent<th>status<th>attributes<th>events</tr>\n");
    for (; i < shown && err == OTEL_OK && out->len < COL_RECENT_PAGE; i++)
        err = put_row(out, &spans->rows[i], spans->rows[0].start_ns);
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, "</table>\n");
    if (err == OTEL_OK && i < count)
        err = otl_buf_printf(out, "<p>%zu more are not shown.</p>\n", count - i);
    return err;
}
