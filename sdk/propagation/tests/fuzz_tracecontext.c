/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include <otel/propagators.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two tracestate headers, the second behind the first line feed, and a baggage header. */
struct carrier {
    struct otel_str parts[3];
};

static struct otel_str part(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
    size_t len = end ? (size_t)(end - *data) : *size;
    struct otel_str text = otel_strn((const char *)*data, len);

    *data += end ? len + 1 : len;
    *size -= end ? len + 1 : len;
    return text;
}

static void get_all(const void *carrier, struct otel_str key, otel_text_visit_fn *visit, void *arg)
{
    const struct carrier *c = carrier;

    if (otel_str_equal(key, otel_str("traceparent")))
        visit(arg, otel_str("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    if (otel_str_equal(key, otel_str("tracestate"))) {
        visit(arg, c->parts[0]);
        visit(arg, c->parts[1]);
    }
    if (otel_str_equal(key, otel_str("baggage")))
        visit(arg, c->parts[2]);
}

static void set(void *carrier, struct otel_str key, struct otel_str value)
{
    struct otel_str *kept = carrier;
    size_t i = otel_str_equal(key, otel_str("tracestate"))  ? 0
               : otel_str_equal(key, otel_str("baggage")) ? 1
                                                          : 2;

    for (size_t k = 0; k < value.len; k++) /* nothing that could break a header line */
        if ((unsigned char)value.data[k] < ' ' && value.data[k] != '\t')
            abort();
    if (value.len > 8192 || value.len == 0)
        abort();
    kept[i].len = value.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct otel_text_map_getter getter = {NULL, get_all, NULL};
    static const struct otel_text_map_setter setter = {set};
    struct otel_str kept[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct otel_context *context;
    struct carrier carrier;

    for (size_t i = 0; i < 3; i++)
        carrier.parts[i] = part(&data, &size);
    context = otel_propagator_extract(otel_propagator_w3c(), otel_context_root(), &carrier,
                                      &getter);
    if (!otel_span_context_is_valid(otel_context_span_context(context)))
        abort();
    otel_propagator_inject(otel_propagator_w3c(), context, kept, &setter);
    if (kept[2].len != 55)
        abort();
    otel_context_unref(context);
    return 0;
}
