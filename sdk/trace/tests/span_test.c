/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/trace_state.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/tests/rig.h"

static int set_up(void **state)
{
    static struct rig rig;

    rig_init(&rig);
    rig_start(&rig);
    *state = &rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_fini(*state);
    return 0;
}

static void a_root_span_has_ids_and_the_random_flag(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span = otel_span_start(rig->tracer, "root", NULL);
    struct otel_span_context context = *otel_span_get_context(span);
    struct seen seen;

    assert_true(otel_span_context_is_valid(&context));
    assert_int_equal(context.flags, OTEL_FLAG_SAMPLED | OTEL_FLAG_RANDOM);
    assert_true(otel_span_is_recording(span));
    otel_span_finish(span);
    seen = rig_seen(rig, "root");
    assert_memory_equal(seen.info.context.trace_id, context.trace_id, 16);
    assert_memory_equal(seen.info.context.span_id, context.span_id, 8);
    assert_int_equal(seen.info.kind, OTEL_SPAN_KIND_INTERNAL);
    assert_int_equal(seen.info.status, OTEL_STATUS_UNSET);
    assert_false(otel_span_context_is_valid(&seen.info.parent));
}

static void ids_are_unique_and_not_zero(void **state)
{
    struct rig *rig = *state;
    static struct otel_span_context seen[1000];

    for (int i = 0; i < 1000; i++) {
        struct otel_span *span = otel_span_start(rig->tracer, "s", NULL);
        seen[i] = *otel_span_get_context(span);
        assert_true(otel_span_context_is_valid(&seen[i]));
        for (int j = 0; j < i; j++) {
            assert_memory_not_equal(seen[i].trace_id, seen[j].trace_id, 16);
            assert_memory_not_equal(seen[i].span_id, seen[j].span_id, 8);
        }
        otel_span_finish(span);
    }
}

static void a_child_keeps_the_trace_and_names_its_parent(void **state)
{
    struct rig *rig = *state;
    struct otel_span *a = otel_span_start(rig->tracer, "a", NULL);
    struct otel_span *b = child_of(rig->tracer, a, "b");
    struct otel_span *c;
    struct seen seen_a, seen_b, seen_c;

    otel_span_end(a); /* an ended span can still be a parent; its child lives on */
    otel_span_end(b);
    c = child_of(rig->tracer, b, "c");
    assert_true(otel_span_is_recording(c));
    otel_span_finish(c);
    otel_span_unref(b);
    otel_span_unref(a);
    seen_a = rig_seen(rig, "a");
    seen_b = rig_seen(rig, "b");
    seen_c = rig_seen(rig, "c");
    assert_memory_equal(seen_b.info.parent.span_id, seen_a.info.context.span_id, 8);
    assert_memory_equal(seen_c.info.parent.span_id, seen_b.info.context.span_id, 8);
    assert_memory_equal(seen_c.info.context.trace_id, seen_a.info.context.trace_id, 16);
    assert_false(seen_c.info.parent.is_remote);
}

static void the_current_context_is_the_default_parent_and_root_ignores_it(void **state)
{
    struct rig *rig = *state;
    struct otel_span *outer = otel_span_start(rig->tracer, "outer", NULL), *span;
    struct otel_context *context = otel_context_with_span(NULL, outer);
    struct otel_context_token token = otel_context_attach(context);
    struct otel_span_options options;
    struct seen seen;

    span = otel_span_start(rig->tracer, "inner", NULL);
    assert_memory_equal(otel_span_get_context(span)->trace_id,
                        otel_span_get_context(outer)->trace_id, 16);
    otel_span_finish(span);
    otel_span_options_init(&options);
    options.root = true;
    span = otel_span_start(rig->tracer, "own root", &options);
    assert_memory_not_equal(otel_span_get_context(span)->trace_id,
                            otel_span_get_context(outer)->trace_id, 16);
    otel_span_finish(span);
    seen = rig_seen(rig, "own root");
    assert_false(otel_span_context_is_valid(&seen.info.parent));
    assert_true(otel_context_detach(token));
    otel_context_unref(context);
    otel_span_finish(outer);
}

static void kinds_and_times_arrive_as_given(void **state)
{
    struct rig *rig = *state;
    struct otel_span_options options;

    for (int kind = OTEL_SPAN_KIND_INTERNAL; kind <= OTEL_SPAN_KIND_CONSUMER; kind++) {
        char name[16];
        struct otel_span *span;
        snprintf(name, sizeof(name), "k%d", kind);
        otel_span_options_init(&options);
        options.kind = (enum otel_span_kind)kind;
        options.start_time_unix_nanos = 1700000000123456789ULL;
        span = otel_span_start(rig->tracer, name, &options);
        otel_span_end_at(span, 1700000001987654321ULL);
        otel_span_end_at(span, 1700000002000000000ULL); /* the second end is ignored */
        otel_span_unref(span);
        assert_int_equal(rig_seen(rig, name).info.kind, kind);
        assert_int_equal(rig_seen(rig, name).info.start_unix_nanos, 1700000000123456789ULL);
        assert_int_equal(rig_seen(rig, name).info.end_unix_nanos, 1700000001987654321ULL);
    }
    assert_int_equal(otel_sdk_memory_count(rig->memory), 5);
}

static void after_the_end_nothing_changes(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span = otel_span_start(rig->tracer, "before", NULL);
    struct seen seen;

    otel_span_end(span);
    otel_span_set_str(span, "late", "x");
    otel_span_add_event_named(span, "late");
    otel_span_set_status(span, OTEL_STATUS_ERROR, "late");
    otel_span_update_name(span, otel_str("late"));
    assert_false(otel_span_is_recording(span));
    otel_span_unref(span);
    seen = rig_seen(rig, "before");
    assert_int_equal(seen.info.attribute_count + seen.info.event_count, 0);
    assert_int_equal(seen.info.status, OTEL_STATUS_UNSET);
    assert_int_equal(otel_sdk_memory_count(rig->memory), 1);
}

static void a_span_that_never_ends_is_never_exported(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span = otel_span_start(rig->tracer, "open", NULL);

    otel_span_unref(span);
    assert_int_equal(otel_sdk_memory_count(rig->memory), 0);
    assert_int_equal(rig_stats(rig).abandoned, 1);
}

static struct seen with_status(struct rig *rig, const enum otel_status *statuses,
                               const char *const *texts, size_t count)
{
    struct otel_span *span = otel_span_start(rig->tracer, "status", NULL);

    otel_sdk_memory_reset(rig->memory);
    for (size_t i = 0; i < count; i++)
        otel_span_set_status(span, statuses[i], texts[i]);
    otel_span_finish(span);
    return rig_seen(rig, "status");
}

static void status_follows_ok_over_error_over_unset(void **state)
{
    struct rig *rig = *state;
    const char *const texts[] = {"one", "two"};
    const enum otel_status ok_error[] = {OTEL_STATUS_OK, OTEL_STATUS_ERROR};
    const enum otel_status error_ok[] = {OTEL_STATUS_ERROR, OTEL_STATUS_OK};
    const enum otel_status ok_unset[] = {OTEL_STATUS_OK, OTEL_STATUS_UNSET};
    const enum otel_status error_error[] = {OTEL_STATUS_ERROR, OTEL_STATUS_ERROR};
    struct seen seen;

    seen = with_status(rig, ok_error, texts, 2);
    assert_int_equal(seen.info.status, OTEL_STATUS_OK);
    assert_str(seen.info.status_description, "");
    seen = with_status(rig, error_ok, texts, 2);
    assert_int_equal(seen.info.status, OTEL_STATUS_OK);
    assert_str(seen.info.status_description, "");
    seen = with_status(rig, ok_unset, texts, 2);
    assert_int_equal(seen.info.status, OTEL_STATUS_OK);
    seen = with_status(rig, error_error, texts, 2);
    assert_int_equal(seen.info.status, OTEL_STATUS_ERROR);
    assert_str(seen.info.status_description, "two");
}

static void the_last_name_wins(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span = otel_span_start(rig->tracer, "first", NULL);
    struct seen seen;

    otel_span_update_name(span, otel_str("second name, longer"));
    otel_span_set_int(span, "n", 1);
    otel_span_update_name(span, otel_str("last"));
    otel_span_finish(span);
    seen = rig_seen(rig, "last");
    assert_int_equal(seen_attribute(&seen, "n").integer, 1);
}

static void events_keep_order_time_and_attributes(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span = otel_span_start(rig->tracer, "events", NULL);
    struct otel_attribute attributes[] = {otel_attr_int("i", 1), otel_attr_int("i", 2)};
    struct otel_event event = {otel_str("one"), 111, attributes, 2};
    struct otel_sdk_read_attribute attribute;
    struct otel_sdk_read_event read;
    struct otel_sdk_iter iter;
    struct seen seen;

    otel_span_add_event(span, &event);
    event.name = otel_str("two");
    event.time_unix_nanos = 0;
    otel_span_add_event(span, &event);
    otel_span_finish(span);
    seen = rig_seen(rig, "events");
    iter = otel_sdk_decode_events(seen.span.encoded);
    assert_true(otel_sdk_next_event(&iter, &read));
    assert_str(read.name, "one");
    assert_int_equal(read.time_unix_nanos, 111);
    assert_true(otel_sdk_next_attribute(&read.attributes, &attribute));
    assert_int_equal(attribute.integer, 2); /* unique keys, the last value */
    assert_false(otel_sdk_next_attribute(&read.attributes, &attribute));
    assert_true(otel_sdk_next_event(&iter, &read));
    assert_str(read.name, "two");
    assert_true(read.time_unix_nanos >= seen.info.start_unix_nanos);
    assert_true(read.time_unix_nanos <= seen.info.end_unix_nanos);
    assert_false(otel_sdk_next_event(&iter, &read));
}

static void links_keep_order_state_and_flags_also_with_zero_ids(void **state)
{
    struct rig *rig = *state;
    struct otel_attribute attribute = otel_attr_int("i", 1);
    struct otel_trace_state *vendor = NULL;
    struct otel_span_options options;
    struct otel_sdk_read_link read;
    struct otel_sdk_iter iter;
    struct otel_link link, zero;
    struct otel_span *span;
    struct seen seen;

    assert_int_equal(otel_trace_state_parse(otel_str("v=1"), &vendor), OTEL_OK);
    memset(&link, 0, sizeof(link));
    memset(&zero, 0, sizeof(zero));
    memset(link.context.trace_id, 1, 16);
    memset(link.context.span_id, 2, 8);
    link.context.flags = OTEL_FLAG_SAMPLED;
    link.context.is_remote = true;
    link.context.trace_state = vendor;
    otel_span_options_init(&options);
    options.links = &link;
    options.link_count = 1;
    span = otel_span_start(rig->tracer, "links", &options);
    otel_span_add_link(span, &zero); /* says nothing: left out */
    zero.attributes = &attribute;
    zero.attribute_count = 1;
    otel_span_add_link(span, &zero);
    otel_span_finish(span);
    otel_trace_state_unref(vendor);
    seen = rig_seen(rig, "links");
    assert_int_equal(seen.info.link_count, 2);
    iter = otel_sdk_decode_links(seen.span.encoded);
    assert_true(otel_sdk_next_link(&iter, &read));
    assert_memory_equal(read.context.trace_id, link.context.trace_id, 16);
    assert_str(read.trace_state, "v=1");
    assert_int_equal(read.context.flags, OTEL_FLAG_SAMPLED);
    assert_true(read.context.is_remote);
    assert_true(otel_sdk_next_link(&iter, &read));
    assert_false(otel_span_context_is_valid(&read.context));
}

static void an_exception_follows_the_convention_and_the_users_attributes_win(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span = otel_span_start(rig->tracer, "ex", NULL);
    struct otel_attribute mine[] = {otel_attr_str("exception.type", "mine")};
    struct otel_exception exception = {otel_str("Error"), otel_str("went wrong"), otel_str("at x"),
                                       mine, 1};
    struct otel_sdk_read_event event;
    struct otel_sdk_read_attribute attribute;
    struct otel_sdk_iter iter;
    unsigned count = 0;

    otel_span_record_exception(span, &exception);
    otel_span_finish(span);
    iter = otel_sdk_decode_events(rig_seen(rig, "ex").span.encoded);
    assert_true(otel_sdk_next_event(&iter, &event));
    assert_str(event.name, "exception");
    while (otel_sdk_next_attribute(&event.attributes, &attribute)) {
        if (otel_str_equal(attribute.key, otel_str("exception.type")))
            assert_str(attribute.text, "mine");
        count++;
    }
    assert_int_equal(count, 3);
}

/* Records an exception with so many attributes besides the usual two, of which the last one says
 * what the message is. */
static void record_many(struct otel_span *span, size_t more)
{
    static char keys[200][24];
    static struct otel_attribute mine[200];
    struct otel_exception exception = {otel_str("Error"), otel_str("theirs"), otel_str(""), mine,
                                       more};

    assert_in_range(more, 1, 200);
    for (size_t i = 0; i < more; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
        mine[i] = otel_attr_int(keys[i], (int64_t)i);
    }
    mine[more - 1] = otel_attr_str("exception.message", "mine");
    otel_span_record_exception(span, &exception);
}

static void check_exception(struct rig *rig, size_t more, unsigned kept, unsigned dropped)
{
    struct otel_span *span = otel_span_start(rig->tracer, "ex", NULL);
    struct otel_sdk_read_attribute attribute;
    struct otel_sdk_read_event event;
    struct otel_sdk_iter iter;
    unsigned count = 0, messages = 0;

    record_many(span, more);
    otel_span_finish(span);
    iter = otel_sdk_decode_events(rig_seen(rig, "ex").span.encoded);
    assert_true(otel_sdk_next_event(&iter, &event));
    while (otel_sdk_next_attribute(&event.attributes, &attribute)) {
        count++;
        if (!otel_str_equal(attribute.key, otel_str("exception.message")))
            continue;
        assert_str(attribute.text, "mine");
        messages++;
    }
    assert_int_equal(count, kept);
    assert_int_equal(event.dropped_attributes, dropped);
    assert_int_equal(messages, 1);
    otel_sdk_memory_reset(rig->memory);
}

static void the_attributes_of_an_exception_have_the_limit_of_any_event(void **state)
{
    struct rig *rig = *state;

    check_exception(rig, 64, 65, 0); /* one of the convention's two keys is mine */
    check_exception(rig, 65, 66, 0);
    check_exception(rig, 100, 101, 0);
    assert_int_equal(rig_stats(rig).attributes_dropped, 0);
    check_exception(rig, 200, 128, 73);
    assert_int_equal(rig_stats(rig).attributes_dropped, 73);
}

static void an_exception_for_which_there_is_no_memory_is_a_dropped_event(void **state)
{
    struct rig *rig = *state;
    struct otel_span *span = otel_span_start(rig->tracer, "ex", NULL);
    struct seen seen;

    otl_mem_fail_at(1);
    record_many(span, 100);
    otl_mem_fail_at(0);
    record_many(span, 100);
    otel_span_finish(span);
    seen = rig_seen(rig, "ex");
    assert_int_equal(seen.info.event_count, 1);
    assert_int_equal(seen.info.dropped_events, 1);
}

static void span_flags_say_whether_the_parent_is_remote(void **state)
{
    struct rig *rig = *state;
    struct otel_context *remote = remote_parent(OTEL_FLAG_SAMPLED);
    struct otel_span_options options;
    struct otel_span *span, *local;
    struct seen seen;

    otel_span_options_init(&options);
    options.parent = remote;
    span = otel_span_start(rig->tracer, "server", &options);
    /* the incoming Random bit is kept exactly: unset stays unset */
    assert_int_equal(otel_span_get_context(span)->flags, OTEL_FLAG_SAMPLED);
    assert_false(otel_span_get_context(span)->is_remote);
    local = child_of(rig->tracer, span, "local");
    otel_span_finish(local);
    otel_span_finish(span);
    otel_context_unref(remote);
    seen = rig_seen(rig, "server");
    assert_true(seen.info.parent.is_remote);
    assert_int_equal(seen.info.parent.span_id[0], 0xcd);
    assert_int_equal(seen.info.context.trace_id[0], 0xab);
    assert_false(rig_seen(rig, "local").info.parent.is_remote);
}

static void trace_state_is_inherited_and_exported(void **state)
{
    struct rig *rig = *state;
    struct otel_span_context remote = *otel_context_span_context(NULL);
    struct otel_trace_state *vendor = NULL;
    struct otel_context *context;
    struct otel_span_options options;
    struct otel_span *span, *child;
    struct seen seen;

    assert_int_equal(otel_trace_state_parse(otel_str("v=1,w=2"), &vendor), OTEL_OK);
    memset(remote.trace_id, 5, 16);
    memset(remote.span_id, 6, 8);
    remote.flags = OTEL_FLAG_SAMPLED;
    remote.trace_state = vendor;
    context = otel_context_with_span_context(NULL, &remote);
    otel_trace_state_unref(vendor);
    otel_span_options_init(&options);
    options.parent = context;
    span = otel_span_start(rig->tracer, "with state", &options);
    otel_context_unref(context);
    child = child_of(rig->tracer, span, "child");
    otel_span_finish(span);
    assert_str(otel_trace_state_header(otel_span_get_context(child)->trace_state), "v=1,w=2");
    otel_span_finish(child);
    seen = rig_seen(rig, "child");
    assert_non_null(memmem(seen.span.encoded.data, seen.span.encoded.len, "v=1,w=2", 7));
}

static void scopes_differ_by_name_version_schema_and_attributes(void **state)
{
    struct rig *rig = *state;
    struct otel_attribute attribute = otel_attr_int("a", 1);
    struct otel_tracer_options options;
    struct otel_tracer *same, *other, *more, *empty;
    struct otel_span *span;

    otel_tracer_options_init(&options);
    options.name = otel_str("test");
    same = otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &options);
    assert_ptr_equal(same, rig->tracer);
    options.schema_url = otel_str("https://example.test/1");
    other = otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &options);
    assert_ptr_not_equal(other, rig->tracer);
    options.attributes = &attribute;
    options.attribute_count = 1;
    more = otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &options);
    assert_ptr_not_equal(more, other);
    empty = rig_tracer(rig, "");
    span = otel_span_start(empty, "nameless", NULL);
    otel_span_finish(span);
    assert_str(rig_seen(rig, "nameless").span.scope.name, "");
    span = otel_span_start(other, "urled", NULL);
    otel_span_finish(span);
    assert_str(rig_seen(rig, "urled").span.scope.schema_url, "https://example.test/1");
    otel_tracer_unref(same);
    otel_tracer_unref(other);
    otel_tracer_unref(more);
    otel_tracer_unref(empty);
}

int main(void)
{
#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_root_span_has_ids_and_the_random_flag),
        RIG_TEST(ids_are_unique_and_not_zero),
        RIG_TEST(a_child_keeps_the_trace_and_names_its_parent),
        RIG_TEST(the_current_context_is_the_default_parent_and_root_ignores_it),
        RIG_TEST(kinds_and_times_arrive_as_given),
        RIG_TEST(after_the_end_nothing_changes),
        RIG_TEST(a_span_that_never_ends_is_never_exported),
        RIG_TEST(status_follows_ok_over_error_over_unset),
        RIG_TEST(the_last_name_wins),
        RIG_TEST(events_keep_order_time_and_attributes),
        RIG_TEST(links_keep_order_state_and_flags_also_with_zero_ids),
        RIG_TEST(an_exception_follows_the_convention_and_the_users_attributes_win),
        RIG_TEST(the_attributes_of_an_exception_have_the_limit_of_any_event),
        RIG_TEST(an_exception_for_which_there_is_no_memory_is_a_dropped_event),
        RIG_TEST(span_flags_say_whether_the_parent_is_remote),
        RIG_TEST(trace_state_is_inherited_and_exported),
        RIG_TEST(scopes_differ_by_name_version_schema_and_attributes),
    };

    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
