/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tests/tail_life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/verify/tail/read.h"
#include "sdk/base/text.h"

/* ---- files ---- */

static void put_record(struct life *life, struct col_tap_record record)
{
    uint8_t head[COL_TAP_HEADER_SIZE];

    record.encoding = COL_TAP_PROTOBUF;
    record.transport = COL_TAP_HTTP;
    record.signal = COL_TAP_TRACES;
    record.mono_ns = life->world.now_ns;
    col_tap_encode(&record, head);
    assert_int_equal(otl_buf_append(&life->tap, head, sizeof(head)), OTEL_OK);
    if (record.body.len > 0)
        assert_int_equal(otl_buf_append(&life->tap, record.body.data, record.body.len), OTEL_OK);
}

static void save(const char *path, const void *head, size_t head_len, const struct otl_buf *bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(head, 1, head_len, file), head_len);
    assert_int_equal(fwrite(bytes->data != NULL ? bytes->data : "", 1, bytes->len, file),
                     bytes->len);
    fclose(file);
}

void life_begin_as(struct life *life, const char *config, unsigned version)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    enum otel_err err;

    memset(life, 0, sizeof(*life));
    snprintf(life->dir, sizeof(life->dir), "/tmp/tail-oracle-XXXXXX");
    assert_non_null(mkdtemp(life->dir));
    snprintf(life->tap_path, sizeof(life->tap_path), "%s/tap.bin", life->dir);
    snprintf(life->decisions, sizeof(life->decisions), "%s/decisions.jsonl", life->dir);
    snprintf(life->kept, sizeof(life->kept), "%s/kept.bin", life->dir);
    err = tail_world_init_as(&life->world, config, version, &detail);
    if (err != OTEL_OK)
        fail_msg("%s: %s", config, detail.text);
    assert_int_equal(col_decisions_open(life->decisions, &life->world.host.decisions, NULL),
                     OTEL_OK);
    otl_buf_init(&life->tap, 256u << 20);
    put_record(life, (struct col_tap_record){.type = COL_TAP_START});
}

void life_begin(struct life *life, const char *config)
{
    life_begin_as(life, config, 0);
}

enum { GROUPS_MAX = 1024, GROUP_SPANS_MAX = 64 };

struct life_group {
    unsigned trace;
    uint64_t due_ns;
    struct tail_span spans[GROUP_SPANS_MAX];
    size_t count;
};

/* The wait that the trace is in, or a new one. */
static struct life_group *group_of(struct life *life, unsigned trace)
{
    struct life_group *group;

    if (life->groups == NULL)
        life->groups = calloc(GROUPS_MAX, sizeof(*life->groups));
    assert_non_null(life->groups);
    for (size_t i = 0; i < life->group_count; i++)
        if (life->groups[i].trace == trace)
            return &life->groups[i];
    assert_true(life->group_count < GROUPS_MAX);
    group = &life->groups[life->group_count++];
    group->trace = trace;
    group->due_ns = life->world.now_ns + life->group_ns;
    group->count = 0;
    return group;
}

void life_pass(struct life *life)
{
    while (life->group_count > 0 && life->groups[0].due_ns <= life->world.now_ns) {
        assert_int_equal(tail_feed(&life->world, life->groups[0].spans, life->groups[0].count,
                                   true), OTEL_OK);
        memmove(life->groups, life->groups + 1, --life->group_count * sizeof(*life->groups));
    }
}

static enum otel_err hold(struct life *life, const struct tail_span *spans, size_t count,
                          bool apart)
{
    for (size_t i = 0; i < count; i++) {
        struct life_group *group = group_of(life, spans[i].trace);
        assert_true(group->count < GROUP_SPANS_MAX);
        group->spans[group->count++] = spans[i];
    }
    otl_buf_reset(&life->world.last);
    tail_put_request(&life->world.last, spans, count, apart);
    return OTEL_OK;
}

void life_feed(struct life *life, const struct tail_span *spans, size_t count, bool apart)
{
    enum otel_err err;

    life->requests++;
    err = life->group_ns > 0 ? hold(life, spans, count, apart)
                             : tail_feed(&life->world, spans, count, apart);
    put_record(life, (struct col_tap_record){
                         .type = COL_TAP_REQUEST, .request = life->requests,
                         .spans = (uint32_t)count,
                         .body = otl_view(life->world.last.data, life->world.last.len)});
    put_record(life, (struct col_tap_record){.type = COL_TAP_ANSWER, .request = life->requests,
                                             .status = err == OTEL_OK ? 200 : 503});
}

void life_end(struct life *life)
{
    uint8_t head[4];

    col_tail_finish(life->world.tail);
    col_decisions_close(&life->world.host.decisions);
    save(life->tap_path, "", 0, &life->tap);
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(life->world.out.len >> (24 - 8 * i));
    save(life->kept, head, 4, &life->world.out);
}

void life_clean(struct life *life)
{
    free(life->groups);
    unlink(life->tap_path);
    unlink(life->decisions);
    unlink(life->kept);
    rmdir(life->dir);
    otl_buf_fini(&life->tap);
    tail_world_fini(&life->world);
}

/* ---- asking ---- */

static void tell(void *context, const uint8_t *trace_id, const char *text)
{
    struct verdict *verdict = context;
    char hex[33] = "";

    if (trace_id != NULL)
        otl_hex(trace_id, 16, hex);
    if (verdict->differences++ == 0)
        snprintf(verdict->first, sizeof(verdict->first), "%s: %s", hex, text);
}

static enum otel_err take_span(void *context, const struct hx_tail_span *span)
{
    return hx_tail_oracle_span(context, span);
}

static void take_life(void *context)
{
    hx_tail_oracle_life(context);
}

void life_ask_of(const struct life *life, const struct life_asked *asked, struct verdict *ret)
{
    struct hx_tail_sink sink = {take_span, take_life, NULL, false};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_tail_compare *compare;
    struct hx_tail_oracle *oracle;
    struct hx_tail_source source;
    struct otl_yaml_options options;
    struct otl_yaml *doc;
    char text[8192];

    snprintf(text, sizeof(text),
             "processors: {tail_sampling: %s, groupbytrace: %s}\nservice: {pipelines: {traces: "
             "{receivers: [otlp], processors: [%s tail_sampling], exporters: [file]}}}\n",
             asked->config, asked->group != NULL ? asked->group : "{}",
             asked->group != NULL ? "groupbytrace," : "");
    otl_yaml_options_init(&options);
    options.digit_separators = true;
    assert_int_equal(otl_yaml_load_text(text, strlen(text), &options, &doc, &detail), OTEL_OK);
    if (hx_tail_oracle_new(&(struct hx_tail_asked){.doc = doc, .config = otl_yaml_root(doc),
                                                   .as_version = asked->version,
                                                   .workers = asked->workers},
                           &oracle, &detail) != OTEL_OK)
        fail_msg("%s: %s", asked->config, detail.text);
    sink.context = oracle;
    assert_int_equal(hx_tail_read(life->tap_path, &sink, &source, &detail), OTEL_OK);
    assert_int_equal(hx_tail_oracle_end(oracle), OTEL_OK);
    assert_int_equal(hx_tail_compare_new(oracle, &compare), OTEL_OK);
    assert_int_equal(hx_tail_compare_decisions(compare, life->decisions, &detail), OTEL_OK);
    assert_int_equal(hx_tail_compare_kept(compare, life->kept, &detail), OTEL_OK);
    memset(ret, 0, sizeof(*ret));
    (void)hx_tail_compare_each(compare, tell, ret);
    hx_tail_compare_counts(compare, &ret->counts);
    hx_tail_compare_free(compare);
    hx_tail_oracle_free(oracle);
    otl_yaml_free(doc);
}

void life_ask_as(const struct life *life, const char *config, unsigned version,
                 struct verdict *ret)
{
    life_ask_of(life, &(struct life_asked){.config = config, .version = version}, ret);
}

void life_ask(const struct life *life, const char *config, struct verdict *ret)
{
    life_ask_as(life, config, 0, ret);
}
