/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "collector-mock/pipeline/crew.h"
#include "collector-mock/pipeline/graph.h"
#include "collector-mock/pipeline/route.h"
#include "collector-mock/processors/tests/tail_world.h"
#include "collector-mock/wire/deal.h"
#include "sdk/base/file.h"

/* Letters between workers, and what is done when there is no room for more of them. */

enum { WRITERS = 3, LETTERS = 20000 };

struct note {
    struct col_letter letter;
    unsigned from, number;
    unsigned *opened; /* by writer: how many so far */
    unsigned *thrown;
};

static void open_note(struct col_letter *letter, bool deliver)
{
    struct note *note = (struct note *)(void *)letter;

    if (deliver && note->opened[note->from]++ != note->number)
        abort(); /* out of order */
    *note->thrown += !deliver;
    free(note);
}

static bool send_note(struct col_post *post, struct note wanted, unsigned to)
{
    struct note *note = malloc(sizeof(*note));

    if (note == NULL)
        abort();
    *note = wanted;
    note->letter.open = open_note;
    if (col_post_send(post, wanted.from, to, &note->letter))
        return true;
    free(note);
    return false;
}

struct writer {
    pthread_t thread;
    struct col_post *post;
    struct note note;
};

static void *write_all(void *arg)
{
    struct writer *writer = arg;

    for (unsigned i = 0; i < LETTERS; i++) {
        writer->note.number = i;
        while (!send_note(writer->post, writer->note, 0))
            sched_yield();
    }
    return NULL;
}

/* The reader sleeps in its loop whenever there is nothing; whoever sends wakes it. */
static void every_letter_arrives_once_in_order_and_wakes_a_sleeper(void **state)
{
    struct event_base *base = event_base_new();
    unsigned opened[WRITERS + 1] = {0}, thrown = 0, total = 0;
    struct writer writers[WRITERS + 1];
    struct col_post *post;

    (void)state;
    assert_int_equal(col_post_new(WRITERS + 1, 1 << 20, &post), OTEL_OK);
    assert_int_equal(col_post_listen(post, 0, base), OTEL_OK);
    for (unsigned i = 1; i <= WRITERS; i++) {
        writers[i].post = post;
        writers[i].note = (struct note){.from = i, .opened = opened, .thrown = &thrown};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]), 0);
    }
    while (total < WRITERS * LETTERS) {
        if (!col_post_open_all(post, 0) && col_post_sleep(post, 0))
            event_base_loop(base, EVLOOP_ONCE);
        col_post_woke(post, 0);
        total = opened[1] + opened[2] + opened[3];
    }
    for (unsigned i = 1; i <= WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    assert_false(col_post_open_all(post, 0));
    col_post_free(post);
    event_base_free(base);
    assert_int_equal(thrown, 0);
}

static void a_queue_is_bounded_in_letters_and_in_bytes(void **state)
{
    unsigned opened[2] = {0}, thrown = 0;
    struct note note = {.from = 1, .opened = opened, .thrown = &thrown};
    struct col_post *post;

    (void)state;
    assert_int_equal(col_post_new(2, 1000, &post), OTEL_OK);
    assert_int_equal(col_post_room(post, 1, 0, 5000), COL_POST_ROOM); /* one of any size */
    note.letter.bytes = 900;
    assert_true(send_note(post, note, 0));
    assert_int_equal(col_post_room(post, 1, 0, 101), COL_POST_NO_BYTES);
    assert_int_equal(col_post_room(post, 1, 0, 100), COL_POST_ROOM);
    assert_int_equal(col_post_room(post, 1, 0, 0), COL_POST_ROOM);
    note.letter.bytes = 0;
    for (note.number = 1; note.number < COL_POST_SLOTS - COL_POST_SPARE; note.number++)
        assert_true(send_note(post, note, 0));
    assert_int_equal(col_post_room(post, 1, 0, 1), COL_POST_NO_SLOT);
    for (; note.number < COL_POST_SLOTS; note.number++)
        assert_true(send_note(post, note, 0)); /* what is no span may use the rest */
    assert_false(send_note(post, note, 0));
    assert_true(col_post_open_all(post, 0));
    assert_int_equal(opened[1], COL_POST_SLOTS);
    assert_int_equal(col_post_room(post, 1, 0, 1000), COL_POST_ROOM);
    note.number = COL_POST_SLOTS;
    assert_true(send_note(post, note, 0));
    col_post_free(post);
    assert_int_equal(thrown, 1);
}

/* ---- two workers of a collector, worked by hand on one thread ---- */

struct world {
    struct col_host host;
    struct col_budget budget;
    struct col_config *config;
    struct col_graph *graph;
    struct col_crew *crew;
    struct col_route *route; /* of worker 0, before tail_sampling */
    char path[64];
};

static void make(struct world *world)
{
    static const char yaml[] =
        "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
        "processors: {tail_sampling: {decision_wait: 60s, policies: [{name: all, type: "
        "always_sample}]}}\n"
        "exporters: {nop: }\n"
        "service: {pipelines: {traces: {receivers: [otlp], processors: [tail_sampling], exporters: "
        "[nop]}}}\n";
    struct otl_detail detail = OTL_DETAIL_NONE;
    const char *paths[] = {world->path};
    struct col_config_options options = {.paths = paths, .path_count = 1};
    int fd;

    memset(world, 0, sizeof(*world));
    snprintf(world->path, sizeof(world->path), "/tmp/col_post.XXXXXX");
    fd = mkstemp(world->path);
    assert_true(fd >= 0);
    assert_int_equal(otl_fd_write_all(fd, yaml, sizeof(yaml) - 1), OTEL_OK);
    close(fd);
    if (col_config_load(&options, &world->config, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    world->budget.max = COL_BUDGET_BYTES;
    world->host.budget = &world->budget;
    world->host.tap.fd = world->host.decisions.fd = -1;
    world->host.clock = otl_clock_real();
    world->host.base = event_base_new();
    otl_log_init(&world->host.log, 2, OTL_LOG_ERROR, "test");
    assert_int_equal(col_metrics_new(&world->host.metrics), OTEL_OK);
    assert_int_equal(col_crew_new(&world->host, 2, &world->crew), OTEL_OK);
    assert_int_equal(col_graph_new(world->config, &world->host, &world->graph, &detail), OTEL_OK);
    assert_int_equal(col_crew_hire(world->crew, world->config, world->graph, NULL, &detail),
                     OTEL_OK);
    world->crew->joined = false; /* letters lie until they are opened */
    for (size_t i = 0; i < col_graph_nodes(world->graph) && world->route == NULL; i++)
        world->route = col_graph_route(world->graph, i);
    assert_non_null(world->route);
}

static void end(struct world *world)
{
    col_crew_free(world->crew);
    col_graph_free(world->graph);
    col_metrics_free(world->host.metrics);
    col_config_free(world->config);
    event_base_free(world->host.base);
    unlink(world->path);
}

static uint64_t number(struct world *world, unsigned worker, const char *name, const char *labels)
{
    return *col_metrics_counter(col_crew_host(world->crew, worker)->metrics, name, labels, "");
}

/* The number of a trace that this worker owns. */
static unsigned trace_of(unsigned worker, unsigned from)
{
    uint8_t id[16] = {0};

    do {
        from++;
        id[14] = (uint8_t)(from >> 8);
        id[15] = (uint8_t)from;
    } while (col_deal_owner(id, 2) != worker);
    return from;
}

static enum otel_err feed(struct world *world, unsigned first, unsigned second)
{
    const struct tail_span spans[] = {{.trace = first}, {.trace = second}};
    struct col_batch batch = {.items = 2, .mono_ns = 1};
    struct otl_buf request;
    enum otel_err err;

    otl_buf_init(&request, 1 << 16);
    tail_put_request(&request, spans, 2, false);
    batch.request = otl_view(request.data, request.len);
    err = col_route_consume(world->route, &batch, NULL);
    otl_buf_fini(&request);
    return err;
}

static void a_full_queue_refuses_requests_whole_and_counts_them(void **state)
{
#define OF "component=\"tail_sampling\""
    const unsigned here = trace_of(0, 0), there = trace_of(1, 0);
    const unsigned room = COL_POST_SLOTS - COL_POST_SPARE;
    struct world world;

    (void)state;
    make(&world);
    for (unsigned i = 0; i < room; i++)
        assert_int_equal(feed(&world, there, i % 2 ? here : there), OTEL_OK);
    assert_int_equal(feed(&world, here, there), OTEL_ERR_UNAVAILABLE);
    assert_int_equal(feed(&world, there, there), OTEL_ERR_UNAVAILABLE);
    assert_int_equal(feed(&world, here, here), OTEL_OK); /* its own goes on */
    assert_int_equal(number(&world, 0, "collector_mock_worker_refused_spans",
                            OF ",reason=\"queue_full\""), 4);
    assert_int_equal(number(&world, 0, "collector_mock_worker_handed_over_spans", OF),
                     room + room / 2);
    assert_int_equal(number(&world, 1, "collector_mock_worker_taken_over_spans", OF), 0);
    assert_true(col_post_open_all(world.crew->post, 1));
    assert_int_equal(number(&world, 1, "collector_mock_worker_taken_over_spans", OF),
                     room + room / 2);
    assert_int_equal(number(&world, 1, "collector_mock_worker_lost_spans", OF), 0);
    assert_int_equal(number(&world, 0, "collector_mock_tail_sampling_received_spans",
                            "processor=\"tail_sampling\""), room / 2 + 2);
    assert_int_equal(number(&world, 1, "collector_mock_tail_sampling_received_spans",
                            "processor=\"tail_sampling\""), room + room / 2);
    assert_int_equal(feed(&world, here, there), OTEL_OK);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_letter_arrives_once_in_order_and_wakes_a_sleeper),
        cmocka_unit_test(a_queue_is_bounded_in_letters_and_in_bytes),
        cmocka_unit_test(a_full_queue_refuses_requests_whole_and_counts_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
