/* SPDX-License-Identifier: Apache-2.0 */
/* What the file exporters wrote, against what was received: the same spans, unaltered. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector-mock/wire/traces.h"
#include "harness/verify/facts/content.h"
#include "harness/verify/judge/judge.h"
#include "sdk/base/text.h"

struct output { /* of one exporter */
    const char *id;
    char path[4096];
    bool proto;
    struct otl_view bytes;
    struct hx_table by_bytes; /* body of a tap request -> the first request with it */
};

/* ---- which exporters wrote all that was received --------------------------------------------- */

static bool passes_all(const char *processor)
{
    size_t len = strcspn(processor, "/");

    return (len == 5 && memcmp(processor, "batch", len) == 0) ||
           (len == 14 && memcmp(processor, "memory_limiter", len) == 0);
}

static bool has(const json_t *list, const char *word)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), word) == 0)
            return true;
    }
    return false;
}

/* In a pipeline of traces that takes from a receiver and drops nothing on purpose. */
static bool gets_all(const json_t *collector, const char *id)
{
    const json_t *service = json_object_get(collector, "service");
    const json_t *pipelines, *pipeline, *processor;
    const char *name;
    size_t i;

    pipelines = json_object_get(service, "pipelines");
    json_object_foreach((json_t *)(uintptr_t)pipelines, name, pipeline) {
        bool all = has(json_object_get(pipeline, "receivers"), "otlp") &&
                   has(json_object_get(pipeline, "exporters"), id);

        if (strncmp(name, "traces", 6) != 0 || (name[6] != '\0' && name[6] != '/'))
            continue;
        json_array_foreach(json_object_get(pipeline, "processors"), i, processor)
            all = all && json_is_string(processor) && passes_all(json_string_value(processor));
        if (all)
            return true;
    }
    return false;
}

static bool map(struct output *output)
{
    int fd = open(output->path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *bytes;

    output->bytes = otl_view(NULL, 0);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) != 0) {
        close(fd);
        return false;
    }
    if (st.st_size == 0) {
        close(fd);
        return true;
    }
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return false;
    output->bytes = otl_view(bytes, (size_t)st.st_size);
    return true;
}

/* ---- spans ---------------------------------------------------------------------------------- */

/* The first receipt that is not yet found behind the pipeline, one that was acknowledged before one
 * that was refused and sent again. */
static uint32_t take(struct hx_facts *facts, uint32_t span)
{
    uint32_t n = HX_NONE, at = span != HX_NONE ? facts->spans[span].received : HX_NONE;

    for (; at != HX_NONE; at = facts->received[at].next) {
        bool acked = facts->requests[facts->received[at].request].success;
        if ((facts->received[at].flags & HX_RECEIVED_EXPORTED) != 0 || (n != HX_NONE && !acked))
            continue;
        n = at;
        if (acked)
            break;
    }
    if (n != HX_NONE)
        facts->received[n].flags |= HX_RECEIVED_EXPORTED;
    return n;
}

static void judge_proto_span(struct hx_judgement *j, const struct output *output,
                             const struct col_span *span)
{
    struct hx_facts *facts = j->marks;
    struct hx_fact_received row;
    struct hx_led_content content;
    uint32_t n, at;

    hx_content_row(span, &row, &content);
    at = row.seq != 0 ? hx_table_get(&facts->span_by_seq, row.seq)
                      : hx_facts_span_by_ids(facts, row.trace_id, row.span_id);
    if (at == HX_NONE)
        return; /* told as unexpected */
    hx_judged(&j->checks, HX_CHECK_PIPELINE, 1);
    n = take(facts, at);
    if (n == HX_NONE)
        hx_fail(&j->checks, HX_CHECK_PIPELINE, HX_AT_SPAN(at), "%s wrote it more often than it "
                "was received", output->id);
    else if (hx_content_compare(&facts->spans[at], &row, &content) != facts->received[n].altered)
        hx_fail(&j->checks, HX_CHECK_PIPELINE, HX_AT_SPAN(at), "altered on the way to %s",
                output->id);
}

/* ---- whole requests ------------------------------------------------------------------------- */

static uint64_t bytes_key(struct otl_view bytes)
{
    return XXH3_64bits(bytes.len > 0 ? bytes.data : "", bytes.len);
}

/* A request that stands behind the pipeline byte for byte needs no second reading. Requests of the
 * same bytes share a key: the first of them then counts for all. */
static bool whole_request(struct hx_judgement *j, const struct output *output,
                          struct otl_view record)
{
    struct hx_facts *facts = j->marks;
    uint32_t n = hx_table_get(&output->by_bytes, bytes_key(record));
    struct hx_fact_request *request = n != HX_NONE ? &facts->requests[n] : NULL;

    if (request == NULL || !otl_view_equal(request->body, record))
        return false;
    if (request->exported == request->times)
        hx_fail(&j->checks, HX_CHECK_PIPELINE, HX_NOWHERE,
                "%s wrote request %" PRIu64 " of %u spans more often than it was received",
                output->id, request->number, (unsigned)request->spans);
    else
        request->exported++;
    hx_judged(&j->checks, HX_CHECK_PIPELINE, request->spans);
    return true;
}

static void begin_count(struct hx_fact_request *request)
{
    request->exported = request->times = request->acked = 0;
    request->due = request->found = 0;
    request->partial = false;
}

static void count_answer(struct hx_fact_request *first, const struct hx_fact_request *request)
{
    first->times++;
    if (!request->success)
        return;
    first->acked++;
    first->partial = first->partial || request->rejected > 0;
    first->due += request->rejected < request->spans ? request->spans - request->rejected : 0;
}

static bool index_requests(struct hx_facts *facts, struct output *output)
{
    if (hx_table_init(&output->by_bytes, facts->request_count) != OTEL_OK)
        return false;
    for (size_t i = 0; i < facts->request_count; i++)
        begin_count(&facts->requests[i]);
    for (size_t i = 0; i < facts->request_count; i++) {
        struct hx_fact_request *request = &facts->requests[i];

        request->same = hx_table_put(&output->by_bytes, bytes_key(request->body), (uint32_t)i);
        count_answer(&facts->requests[request->same], request);
    }
    return true;
}

/* Requests of the same bytes are retries: as many as were acknowledged must stand there. */
static bool request_exported(const struct hx_fact_request *first)
{
    return first->exported >= first->acked;
}

static void damaged(struct hx_judgement *j, const struct output *output, size_t at)
{
    hx_unknown(&j->checks, HX_CHECK_PIPELINE, 1, "%s: byte %zu is no whole record", output->id, at);
}

static void read_proto(struct hx_judgement *j, const struct output *output)
{
    const uint8_t *data = (const void *)output->bytes.data;
    size_t at = 0, len;

    while (at + 4 <= output->bytes.len) {
        struct otl_view record;
        struct col_traces traces;
        struct col_span span;

        len = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 | (size_t)data[at + 2] << 8 |
              data[at + 3];
        if (len > output->bytes.len - at - 4)
            break;
        record = otl_view(output->bytes.data + at + 4, len);
        at += 4 + len;
        if (whole_request(j, output, record))
            continue;
        col_traces_init(&traces, record);
        while (col_traces_next(&traces, &span))
            judge_proto_span(j, output, &span);
        if (col_traces_error(&traces, NULL) != OTEL_OK)
            damaged(j, output, at - len);
    }
    if (at != output->bytes.len)
        damaged(j, output, at);
}

static void judge_json_span(struct hx_judgement *j, const struct output *output,
                            const json_t *span)
{
    const char *trace = json_string_value(json_object_get(span, "traceId"));
    const char *id = json_string_value(json_object_get(span, "spanId"));
    uint8_t trace_id[16], span_id[8];
    uint32_t at;

    if (trace == NULL || id == NULL || strlen(trace) != 32 || strlen(id) != 16 ||
        !otl_unhex(trace, 16, trace_id) || !otl_unhex(id, 8, span_id))
        return;
    at = hx_facts_span_by_ids(j->facts, trace_id, span_id);
    if (at == HX_NONE)
        return;
    hx_judged(&j->checks, HX_CHECK_PIPELINE, 1);
    if (take(j->marks, at) == HX_NONE)
        hx_fail(&j->checks, HX_CHECK_PIPELINE, HX_AT_SPAN(at), "%s wrote it more often than it "
                "was received", output->id);
}

static void judge_json_line(struct hx_judgement *j, const struct output *output,
                            const json_t *line)
{
    const json_t *resource, *scope, *span;
    size_t r, s, i;

    json_array_foreach(json_object_get(line, "resourceSpans"), r, resource)
        json_array_foreach(json_object_get(resource, "scopeSpans"), s, scope)
            json_array_foreach(json_object_get(scope, "spans"), i, span)
                judge_json_span(j, output, span);
}

static void read_json(struct hx_judgement *j, const struct output *output)
{
    size_t at = 0;

    while (at < output->bytes.len) {
        const char *line = output->bytes.data + at;
        const char *end = memchr(line, '\n', output->bytes.len - at);
        json_t *tree = end != NULL ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;

        if (tree == NULL) {
            damaged(j, output, at);
            return;
        }
        judge_json_line(j, output, tree);
        json_decref(tree);
        at += (size_t)(end - line) + 1;
    }
}

/* ---- one exporter --------------------------------------------------------------------------- */

/* Which spans an answer of partial success rejected it does not say: all but so many must stand
 * there, whichever they are. */
static void judge_partial(struct hx_judgement *j, const struct output *output)
{
    for (size_t i = 0; i < j->facts->request_count; i++) {
        const struct hx_fact_request *request = &j->facts->requests[i];
        uint64_t found = request->found + (uint64_t)request->exported * request->spans;

        if (request->partial && found < request->due)
            hx_fail(&j->checks, HX_CHECK_PIPELINE, HX_NOWHERE,
                    "of request %" PRIu64 " %" PRIu64 " spans were acknowledged, and %s wrote "
                    "%" PRIu64, request->number, request->due, output->id, found);
    }
}

static void judge_missing(struct hx_judgement *j, const struct output *output)
{
    struct hx_facts *facts = j->marks;

    for (uint32_t i = 0; i < facts->received_count; i++) {
        struct hx_fact_received *row = &facts->received[i];
        const struct hx_fact_request *request = &facts->requests[row->request];
        struct hx_fact_request *first = &facts->requests[request->same];
        bool exported = (row->flags & HX_RECEIVED_EXPORTED) != 0;

        row->flags &= (uint8_t)~HX_RECEIVED_EXPORTED;
        if (first->partial)
            first->found += exported || row->span == HX_NONE;
        else if (!exported && !request_exported(first) && row->span != HX_NONE && request->success)
            hx_fail(&j->checks, HX_CHECK_PIPELINE, HX_AT_RECEIVED(i),
                    "received and acknowledged, but not written by %s", output->id);
    }
    judge_partial(j, output);
}

static void judge_output(struct hx_judgement *j, const char *id, const json_t *config)
{
    const char *path = json_string_value(json_object_get(config, "path"));
    const char *format = json_string_value(json_object_get(config, "format"));
    struct output output = {.id = id, .proto = format != NULL && strcmp(format, "proto") == 0};

    if (path == NULL || !gets_all(j->scenario->collector, id))
        return;
    snprintf(output.path, sizeof output.path, "%s%s%s", path[0] == '/' ? "" : j->dir,
             path[0] == '/' ? "" : "/", path);
    if (!index_requests(j->marks, &output)) {
        j->checks.memory = true;
        return;
    }
    if (!map(&output)) {
        hx_unknown(&j->checks, HX_CHECK_PIPELINE, 1, "%s: %s cannot be read", id, path);
        hx_table_fini(&output.by_bytes);
        return;
    }
    if (output.proto)
        read_proto(j, &output);
    else
        read_json(j, &output);
    judge_missing(j, &output);
    hx_table_fini(&output.by_bytes);
    if (output.bytes.len > 0)
        munmap((void *)(uintptr_t)output.bytes.data, output.bytes.len);
}

void hx_judge_pipeline(struct hx_judgement *j)
{
    json_t *exporters = json_object_get(j->scenario->collector, "exporters"), *config;
    const char *id;

    json_object_foreach(exporters, id, config) {
        if (strncmp(id, "file", 4) == 0 && (id[4] == '\0' || id[4] == '/'))
            judge_output(j, id, config);
    }
}
