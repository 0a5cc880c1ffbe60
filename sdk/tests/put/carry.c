/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts, baggage, propagators and their carriers. */
#include <string.h>

#include <otel/baggage.h>
#include <otel/environment_carrier.h>
#include <otel/header_carrier.h>
#include <otel/propagators.h>
#include <otel/vendor_propagators.h>

#include "sdk/tests/put/put.h"

extern char **environ;

/* Headers as they came, NAME VALUE ... to the end of the line. */
static struct otel_header_view headers_of(struct put *put, struct put_words *words)
{
    struct otel_header *items = put_alloc(put, (words->count + 1) * sizeof(*items));
    struct otel_header_view view = {items, 0};

    while (words->at + 1 < words->count) {
        items[view.count].name = put_next(words);
        items[view.count++].value = put_next(words);
    }
    return view;
}

struct otel_propagator *put_propagator(struct otel_str word)
{
    static const struct {
        const char *word;
        struct otel_propagator *(*make)(void);
    } known[] = {{"tracecontext", otel_propagator_tracecontext},
                 {"baggage", otel_propagator_baggage},
                 {"w3c", otel_propagator_w3c},
                 {"b3", otel_propagator_b3},
                 {"b3multi", otel_propagator_b3_multi},
                 {"jaeger", otel_propagator_jaeger},
                 {"xray", otel_propagator_xray},
                 {"datadog", otel_propagator_datadog},
                 {"ottrace", otel_propagator_ottrace},
                 {"none", otel_propagator_noop}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].word, word.data) == 0)
            return known[i].make();
    return NULL; /* the global one */
}

struct otel_context *put_context(struct put *put, struct otel_str from)
{
    if (strncmp(from.data, "span:", 5) == 0)
        return otel_context_with_span(
            NULL, put_find(put, PUT_SPAN, otel_strn(from.data + 5, from.len - 5)));
    return otel_context_ref(put_find(put, PUT_CONTEXT, from));
}

/* extract C PROPAGATOR NAME VALUE...; PROPAGATOR - is the global one */
static void do_extract(struct put *put, struct put_words *words)
{
    struct otel_str name = put_next(words);
    struct otel_propagator *propagator = put_propagator(put_next(words));
    struct otel_header_view headers = headers_of(put, words);

    put_keep(put, PUT_CONTEXT, name,
             otel_propagator_extract(propagator, otel_context_root(), &headers,
                                     otel_http_header_getter()));
    fprintf(put->out, "ok");
}

/* inject C|span:S PROPAGATOR -> NAME VALUE... */
static void do_inject(struct put *put, struct put_words *words)
{
    struct otel_str from = put_next(words);
    struct otel_propagator *propagator = put_propagator(put_next(words));
    struct otel_context *context;
    struct otel_headers *headers = NULL;

    if (otel_headers_new(&headers) != OTEL_OK) {
        put_no(put, "headers");
        return;
    }
    context = put_context(put, from);
    fprintf(put->out, "ok");
    otel_propagator_inject(propagator, context, headers, otel_http_header_setter());
    for (size_t i = 0; i < otel_headers_view(headers)->count; i++) {
        put_say(put, otel_headers_view(headers)->items[i].name);
        put_say(put, otel_headers_view(headers)->items[i].value);
    }
    otel_headers_free(headers);
    otel_context_unref(context);
}

/* with_span C FROM SPAN: context C is FROM with SPAN */
static void do_with_span(struct put *put, struct put_words *words)
{
    struct otel_str name = put_next(words);
    struct otel_context *from = put_find(put, PUT_CONTEXT, put_next(words));
    struct otel_span *span = put_find(put, PUT_SPAN, put_next(words));

    put_keep(put, PUT_CONTEXT, name, otel_context_with_span(from, span));
    fprintf(put->out, "ok");
}

/* baggage C NAME VALUE METADATA ...: context C holds just that */
static void do_baggage(struct put *put, struct put_words *words)
{
    struct otel_str name = put_next(words);
    struct otel_baggage_entry *entries =
        put_alloc(put, (words->count + 1) * sizeof(*entries));
    struct otel_baggage *baggage = NULL;
    enum otel_err err;
    size_t count = 0;

    while (words->at < words->count) {
        entries[count].name = put_next(words);
        entries[count].value = put_next(words);
        entries[count++].metadata = put_next(words);
    }
    err = otel_baggage_set_many(NULL, entries, count, &baggage);
    if (err != OTEL_OK) {
        put_no(put, otel_err_name(err));
        return;
    }
    put_keep(put, PUT_CONTEXT, name, otel_context_with_baggage(otel_context_root(), baggage));
    otel_baggage_unref(baggage);
    fprintf(put->out, "ok");
}

/* entries C -> NAME VALUE METADATA ... */
static void do_entries(struct put *put, struct put_words *words)
{
    struct otel_baggage *baggage =
        otel_context_baggage(put_find(put, PUT_CONTEXT, put_next(words)));
    struct otel_baggage_entry entry;

    fprintf(put->out, "ok");
    for (size_t i = 0; otel_baggage_at(baggage, i, &entry); i++) {
        put_say(put, entry.name);
        put_say(put, entry.value);
        put_say(put, entry.metadata);
    }
}

/* attach C|span:S */
static void do_attach(struct put *put, struct put_words *words)
{
    struct otel_str from = put_next(words);
    struct otel_context *made = NULL, *context;

    if (strncmp(from.data, "span:", 5) == 0)
        context = made = otel_context_with_span(
            otel_context_current(),
            put_find(put, PUT_SPAN, otel_strn(from.data + 5, from.len - 5)));
    else
        context = put_find(put, PUT_CONTEXT, from);
    if (put->token_count == PUT_DEPTH_MAX) {
        put_no(put, "depth");
    } else {
        put->tokens[put->token_count++] = otel_context_attach(context);
        fprintf(put->out, "ok");
    }
    otel_context_unref(made);
}

static void do_detach(struct put *put, struct put_words *words)
{
    (void)words;
    if (put->token_count > 0 && otel_context_detach(put->tokens[put->token_count - 1])) {
        put->token_count--;
        fprintf(put->out, "ok");
    } else {
        put_no(put, "detach");
    }
}

/* spawn_env C PROPAGATOR -> NAME=VALUE... of a child's environment that was empty before */
static void do_spawn_env(struct put *put, struct put_words *words)
{
    struct otel_context *context = put_find(put, PUT_CONTEXT, put_next(words));
    struct otel_propagator *propagator = put_propagator(put_next(words));
    struct otel_environment *environment = NULL;

    if (otel_environment_new(NULL, &environment) != OTEL_OK) {
        put_no(put, "environment");
        return;
    }
    otel_propagator_inject(propagator, context, environment, otel_environment_setter());
    while (words->at < words->count) {
        struct otel_str key = put_next(words);

        otel_environment_setter()->set(environment, key, put_next(words));
    }
    fprintf(put->out, "ok");
    for (char *const *at = otel_environment_block(environment); *at != NULL; at++)
        put_say(put, otel_str(*at));
    otel_environment_free(environment);
}

/* from_env C PROPAGATOR: context C out of this process's environment */
static void do_from_env(struct put *put, struct put_words *words)
{
    struct otel_str name = put_next(words);
    struct otel_propagator *propagator = put_propagator(put_next(words));

    put_keep(put, PUT_CONTEXT, name,
             otel_propagator_extract(propagator, otel_context_root(), environ,
                                     otel_environment_getter()));
    fprintf(put->out, "ok");
}

static void say_field(void *arg, struct otel_str text)
{
    put_say(arg, text);
}

/* fields PROPAGATOR -> NAME... */
static void do_fields(struct put *put, struct put_words *words)
{
    fprintf(put->out, "ok");
    otel_propagator_fields(put_propagator(put_next(words)), say_field, put);
}

const struct put_command put_carry_commands[] = {
    {"extract", do_extract},   {"inject", do_inject},       {"with_span", do_with_span},
    {"baggage", do_baggage},   {"entries", do_entries},     {"attach", do_attach},
    {"detach", do_detach},     {"spawn_env", do_spawn_env}, {"from_env", do_from_env},
    {"fields", do_fields},     {NULL, NULL}};
