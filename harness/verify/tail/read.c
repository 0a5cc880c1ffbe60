/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector-mock/wire/tap.h"
#include "collector-mock/wire/traces.h"
#include "harness/verify/facts/table.h"
#include "harness/verify/tail/read_json.h"

/* ---- spans in protobuf ---- */

static struct hx_tail_value from_wire(const struct col_value *value)
{
    struct hx_tail_value ret = {.kind = HX_TAIL_OTHER};

    switch (value->kind) {
    case COL_VALUE_STRING:
        ret.kind = HX_TAIL_TEXT;
        ret.text = value->text;
        break;
    case COL_VALUE_BOOL:
        ret.kind = HX_TAIL_BOOL;
        ret.integer = value->boolean;
        break;
    case COL_VALUE_INT:
        ret.kind = HX_TAIL_INT;
        ret.integer = value->integer;
        break;
    case COL_VALUE_DOUBLE:
        ret.kind = HX_TAIL_REAL;
        ret.real = value->real;
        break;
    case COL_VALUE_EMPTY:
        ret.kind = HX_TAIL_EMPTY;
        break;
    case COL_VALUE_BYTES:
        ret.kind = value->text.len > 0 ? HX_TAIL_OTHER : HX_TAIL_EMPTY;
        break;
    default:
        break;
    }
    return ret;
}

static bool wire_event(const struct col_span *span, unsigned n, struct col_event *ret)
{
    struct col_list events = span->events;

    for (unsigned i = 0; col_event_next(&events, ret); i++)
        if (i == n)
            return true;
    return false;
}

static struct col_list attributes_of(const struct col_span *span, enum hx_tail_where where,
                                     unsigned event)
{
    struct col_event found;

    if (where == HX_TAIL_RESOURCE)
        return span->resource->attributes;
    if (where == HX_TAIL_SCOPE)
        return span->scope->attributes;
    if (where == HX_TAIL_SPAN)
        return span->attributes;
    if (!wire_event(span, event, &found))
        memset(&found, 0, sizeof(found));
    return found.attributes;
}

static struct hx_tail_value wire_attribute(const struct hx_tail_span *span,
                                           enum hx_tail_where where, unsigned event,
                                           const char *key)
{
    struct col_list list = attributes_of(span->source, where, event);
    struct col_value value;

    if (!col_attribute_find(&list, key, &value))
        return (struct hx_tail_value){.kind = HX_TAIL_NOTHING};
    return from_wire(&value);
}

static bool wire_event_at(const struct hx_tail_span *span, unsigned event,
                          struct hx_tail_event *ret)
{
    struct col_event found;

    if (!wire_event(span->source, event, &found))
        return false;
    *ret = (struct hx_tail_event){found.name, found.time_unix_nano,
                                  found.dropped_attributes_count};
    return true;
}

static bool wire_attribute_at(const struct hx_tail_span *span, enum hx_tail_where where,
                              unsigned event, size_t n, struct hx_tail_attribute *ret)
{
    struct col_list list = attributes_of(span->source, where, event);
    struct col_attribute found;

    do {
        if (!col_attribute_next(&list, &found))
            return false;
    } while (n-- > 0);
    ret->key = found.key;
    ret->value = from_wire(&found.value);
    return true;
}

struct request { /* how its spans arrived */
    uint64_t arrival_ns;
    bool unsure;
};

static void fill(struct hx_tail_span *out, const struct col_span *span,
                 const struct request *request)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->trace_id, span->trace_id, 16);
    memcpy(out->span_id, span->span_id, 8);
    memcpy(out->parent_span_id, span->parent_span_id, 8);
    out->start_ns = span->start_time_unix_nano;
    out->end_ns = span->end_time_unix_nano;
    out->name = span->name;
    out->trace_state = span->trace_state;
    out->status_message = span->status_message;
    out->scope_name = span->scope->name;
    out->scope_version = span->scope->version;
    out->dropped_attributes = span->dropped_attributes_count;
    out->dropped_events = span->dropped_events_count;
    out->dropped_links = span->dropped_links_count;
    out->kind = span->kind;
    out->status = span->status_code;
    out->flags = span->flags;
    out->size = span->raw.len;
    out->loose = 4; /* status and parent, if they are left out: the collector writes them */
    out->resource_size = span->resource->raw.len;
    out->scope_size = span->scope->raw.len;
    out->arrival_ns = request->arrival_ns;
    out->unsure = request->unsure;
    out->attribute = wire_attribute;
    out->attribute_at = wire_attribute_at;
    out->event_at = wire_event_at;
    out->source = span;
}

static enum otel_err read_request(struct otl_view body, const struct request *request,
                                  const struct hx_tail_sink *sink, uint64_t *fragment,
                                  struct hx_tail_source *ret)
{
    struct hx_tail_span out;
    struct col_traces traces;
    struct col_span span;
    enum otel_err err = OTEL_OK;

    col_traces_init(&traces, body);
    while (err == OTEL_OK && col_traces_next(&traces, &span)) {
        fill(&out, &span, request);
        out.fragment = *fragment + traces.resources;
        out.scope = traces.scopes;
        err = sink->span(sink->context, &out);
        ret->spans++;
    }
    *fragment += traces.resources;
    return err;
}

/* ---- the tap ---- */

enum { TAKEN = 1, REFUSED = 2, UNKNOWN = 3 };

static uint64_t number_key(const struct col_tap_record *record)
{
    return record->life << 48 ^ record->request;
}

static bool is_traces(const struct col_tap_record *record)
{
    return record->type == COL_TAP_REQUEST && record->signal == COL_TAP_TRACES &&
           record->encoding == COL_TAP_PROTOBUF;
}

/* What became of each request, by its number. */
static enum otel_err read_fates(struct col_tap_reader scan, struct hx_table *ret)
{
    struct col_tap_record record;
    struct col_tap_reader first = scan;
    size_t count = 0;
    enum otel_err err;

    while (col_tap_next(&first, &record))
        count += record.type == COL_TAP_ANSWER;
    err = hx_table_init(ret, count);
    while (err == OTEL_OK && col_tap_next(&scan, &record)) {
        bool good = record.transport == COL_TAP_GRPC
                        ? record.status == 0
                        : record.status >= 200 && record.status <= 299;
        uint32_t fate = !good ? REFUSED : record.rejected_spans > 0 ? UNKNOWN : TAKEN;
        if (record.type == COL_TAP_ANSWER &&
            hx_table_put(ret, number_key(&record), fate) == HX_NONE)
            err = OTEL_ERR_LIMIT;
    }
    return err;
}

static enum otel_err read_tap(struct otl_view bytes, const struct hx_tail_sink *sink,
                              struct hx_tail_source *ret)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    struct hx_table fates = {0};
    uint64_t fragment = 0;
    enum otel_err err;

    col_tap_from_memory(bytes, &reader);
    ret->timed = true;
    err = read_fates(reader, &fates);
    while (err == OTEL_OK && col_tap_next(&reader, &record)) {
        uint32_t fate;
        if (record.type == COL_TAP_START && sink->life != NULL)
            sink->life(sink->context);
        if (!is_traces(&record) || (record.flags & COL_TAP_UNDECODABLE) != 0)
            continue;
        fate = hx_table_get(&fates, number_key(&record));
        if (fate == REFUSED && !sink->refused)
            ret->refused += record.spans;
        else
            err = read_request(record.body, &(struct request){record.mono_ns, fate != TAKEN}, sink,
                               &fragment, ret);
    }
    ret->torn = reader.torn || reader.damaged;
    hx_table_fini(&fates);
    return err;
}

/* ---- files ---- */

static enum otel_err read_lengths(struct otl_view bytes, const struct hx_tail_sink *sink,
                                  struct hx_tail_source *ret, struct otl_detail *reterr)
{
    const uint8_t *data = (const uint8_t *)bytes.data;
    uint64_t fragment = 0;
    size_t at = 0;

    if (data[0] != 0) /* a request of 16 MiB and more, or rather some other text */
        return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0,
                              "holds no spans: it is no tap, has no lines of OTLP/JSON and no "
                              "requests of protobuf behind their lengths");
    while (at + 4 <= bytes.len) {
        size_t len = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                     (size_t)data[at + 2] << 8 | data[at + 3];
        struct otl_view body;
        uint64_t spans;
        enum otel_err err;
        if (len > bytes.len - at - 4)
            break;
        body = otl_view(bytes.data + at + 4, len);
        err = col_traces_check(body, &spans, reterr);
        if (err == OTEL_OK)
            err = read_request(body, &(struct request){0, false}, sink, &fragment, ret);
        if (err != OTEL_OK)
            return err;
        at += 4 + len;
    }
    ret->torn = at != bytes.len;
    return OTEL_OK;
}

static enum otel_err read_lines(struct otl_view bytes, const struct hx_tail_sink *sink,
                                struct hx_tail_source *ret, struct otl_detail *reterr)
{
    uint64_t fragment = 0;
    unsigned line = 0;
    size_t at = 0;

    while (at < bytes.len) {
        const char *start = bytes.data + at;
        const char *end = memchr(start, '\n', bytes.len - at);
        size_t len = end != NULL ? (size_t)(end - start) : bytes.len - at;
        enum otel_err err;
        line++;
        err = hx_tail_read_json(otl_view(start, len), sink, &fragment, &ret->spans);
        if (err == OTEL_ERR_SYNTAX && end == NULL) {
            ret->torn = true;
            return OTEL_OK;
        }
        if (err != OTEL_OK)
            return otl_detail_set(reterr, err, NULL, line, 0, "no OTLP/JSON");
        at += len + 1;
    }
    return OTEL_OK;
}

static enum otel_err read_bytes(struct otl_view bytes, const struct hx_tail_sink *sink,
                                struct hx_tail_source *ret, struct otl_detail *reterr)
{
    memset(ret, 0, sizeof(*ret));
    if (bytes.len == 0)
        return OTEL_OK;
    if (bytes.len >= 4 && memcmp(bytes.data, "TAP1", 4) == 0)
        return read_tap(bytes, sink, ret);
    if (bytes.data[0] == '{')
        return read_lines(bytes, sink, ret, reterr);
    return read_lengths(bytes, sink, ret, reterr);
}

enum otel_err hx_tail_read(const char *path, const struct hx_tail_sink *sink,
                           struct hx_tail_source *ret, struct otl_detail *reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct otl_detail detail = OTL_DETAIL_NONE;
    void *map = NULL;
    struct stat info;
    enum otel_err err;

    if (fd < 0 || fstat(fd, &info) != 0) {
        err = errno == ENOENT ? OTEL_ERR_NOT_FOUND : OTEL_ERR_IO;
        otl_detail_set(reterr, err, path, 0, 0, "cannot be read: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return err;
    }
    if (info.st_size > 0)
        map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0, "cannot be mapped");
    err = read_bytes(otl_view(map, (size_t)info.st_size), sink, ret, &detail);
    if (err != OTEL_OK)
        otl_detail_set(reterr, err, path, detail.line, 0, "%s",
                       detail.text[0] != '\0' ? detail.text : otel_err_text(err));
    if (map != NULL)
        munmap(map, (size_t)info.st_size);
    return err;
}
