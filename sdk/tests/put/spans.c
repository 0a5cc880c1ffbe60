/* SPDX-License-Identifier: Apache-2.0 */
/* Tracers and spans. */
#include <string.h>

#include <otel/trace_state.h>

#include "sdk/tests/put/put.h"

/* tracer T NAME VERSION SCHEMA_URL KEY VALUE... */
static void do_tracer(struct put *put, struct put_words *words)
{
    struct otel_tracer_options options;
    struct otel_str name = put_next(words);

    otel_tracer_options_init(&options);
    options.name = put_next(words);
    options.version = put_next(words);
    options.schema_url = put_next(words);
    options.attributes = put_attributes(put, words, &options.attribute_count);
    put_keep(put, PUT_TRACER, name,
             otel_tracer_provider_tracer(put->provider != NULL
                                             ? otel_sdk_provider_api(put->provider)
                                             : NULL,
                                         &options));
    fprintf(put->out, "ok");
}

static void do_tracer_enabled(struct put *put, struct put_words *words)
{
    struct otel_tracer *tracer = put_find(put, PUT_TRACER, put_next(words));

    fprintf(put->out, "ok %d", otel_tracer_enabled(tracer));
}

static void forget_links(struct put *put)
{
    for (size_t i = 0; i < put->link_count; i++)
        otel_trace_state_unref(put->links[i].context.trace_state);
    put->link_count = 0;
    put_free_scraps(&put->staged);
}

/* stage LINK: a link of the next start */
static void do_stage(struct put *put, struct put_words *words)
{
    struct put_scrap *others = put->scraps;

    put->scraps = put->staged;
    if (put->link_count < PUT_LINKS_MAX && put_link(put, words, &put->links[put->link_count])) {
        /* the texts live in the line, which is gone with the next one */
        struct otel_link *link = &put->links[put->link_count++];
        struct otel_attribute *attributes =
            put_alloc(put, (link->attribute_count + 1) * sizeof(*attributes));

        for (size_t i = 0; i < link->attribute_count; i++) {
            struct otel_attribute from = link->attributes[i];
            char *key = put_alloc(put, from.key.len + 1);

            memcpy(key, from.key.data, from.key.len);
            attributes[i].key = otel_strn(key, from.key.len);
            attributes[i].value = from.value;
            if (from.value.type == OTEL_VALUE_STRING) {
                char *text = put_alloc(put, from.value.count + 1);

                memcpy(text, from.value.as.string, from.value.count);
                attributes[i].value.as.string = text;
            }
        }
        link->attributes = attributes;
        fprintf(put->out, "ok");
    } else {
        put_no(put, "link");
    }
    put->staged = put->scraps;
    put->scraps = others;
}

/* start S T NAME [parent=SPAN|ctx=CONTEXT|root=1] [kind=N] [at=NS] KEY VALUE... */
static void do_start(struct put *put, struct put_words *words)
{
    struct otel_str id = put_next(words);
    struct otel_tracer *tracer = put_find(put, PUT_TRACER, put_next(words));
    struct otel_str name = put_next(words), parent;
    struct otel_context *made = NULL;
    struct otel_span_options options;

    otel_span_options_init(&options);
    options.root = put_option_number(words, "root", 0) != 0;
    options.kind = (enum otel_span_kind)put_option_number(words, "kind", 0);
    options.start_time_unix_nanos = put_option_number(words, "at", 0);
    if (put_option(words, "parent", &parent))
        options.parent = made =
            otel_context_with_span(NULL, put_find(put, PUT_SPAN, parent));
    else if (put_option(words, "ctx", &parent))
        options.parent = put_find(put, PUT_CONTEXT, parent);
    options.links = put->links;
    options.link_count = put->link_count;
    options.attributes = put_attributes(put, words, &options.attribute_count);
    put_keep(put, PUT_SPAN, id, otel_span_start_str(tracer, name, &options));
    otel_context_unref(made);
    forget_links(put);
    fprintf(put->out, "ok");
}

static void do_set(struct put *put, struct put_words *words)
{
    struct otel_span *span = put_find(put, PUT_SPAN, put_next(words));
    size_t count;
    struct otel_attribute *attributes = put_attributes(put, words, &count);

    for (size_t i = 0; i < count; i++)
        otel_span_set(span, attributes[i].key, &attributes[i].value);
    fprintf(put->out, "ok");
}

/* event S NAME NS KEY VALUE... */
static void do_event(struct put *put, struct put_words *words)
{
    struct otel_span *span = put_find(put, PUT_SPAN, put_next(words));
    struct otel_event event;

    memset(&event, 0, sizeof(event));
    event.name = put_next(words);
    event.time_unix_nanos = put_number(words, 0);
    event.attributes = put_attributes(put, words, &event.attribute_count);
    otel_span_add_event(span, &event);
    fprintf(put->out, "ok");
}

static void do_link(struct put *put, struct put_words *words)
{
    struct otel_span *span = put_find(put, PUT_SPAN, put_next(words));
    struct otel_link link;

    if (!put_link(put, words, &link)) {
        put_no(put, "link");
        return;
    }
    otel_span_add_link(span, &link);
    otel_trace_state_unref(link.context.trace_state);
    fprintf(put->out, "ok");
}

static void do_status(struct put *put, struct put_words *words)
{
    struct otel_span *span = put_find(put, PUT_SPAN, put_next(words));
    enum otel_status status = (enum otel_status)put_number(words, 0);

    otel_span_set_status_str(span, status, put_next(words));
    fprintf(put->out, "ok");
}

static void do_rename(struct put *put, struct put_words *words)
{
    struct otel_span *span = put_find(put, PUT_SPAN, put_next(words));

    otel_span_update_name(span, put_next(words));
    fprintf(put->out, "ok");
}

/* exception S TYPE MESSAGE STACKTRACE KEY VALUE... */
static void do_exception(struct put *put, struct put_words *words)
{
    struct otel_span *span = put_find(put, PUT_SPAN, put_next(words));
    struct otel_exception exception;

    memset(&exception, 0, sizeof(exception));
    exception.type = put_next(words);
    exception.message = put_next(words);
    exception.stacktrace = put_next(words);
    exception.attributes = put_attributes(put, words, &exception.attribute_count);
    otel_span_record_exception(span, &exception);
    fprintf(put->out, "ok");
}

static void do_end(struct put *put, struct put_words *words)
{
    struct otel_span *span = put_find(put, PUT_SPAN, put_next(words));

    otel_span_end_at(span, put_number(words, 0));
    fprintf(put->out, "ok");
}

static void do_unref(struct put *put, struct put_words *words)
{
    otel_span_unref(put_take(put, PUT_SPAN, put_next(words)));
    fprintf(put->out, "ok");
}

static void do_finish(struct put *put, struct put_words *words)
{
    otel_span_finish(put_take(put, PUT_SPAN, put_next(words)));
    fprintf(put->out, "ok");
}

/* look S -> TRACE_ID SPAN_ID flags=N remote=N recording=N TRACE_STATE */
static void do_look(struct put *put, struct put_words *words)
{
    struct otel_span *span = put_find(put, PUT_SPAN, put_next(words));
    const struct otel_span_context *context = otel_span_get_context(span);
    char trace_id[33], span_id[17];

    otel_trace_id_hex(context->trace_id, trace_id);
    otel_span_id_hex(context->span_id, span_id);
    fprintf(put->out, "ok %s %s flags=%u remote=%d recording=%d", trace_id, span_id,
            context->flags, context->is_remote, otel_span_is_recording(span));
    put_say(put, otel_trace_state_header(context->trace_state));
}

const struct put_command put_span_commands[] = {
    {"tracer", do_tracer},   {"enabled", do_tracer_enabled}, {"stage", do_stage},
    {"start", do_start},     {"set", do_set},                {"event", do_event},
    {"link", do_link},       {"status", do_status},          {"rename", do_rename},
    {"exception", do_exception}, {"end", do_end},            {"unref", do_unref},
    {"finish", do_finish},   {"look", do_look},              {NULL, NULL}};
