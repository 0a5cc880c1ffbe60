/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "collector-mock/processors/tests/proc_world.h"

static enum otel_err record(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct proc_world *world = self;
    uint64_t spans = 0;

    (void)reterr;
    assert_int_equal(col_request_check(batch->signal, batch->request, &spans, NULL), OTEL_OK);
    assert_int_equal(spans, batch->items);
    assert_true(spans > 0);
    world->spans += spans;
    if (world->batches < PROC_SENDS_MAX)
        world->sends[world->batches] = spans;
    world->batches++;
    assert_int_equal(otl_buf_append(&world->out, batch->request.data, batch->request.len),
                     OTEL_OK);
    return world->answer;
}

enum otel_err proc_world_init(struct proc_world *world, const char *type, const char *config,
                              struct otl_detail *reterr)
{
    const struct proc_options options = {.type = type, .signal = COL_TRACES};

    return proc_world_init_for(world, &options, config, reterr);
}

enum otel_err proc_world_init_for(struct proc_world *world, const struct proc_options *options,
                                  const char *config, struct otl_detail *reterr)
{
    struct col_create args = {.id = options->type, .host = &world->host,
                              .signal = options->signal};
    enum otel_err err;

    memset(world, 0, sizeof(*world));
    world->host.base = event_base_new();
    world->host.clock = otl_clock_real();
    otl_log_init(&world->host.log, 2, (enum otl_log_level)(OTL_LOG_ERROR + 1), "test");
    assert_int_equal(col_metrics_new(&world->host.metrics), OTEL_OK);
    otl_buf_init(&world->out, 64u << 20);
    world->host.as_version = options->as_version;
    world->host.root = options->root;
    world->type = col_registry_find(COL_PROCESSOR, options->type);
    assert_non_null(world->type);
    err = otl_yaml_load_text(config, strlen(config), NULL, &world->doc, reterr);
    if (err != OTEL_OK)
        return err;
    args.config = otl_yaml_root(world->doc);
    args.doc = world->doc;
    args.next.consume = record;
    args.next.self = world;
    if (!json_is_null(args.config))
        err = otl_schema_check(world->doc, world->type->schema, reterr);
    if (err == OTEL_OK)
        err = world->type->create(&args, &world->self, reterr);
    if (err == OTEL_OK && world->type->start != NULL)
        err = world->type->start(world->self, reterr);
    return err;
}

void proc_world_fini(struct proc_world *world)
{
    if (world->self != NULL)
        world->type->free(world->self);
    otl_yaml_free(world->doc);
    otl_buf_fini(&world->out);
    col_metrics_free(world->host.metrics);
    event_base_free(world->host.base);
}

enum otel_err proc_feed(struct proc_world *world, const struct tail_span *spans, size_t count,
                        bool apart)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_batch batch = {.mono_ns = 1};
    struct otl_buf request;
    enum otel_err err;

    otl_buf_init(&request, 16u << 20);
    tail_put_request(&request, spans, count, apart);
    batch.request = otl_view(request.data, request.len);
    batch.items = count;
    err = world->type->consume(world->self, &batch, &detail);
    otl_buf_fini(&request);
    return err;
}

bool proc_span(const struct proc_world *world, size_t n, struct col_traces *traces,
               struct col_span *ret)
{
    col_traces_init(traces, otl_view(world->out.data, world->out.len));
    do {
        if (!col_traces_next(traces, ret))
            return false;
    } while (n-- > 0);
    return true;
}

uint64_t proc_counter(const struct proc_world *world, const char *name, const char *labels)
{
    return *col_metrics_counter(world->host.metrics, name, labels, "");
}

void proc_check_refusals(const char *type, const struct proc_refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct proc_world world;
        enum otel_err err = proc_world_init(&world, type, cases[i].config, &detail);
        char said[1024];

        otl_detail_format(&detail, said, sizeof(said));
        if (err == OTEL_OK || strstr(said, cases[i].says) == NULL)
            fail_msg("%s: '%s' was expected, not '%s'", cases[i].config, cases[i].says, said);
        assert_int_equal(otel_err_class(err), OTEL_CLASS_USAGE);
        proc_world_fini(&world);
    }
}
