/* SPDX-License-Identifier: Apache-2.0 */
/* Spans as a person reads them:
 *     GET /users  server  12.3ms  ERROR "no such user"
 *         trace 4bf9...  span 00f0...  parent 1234...  scope my.library 1.2.0
 *         http.response.status_code: 404
 *         + 1.2ms exception  exception.type: "E"
 *         -> link to TRACE SPAN
 */
#include <errno.h>
#include <inttypes.h>
#include <otel/sdk/file_exporter.h>
#include <string.h>
#include <unistd.h>

#include "sdk/base/buf.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/base/tell.h"
#include "sdk/base/text.h"
#include "sdk/exporter/outflow.h"
#include "sdk/otlp/json.h"

enum { TEXT_MAX = 16 << 20, DEPTH_MAX = 8 };

struct console {
    struct otel_sdk_exporter exporter;
    int fd;
    bool shut_down;
    bool told; /* of a loss, since the last batch that was written */
    struct otl_teller teller;
    struct otl_outflow outflow;
    size_t size, spans; /* of the text under way */
    otel_sdk_export_done_fn *done;
    void *done_arg;
};

static enum otel_err put_value(const struct otel_sdk_read_attribute *value, unsigned depth,
                               struct otl_buf *out);

static enum otel_err put_elements(const struct otel_sdk_read_attribute *value, unsigned depth,
                                  struct otl_buf *out)
{
    bool map = value->type == OTEL_VALUE_MAP;
    struct otel_sdk_iter elements = value->elements;
    struct otel_sdk_read_attribute element;
    enum otel_err err = otl_buf_append_byte(out, map ? '{' : '[');
    bool first = true;

    if (depth == DEPTH_MAX)
        return otl_buf_append_str(out, map ? "...}" : "...]");
    while (err == OTEL_OK && (map ? otel_sdk_next_attribute(&elements, &element)
                                  : otel_sdk_next_element(&elements, &element))) {
        err = first ? OTEL_OK : otl_buf_append_str(out, ", ");
        first = false;
        if (err == OTEL_OK && map)
            err = otl_json_text(element.key, out);
        if (err == OTEL_OK && map)
            err = otl_buf_append_str(out, ": ");
        if (err == OTEL_OK)
            err = put_value(&element, depth + 1, out);
    }
    return err == OTEL_OK ? otl_buf_append_byte(out, map ? '}' : ']') : err;
}

static enum otel_err put_value(const struct otel_sdk_read_attribute *value, unsigned depth,
                               struct otl_buf *out)
{
    switch (value->type) {
    case OTEL_VALUE_STRING:
        return otl_json_text(value->text, out);
    case OTEL_VALUE_BOOL:
        return otl_buf_append_str(out, value->integer != 0 ? "true" : "false");
    case OTEL_VALUE_INT:
        return otl_buf_printf(out, "%" PRId64, value->integer);
    case OTEL_VALUE_DOUBLE:
        return otl_buf_printf(out, "%.17g", value->real);
    case OTEL_VALUE_BYTES:
        return otl_buf_printf(out, "(%zu bytes)", value->text.len);
    case OTEL_VALUE_ARRAY:
    case OTEL_VALUE_MAP:
        return put_elements(value, depth, out);
    default:
        return otl_buf_append_str(out, "(empty)");
    }
}

/* Names go out as text of one line: control characters become '?'. */
static enum otel_err put_name(struct otel_str name, struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        err = otl_buf_append_byte(out, c < ' ' || c == 0x7f ? '?' : c);
    }
    return err;
}

static enum otel_err put_attributes(struct otel_sdk_iter attributes, const char *before,
                                    const char *after, struct otl_buf *out)
{
    struct otel_sdk_read_attribute attribute;
    enum otel_err err = OTEL_OK;

    while (err == OTEL_OK && otel_sdk_next_attribute(&attributes, &attribute)) {
        err = otl_buf_append_str(out, before);
        if (err == OTEL_OK)
            err = put_name(attribute.key, out);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, ": ");
        if (err == OTEL_OK)
            err = put_value(&attribute, 0, out);
        if (err == OTEL_OK)
            err = otl_buf_append_str(out, after);
    }
    return err;
}

static const char *since(uint64_t from, uint64_t to, char *out, size_t size)
{
    return otl_format_duration(to > from ? to - from : 0, out, size);
}

static enum otel_err put_head(const struct otel_sdk_span_info *info, struct otl_buf *out)
{
    static const char *const kinds[] = {"?",      "internal", "server",
                                        "client", "producer", "consumer"};
    unsigned kind = (unsigned)info->kind <= 5 ? (unsigned)info->kind : 0;
    enum otel_err err = put_name(info->name, out);
    char took[32];

    if (err == OTEL_OK)
        err =
            otl_buf_printf(out, "  %s  %s", kinds[kind],
                           since(info->start_unix_nanos, info->end_unix_nanos, took, sizeof(took)));
    if (err == OTEL_OK && info->status != OTEL_STATUS_UNSET)
        err = otl_buf_append_str(out, info->status == OTEL_STATUS_OK ? "  OK" : "  ERROR");
    if (err == OTEL_OK && info->status_description.len != 0)
        err = otl_buf_append_byte(out, ' ');
    if (err == OTEL_OK && info->status_description.len != 0)
        err = otl_json_text(info->status_description, out);
    return err == OTEL_OK ? otl_buf_append_byte(out, '\n') : err;
}

static enum otel_err put_identity(const struct otel_sdk_span_info *info,
                                  const struct otel_sdk_scope *scope, struct otl_buf *out)
{
    char trace_id[33], span_id[17], parent[17];
    enum otel_err err;

    otel_trace_id_hex(info->context.trace_id, trace_id);
    otel_span_id_hex(info->context.span_id, span_id);
    otel_span_id_hex(info->parent.span_id, parent);
    err = otl_buf_printf(out, "    trace %s  span %s", trace_id, span_id);
    if (err == OTEL_OK && otel_span_context_is_valid(&info->parent))
        err = otl_buf_printf(out, "  %s %s", info->parent.is_remote ? "remote parent" : "parent",
                             parent);
    if (err == OTEL_OK && scope->name.len != 0)
        err = otl_buf_append_str(out, "  scope ");
    if (err == OTEL_OK)
        err = put_name(scope->name, out);
    if (err == OTEL_OK && scope->version.len != 0)
        err = otl_buf_append_byte(out, ' ');
    if (err == OTEL_OK)
        err = put_name(scope->version, out);
    return err == OTEL_OK ? otl_buf_append_byte(out, '\n') : err;
}

static enum otel_err put_events(const struct otel_sdk_readable_span *span, uint64_t start,
                                struct otl_buf *out)
{
    struct otel_sdk_iter events = otel_sdk_span_events(span);
    struct otel_sdk_read_event event;
    enum otel_err err = OTEL_OK;
    char after[32];

    while (err == OTEL_OK && otel_sdk_next_event(&events, &event)) {
        err = otl_buf_printf(out, "    + %s  ",
                             since(start, event.time_unix_nanos, after, sizeof(after)));
        if (err == OTEL_OK)
            err = put_name(event.name, out);
        if (err == OTEL_OK)
            err = put_attributes(event.attributes, "  ", "", out);
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, '\n');
    }
    return err;
}

static enum otel_err put_links(const struct otel_sdk_readable_span *span, struct otl_buf *out)
{
    struct otel_sdk_iter links = otel_sdk_span_links(span);
    struct otel_sdk_read_link link;
    enum otel_err err = OTEL_OK;

    while (err == OTEL_OK && otel_sdk_next_link(&links, &link)) {
        char trace_id[33], span_id[17];
        otel_trace_id_hex(link.context.trace_id, trace_id);
        otel_span_id_hex(link.context.span_id, span_id);
        err = otl_buf_printf(out, "    -> trace %s  span %s", trace_id, span_id);
        if (err == OTEL_OK)
            err = put_attributes(link.attributes, "  ", "", out);
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, '\n');
    }
    return err;
}

static enum otel_err put_span(const struct otel_sdk_readable_span *span, struct otl_buf *out)
{
    struct otel_sdk_span_info info;
    enum otel_err err;

    otel_sdk_span_info(span, &info);
    err = put_head(&info, out);
    if (err == OTEL_OK)
        err = put_identity(&info, otel_sdk_span_scope(span), out);
    if (err == OTEL_OK)
        err = put_attributes(otel_sdk_span_attributes(span), "    ", "\n", out);
    if (err == OTEL_OK)
        err = put_events(span, info.start_unix_nanos, out);
    return err == OTEL_OK ? put_links(span, out) : err;
}

static void written(void *arg, enum otel_err err)
{
    struct console *console = arg;
    struct otel_sdk_export_result result = {
        .err = err, .requests = 1, .bytes = err == OTEL_OK ? console->size : 0};

    if (err != OTEL_OK && !console->told)
        otl_tell(&console->teller, err, "%zu span%s not written to the console: %s", console->spans,
                 console->spans == 1 ? "" : "s",
                 err == OTEL_ERR_IO ? strerror(errno) : otel_err_text(err));
    console->told = err != OTEL_OK;
    console->done(console->done_arg, &result);
}

static enum otel_err start(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop)
{
    otl_outflow_loop(&((struct console *)exporter)->outflow, loop);
    return OTEL_OK;
}

static void export_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg)
{
    struct console *console = (struct console *)exporter;
    struct otl_buf *text;
    enum otel_err err = OTEL_OK;

    if (console->shut_down) {
        done(done_arg, &(struct otel_sdk_export_result){.err = OTEL_ERR_CLOSED, .requests = 1});
        return;
    }
    text = otl_outflow_text(&console->outflow);
    for (size_t i = 0; i < batch->count && err == OTEL_OK; i++)
        err = put_span(batch->spans[i], text);
    if (err != OTEL_OK)
        otl_outflow_forget(&console->outflow);
    console->size = otl_outflow_size(&console->outflow);
    console->spans = batch->count;
    console->done = done;
    console->done_arg = done_arg;
    if (err == OTEL_OK)
        otl_outflow_begin(&console->outflow, console->fd, written, console);
    else
        written(console, err);
}

static void cancel(struct otel_sdk_exporter *exporter)
{
    otl_outflow_cancel(&((struct console *)exporter)->outflow);
}

static enum otel_err shut_down(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    struct console *console = (struct console *)exporter;

    (void)deadline_mono_ns;
    otl_outflow_last(&console->outflow, console->fd);
    console->shut_down = true;
    return OTEL_OK;
}

static void forked(struct otel_sdk_exporter *exporter)
{
    otl_outflow_forked(&((struct console *)exporter)->outflow);
}

static void destroy(struct otel_sdk_exporter *exporter)
{
    otl_outflow_fini(&((struct console *)exporter)->outflow);
    otl_mem_free(exporter);
}

static void describe(const struct otel_sdk_exporter *exporter,
                     struct otel_sdk_exporter_description *ret)
{
    (void)exporter;
    ret->type = "console_span_exporter";
}

void otel_sdk_console_options_init(struct otel_sdk_console_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    options->fd = STDOUT_FILENO;
}

enum otel_err otel_sdk_console_exporter_new(const struct otel_sdk_console_options *options,
                                            struct otel_sdk_exporter **ret)
{
    static const struct otel_sdk_exporter_ops ops = {.struct_size = sizeof(ops),
                                                     .start = start,
                                                     .export_batch = export_batch,
                                                     .cancel = cancel,
                                                     .shutdown = shut_down,
                                                     .forked = forked,
                                                     .free = destroy,
                                                     .describe = describe};
    struct otel_sdk_console_options all;
    struct console *console;

    otel_sdk_console_options_init(&all);
    if (otl_options_take(&all, sizeof(all), options) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    console = otl_mem_zalloc(sizeof(*console));
    if (console == NULL)
        return OTEL_ERR_MEMORY;
    console->exporter.ops = &ops;
    console->fd = all.fd;
    console->teller = (struct otl_teller){all.error, all.error_arg};
    otl_outflow_init(&console->outflow, TEXT_MAX);
    *ret = &console->exporter;
    return OTEL_OK;
}
