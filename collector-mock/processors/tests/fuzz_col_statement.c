/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tests/fuzz_ottl.h"
#include "collector-mock/wire/parse.h"

/* Any text as a statement: taken and run on one of everything, or refused with a message. What it
 * leaves can be read. */

static void require(bool good)
{
    if (!good)
        abort();
}

static void look(const struct fuzz_things *things)
{
    struct col_fault fault = {NULL, NULL, NULL};
    struct col_span span;
    struct col_event event;
    struct col_point point;

    require(col_read_span(things->span.raw, &span, &fault));
    require(col_read_event(things->event_raw, &event, &fault));
    require(col_read_point(things->metric.kind, things->point.raw, &point, &fault));
    require(things->span.resource == &things->resource && things->span.scope == &things->scope);
}

static void hold(struct col_statements *statements, struct fuzz_things *things)
{
    struct otl_arena arena;
    const struct col_draft draft = {.arena = &arena,
                                    .resource = &things->resource,
                                    .scope = &things->scope,
                                    .span = &things->span,
                                    .event = &things->event,
                                    .event_raw = &things->event_raw,
                                    .log = &things->log,
                                    .metric = &things->metric,
                                    .point = &things->point};
    uint64_t failed = 0;

    otl_arena_init(&arena, 1 << 24);
    require(col_statements_run(statements, &draft, true, &failed) != OTEL_ERR_ARGUMENT);
    look(things);
    otl_arena_fini(&arena);
}

static void take(const char *text, enum col_condition_on on, struct fuzz_things *things)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_statements *statements;

    /* in half of the texts each path has to say its context */
    if (col_statements_new(on, strlen(text) % 2 == 1, &statements) != OTEL_OK)
        abort();
    if (col_statements_add(statements, text, &detail) == OTEL_OK)
        hold(statements, things);
    else
        require(detail.text[0] != '\0');
    col_statements_free(statements);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_text(data, size, take);
}
