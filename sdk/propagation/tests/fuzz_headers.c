/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include <otel/header_carrier.h>
#include <otel/propagators.h>
#include <otel/trace_state.h>
#include <otel/vendor_propagators.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS_MAX = 64, NAMES_MAX = 16 * 1024 };

/* "name: value" lines; a line without a colon is a header without a value. */
static size_t split(const char *text, size_t len, struct otel_header *items)
{
    size_t count = 0;

    while (len != 0 && count < HEADERS_MAX) {
        const char *end = memchr(text, '\n', len), *colon;
        size_t line = end != NULL ? (size_t)(end - text) : len;
        colon = line != 0 ? memchr(text, ':', line) : NULL;
        items[count].name = otel_strn(text, colon != NULL ? (size_t)(colon - text) : line);
        items[count].value =
            colon != NULL ? otel_strn(colon + 1, (size_t)(text + line - colon - 1))
                          : otel_strn(NULL, 0);
        count++;
        text += line + (end != NULL);
        len -= line + (end != NULL);
    }
    return count;
}

/* The same headers with the case of every letter of a name turned. */
static void turn_case(const struct otel_header *items, size_t count, struct otel_header *out,
                      char *names)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = items[i];
        if (items[i].name.len == 0)
            continue;
        out[i].name = otel_strn(names, items[i].name.len);
        for (size_t k = 0; k < items[i].name.len; k++) {
            char c = items[i].name.data[k];
            bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            *names++ = letter ? (char)(c ^ 0x20) : c;
        }
    }
}

static bool same(const struct otel_context *a, const struct otel_context *b)
{
    const struct otel_span_context *x = otel_context_span_context(a),
                                   *y = otel_context_span_context(b);

    return memcmp(x->trace_id, y->trace_id, 16) == 0 && memcmp(x->span_id, y->span_id, 8) == 0 &&
           x->flags == y->flags &&
           otel_str_equal(otel_trace_state_header(x->trace_state),
                          otel_trace_state_header(y->trace_state));
}

/* What was read is written over the headers that it came from, once a name, and reads the same. */
static void write_back(struct otel_propagator *propagator, const struct otel_header_view *view,
                       struct otel_context *first)
{
    const struct otel_text_map_setter *setter = otel_http_header_setter();
    struct otel_headers *list = NULL;
    struct otel_context *second;

    if (otel_headers_new(&list) != OTEL_OK)
        return;
    for (size_t i = 0; i < view->count; i++)
        (void)otel_headers_add(list, view->items[i].name, view->items[i].value);
    otel_propagator_inject(propagator, first, list, setter);
    second = otel_propagator_extract(propagator, otel_context_root(), otel_headers_view(list),
                                     otel_http_header_getter());
    if (otel_span_context_is_valid(otel_context_span_context(first)) && !same(first, second))
        abort();
    otel_context_unref(second);
    otel_headers_free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char names[NAMES_MAX];
    struct otel_header items[HEADERS_MAX], turned[HEADERS_MAX];
    struct otel_header_view view = {items, 0}, other = {turned, 0};
    struct otel_propagator *all[] = {otel_propagator_w3c(), otel_propagator_b3(),
                                     otel_propagator_jaeger(), otel_propagator_xray()};

    if (size > NAMES_MAX)
        return 0;
    view.count = other.count = split((const char *)data, size, items);
    turn_case(items, view.count, turned, names);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const struct otel_text_map_getter *http = otel_http_header_getter();
        struct otel_context *first =
            otel_propagator_extract(all[i], otel_context_root(), &view, http);
        struct otel_context *second =
            otel_propagator_extract(all[i], otel_context_root(), &other, http);
        if (!same(first, second))
            abort();
        if (i == 0) /* the others' absent decisions and debug flags have tests of their own */
            write_back(all[i], &view, first);
        otel_context_unref(second);
        otel_context_unref(otel_propagator_extract(all[i], otel_context_root(), &view,
                                                   otel_kafka_header_getter()));
        otel_context_unref(first);
    }
    return 0;
}
