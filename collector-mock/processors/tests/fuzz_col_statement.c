/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/statement.h"
#include "collector-mock/processors/tests/fuzz_text.h"

/* Any text as a statement: taken and run on a span, or refused with a message. */

static void hold(struct col_statements *statements, bool on_resource)
{
    static const char bytes[] = "\x2a\x01n\x4a\x09\x0a\x01k\x12\x04\x0a\x02vv";
    struct col_resource resource;
    struct otl_arena arena;
    struct col_span span;
    const struct col_draft draft = {&arena, on_resource ? NULL : &span, &resource};
    uint64_t failed = 0;

    otl_arena_init(&arena, 1 << 24);
    memset(&resource, 0, sizeof(resource));
    col_span_split(otl_view(bytes, sizeof(bytes) - 1), &span);
    span.raw = otl_view(bytes, sizeof(bytes) - 1);
    span.resource = &resource;
    if (col_statements_run(statements, &draft, true, &failed) == OTEL_ERR_ARGUMENT)
        abort(); /* it was told to go on */
    otl_arena_fini(&arena);
}

static void take(const char *text, bool on_resource)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_statements *statements;

    if (col_statements_new(on_resource, &statements) != OTEL_OK)
        abort();
    if (col_statements_add(statements, text, &detail) == OTEL_OK)
        hold(statements, on_resource);
    else if (detail.text[0] == '\0')
        abort();
    col_statements_free(statements);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_text(data, size, take);
    return 0;
}
