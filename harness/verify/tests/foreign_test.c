/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of a program that has no ledger: from the relay's headers and its own spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "harness/scenario/foreign.h"
#include "harness/verify/facts/ids.h"
#include "harness/verify/judge/foreign.h"

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-"
#define CAME TRACE "b7ad6b7169203331-01"

enum { SPANS = 3 };

static const struct hx_foreign command;
static struct hx_service service;
static struct hx_scenario scenario;
static struct hx_fact_received received[SPANS];
static struct hx_fact_resource resource;
static struct hx_facts facts;
static struct hx_judgement judgement;

static struct otl_view text(const char *value)
{
    return otl_view_str(value);
}

static int setup(void **state)
{
    (void)state;
    memset(&facts, 0, sizeof(facts));
    memset(&judgement, 0, sizeof(judgement));
    service = (struct hx_service){.name = "payment", .foreign = &command};
    service.tracing.enabled = service.tracing.propagate_tracecontext = true;
    service.tracing.sampler = "parentbased_always_on";
    scenario = (struct hx_scenario){.services = &service, .service_count = 1};
    resource = (struct hx_fact_resource){.foreign = &service};
    facts.scenario = &scenario;
    facts.received = received;
    facts.resources = &resource;
    judgement.facts = &facts;
    judgement.scenario = &scenario;
    assert_int_equal(hx_table_init(&facts.foreign_by_id, SPANS), OTEL_OK);
    assert_int_equal(hx_table_init(&facts.foreign_by_parent, SPANS), OTEL_OK);
    assert_int_equal(hx_table_init(&facts.foreign_by_link, SPANS), OTEL_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hx_table_fini(&facts.foreign_by_id);
    hx_table_fini(&facts.foreign_by_parent);
    hx_table_fini(&facts.foreign_by_link);
    return 0;
}

/* A SERVER span of the program: its own context, and its parent's id or "". */
static void receive(const char *own, const char *parent)
{
    uint32_t n = (uint32_t)facts.received_count++;
    struct hx_fact_received *row = &received[n];
    struct hx_context context, above;

    *row = (struct hx_fact_received){.kind = 2, .flags = HX_RECEIVED_FOREIGN, .span = HX_NONE};
    assert_true(hx_context_parse(text(own), &context));
    memcpy(row->trace_id, context.trace_id, 16);
    memcpy(row->span_id, context.span_id, 8);
    if (parent[0] != '\0') {
        assert_true(hx_context_parse(text(parent), &above));
        memcpy(row->parent_span_id, above.span_id, 8);
    }
    hx_table_put(&facts.foreign_by_id, hx_span_key(row->span_id), n);
    hx_table_put(&facts.foreign_by_parent,
                 hx_facts_tie_key(&service, row->trace_id, row->parent_span_id), n);
}

static const char *sent(const char *came, const char *value)
{
    return hx_foreign_sent(&facts, &service, text(came), text(value));
}

static void what_goes_out_must_continue_what_came_in(void **state)
{
    (void)state;
    assert_null(sent(CAME, TRACE "00000000000000aa-01"));
    assert_null(sent("", TRACE "00000000000000aa-01"));
    assert_string_equal(sent(CAME, ""), "sent without context");
    assert_string_equal(sent(CAME, "00-nonsense"), "sent with a traceparent that is none");
    assert_string_equal(sent(CAME, "00-1af7651916cd43dd8448eb211c80319c-00000000000000aa-01"),
                        "sent with another trace id than the one that came in");
    assert_string_equal(sent(CAME, TRACE "00000000000000aa-00"),
                        "sent with another sampled flag than the one that came in");
    assert_string_equal(sent(CAME, CAME),
                        "sent with the span id that came in, not with that of a span of its own");
    assert_null(sent(TRACE "b7ad6b7169203331-00", TRACE "b7ad6b7169203331-00"));
}

static void what_its_settings_allow_is_right(void **state)
{
    (void)state;
    service.tracing.sampler = "traceidratio";
    assert_null(sent(CAME, TRACE "00000000000000aa-00"));
    service.tracing.propagate_tracecontext = false;
    assert_null(sent(CAME, ""));
}

/* It did not look at what came in: that hop is broken, not the next one. */
static void a_trace_of_its_own_is_the_fault_of_the_hop_before(void **state)
{
    static const char own[] = "00-1af7651916cd43dd8448eb211c80319c-00000000000000aa-01";
    struct hx_context came;
    bool unknown = false;

    (void)state;
    receive(own, "");
    assert_null(sent(CAME, own));
    assert_true(hx_context_parse(text(CAME), &came));
    hx_foreign_count_strays(&judgement);
    assert_int_equal(judgement.strays[0], 0); /* no request had come in when it began */
    judgement.strays[0] = 1;
    assert_string_equal(hx_foreign_used(&judgement, &service, &came, HX_EDGE_PARENT, &unknown),
                        "received, but the callee began a trace of its own");
    assert_false(unknown);
    assert_null(hx_foreign_used(&judgement, &service, &came, HX_EDGE_PARENT, &unknown));
    assert_true(unknown); /* one stray explains one hop, no more */
}

/* A CONSUMER span of the program, a root with a link to a context. */
static void receive_linked(const char *own, const char *to)
{
    uint32_t n = (uint32_t)facts.received_count;
    struct hx_context context;

    receive(own, "");
    received[n].kind = 5;
    received[n].flags |= HX_RECEIVED_HAS_LINKS;
    assert_true(hx_context_parse(text(to), &context));
    hx_table_put(&facts.foreign_by_link,
                 hx_facts_tie_key(&service, context.trace_id, context.span_id), n);
}

static void a_message_is_used_as_its_edge_says(void **state)
{
    struct hx_context came;
    bool unknown = false;

    (void)state;
    assert_true(hx_context_parse(text(CAME), &came));
    receive_linked("00-1af7651916cd43dd8448eb211c80319c-00000000000000aa-01", CAME);
    hx_foreign_count_strays(&judgement);
    assert_int_equal(judgement.strays[0], 0);
    assert_null(hx_foreign_used(&judgement, &service, &came, HX_EDGE_LINK, &unknown));
    assert_false(unknown);
    assert_string_equal(hx_foreign_used(&judgement, &service, &came, HX_EDGE_PARENT, &unknown),
                        "received, but the callee only made a link of it");
    came.span_id[0] ^= 1;
    assert_null(hx_foreign_used(&judgement, &service, &came, HX_EDGE_LINK, &unknown));
    assert_true(unknown);
    judgement.strays[0] = 1;
    assert_string_equal(hx_foreign_used(&judgement, &service, &came, HX_EDGE_LINK, &unknown),
                        "received, but the callee made no link");
}

/* A message is read by several services; what one made of it says nothing of the other. */
static void another_readers_child_is_not_its_own(void **state)
{
    static const char own[] = "00-1af7651916cd43dd8448eb211c80319c-00000000000000aa-01";
    const struct hx_service other = {.name = "audit", .index = 1, .foreign = &command};
    struct hx_context came;

    (void)state;
    assert_true(hx_context_parse(text(CAME), &came));
    receive(TRACE "00000000000000bb-01", CAME);
    receive(own, "");
    assert_true(hx_foreign_tied(&facts, &service, &came, HX_EDGE_PARENT));
    assert_false(hx_foreign_tied(&facts, &other, &came, HX_EDGE_PARENT));
    service.tracing.propagate_tracecontext = true;
    assert_non_null(sent(CAME, own));
    service = (struct hx_service){.name = "audit", .index = 1, .foreign = &command,
                                  .tracing = service.tracing};
    assert_null(sent(CAME, own));
}

static void a_child_where_a_link_was_due_is_wrong(void **state)
{
    struct hx_context came;
    bool unknown = false;

    (void)state;
    receive(TRACE "00000000000000aa-01", CAME);
    assert_true(hx_context_parse(text(CAME), &came));
    assert_string_equal(hx_foreign_used(&judgement, &service, &came, HX_EDGE_LINK, &unknown),
                        "the callee joined the trace, though the edge is no parent");
}

static void a_child_of_what_came_in_is_right(void **state)
{
    struct hx_context came;
    bool unknown = false;

    (void)state;
    receive(TRACE "00000000000000aa-01", CAME);
    assert_true(hx_context_parse(text(CAME), &came));
    judgement.strays[0] = 1;
    assert_null(hx_foreign_used(&judgement, &service, &came, HX_EDGE_PARENT, &unknown));
    assert_false(unknown);
    assert_int_equal(judgement.strays[0], 1);
    came.flags = 0; /* not sampled: nothing is to arrive */
    came.span_id[0] ^= 1;
    assert_null(hx_foreign_used(&judgement, &service, &came, HX_EDGE_PARENT, &unknown));
    assert_false(unknown);
}

static void why_a_call_cannot_be_joined_is_said(void **state)
{
    struct hx_foreign keyed = {.key_header = "x-order-id", .key_json = ""};
    struct hx_foreign alone = {.key_header = "", .key_json = "", .max_in_flight = 1};
    struct hx_foreign bare = {.key_header = "", .key_json = ""};

    (void)state;
    service.foreign = &keyed;
    assert_non_null(strstr(hx_foreign_why_unjoined(&service), "business key"));
    service.foreign = &alone;
    assert_non_null(strstr(hx_foreign_why_unjoined(&service), "no request was in hand"));
    service.foreign = &bare;
    assert_non_null(strstr(hx_foreign_why_unjoined(&service), "tracerig-request"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_goes_out_must_continue_what_came_in),
        TEST(what_its_settings_allow_is_right),
        TEST(a_trace_of_its_own_is_the_fault_of_the_hop_before),
        TEST(a_child_of_what_came_in_is_right),
        TEST(a_message_is_used_as_its_edge_says),
        TEST(another_readers_child_is_not_its_own),
        TEST(a_child_where_a_link_was_due_is_wrong),
        TEST(why_a_call_cannot_be_joined_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
