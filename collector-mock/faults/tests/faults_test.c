/* SPDX-License-Identifier: Apache-2.0 */
/* Faults without sockets: who is hit, what is held, when it ends. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <jansson.h>

#include "collector-mock/faults/door.h"
#include "collector-mock/faults/faults.h"
#include "sdk/base/tests/shortage.h"

#define MS OTL_NS_PER_MS

struct rig {
    struct event_base *base;
    struct col_metrics *metrics;
    struct otl_log log;
    struct col_faults *faults;
    unsigned answered, dropped, ended, refusals, listens, in_order;
    struct col_fault_deeds deeds;
    uint64_t late_ns, delay_ns; /* the latter: drawn by the last strike */
    char record[64];
};

static void on_ended(void *arg, const struct col_fault_plan *fault,
                     const struct col_fault_deeds *deeds)
{
    struct rig *rig = arg;

    (void)fault;
    rig->ended++;
    rig->deeds = *deeds;
}

static void on_release(void *arg, bool answer)
{
    struct rig *rig = arg;

    rig->late_ns = otl_clock_mono(otl_clock_real());
    if (answer)
        rig->answered++;
    else
        rig->dropped++;
}

static int64_t on_refuse(void *arg, bool refuse, bool in_order, struct otl_detail *reterr)
{
    struct rig *rig = arg;

    (void)reterr;
    rig->in_order += in_order;
    if (refuse)
        rig->refusals++;
    else
        rig->listens++;
    for (uint64_t connection = 11; refuse && connection < 14; connection++)
        col_faults_ended_connection(rig->faults, connection);
    return refuse ? 3 : 0;
}

static int setup(void **state)
{
    static struct rig rig;
    const struct col_fault_socket socket = {&rig, on_refuse, NULL, NULL, NULL};
    struct col_faults_options options;
    int fd;

    memset(&rig, 0, sizeof(rig));
    snprintf(rig.record, sizeof(rig.record), "/tmp/faults-test-XXXXXX");
    fd = mkstemp(rig.record);
    assert_true(fd >= 0);
    close(fd);
    rig.base = event_base_new();
    otl_log_init(&rig.log, -1, OTL_LOG_ERROR, "test");
    assert_int_equal(col_metrics_new(&rig.metrics), OTEL_OK);
    options = (struct col_faults_options){rig.base, otl_clock_real(), rig.metrics, &rig.log,
                                          rig.record};
    assert_int_equal(col_faults_new(&options, &rig.faults, NULL), OTEL_OK);
    col_faults_on_end(rig.faults, on_ended, &rig);
    assert_int_equal(col_faults_attach(rig.faults, &socket), OTEL_OK);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;

    col_faults_free(rig->faults);
    col_metrics_free(rig->metrics);
    event_base_free(rig->base);
    unlink(rig->record);
    return 0;
}

static void begin(struct rig *rig, struct col_fault_plan fault)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    assert_int_equal(col_faults_begin(rig->faults, &fault, &detail), OTEL_OK);
}

static const struct col_fault_plan *strike(struct rig *rig)
{
    return col_faults_strike(rig->faults, &(struct col_fault_request){1, 2, 10, NULL},
                             &rig->delay_ns);
}

static bool keep(struct rig *rig)
{
    const struct col_fault_plan *fault = strike(rig);

    return col_faults_hold(rig->faults, fault, rig->delay_ns, on_release, rig);
}

static double metric(const struct rig *rig, const char *series)
{
    struct otl_buf text;
    const char *at;
    char key[120];
    double value = -1;

    otl_buf_init(&text, 1 << 20);
    assert_int_equal(col_metrics_write(rig->metrics, true, &text), OTEL_OK);
    snprintf(key, sizeof(key), "\n%s ", series);
    at = strstr(text.data, key);
    if (at != NULL)
        value = strtod(at + strlen(key), NULL);
    otl_buf_fini(&text);
    return value;
}

/* The lines of the record with this event; they are objects, each. */
static size_t recorded(const struct rig *rig, const char *event, json_t *lines[], size_t max)
{
    FILE *file = fopen(rig->record, "r");
    char line[4096];
    size_t count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        if (strcmp(json_string_value(json_object_get(object, "event")), event) == 0 &&
            count < max)
            lines[count++] = object;
        else
            json_decref(object);
    }
    fclose(file);
    return count;
}

/* Of the only line with this event: the number at key, -1: none. */
static json_int_t only(const struct rig *rig, const char *event, const char *key)
{
    json_t *lines[2], *value;
    json_int_t number;

    assert_int_equal(recorded(rig, event, lines, 2), 1);
    value = json_object_get(lines[0], key);
    number = value != NULL ? json_integer_value(value) : -1;
    json_decref(lines[0]);
    return number;
}

static void test_without_faults_nothing_is_hit(void **state)
{
    assert_null(strike(*state));
    assert_null(col_faults_strike(NULL, &(struct col_fault_request){1, 2, 10, NULL}, NULL));
}

static void test_the_first_that_began_decides(void **state)
{
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.id = 7, .kind = COL_FAULT_STATUS, .status = 503,
                                       .probability = 1, .for_ns = MS});
    begin(rig, (struct col_fault_plan){.id = 8, .kind = COL_FAULT_STATUS, .status = 429,
                                       .probability = 1});
    assert_int_equal(strike(rig)->status, 503);
    event_base_loop(rig->base, EVLOOP_ONCE); /* the end of the first */
    assert_int_equal(rig->ended, 1);
    assert_int_equal(rig->deeds.requests, 1);
    assert_int_equal(rig->deeds.spans, 10);
    assert_int_equal(strike(rig)->status, 429);
    col_faults_end_all(rig->faults);
    assert_null(strike(rig));
    assert_int_equal(rig->ended, 2);
}

static void test_draws_repeat_with_the_seed(void **state)
{
    struct rig *rig = *state;
    bool hit[2][64];
    unsigned count = 0;

    for (int round = 0; round < 2; round++) {
        begin(rig, (struct col_fault_plan){.kind = COL_FAULT_STATUS, .status = 503,
                                           .probability = 0.5, .seed = 42});
        for (int i = 0; i < 64; i++)
            hit[round][i] = strike(rig) != NULL;
        col_faults_end_all(rig->faults);
    }
    assert_memory_equal(hit[0], hit[1], sizeof(hit[0]));
    for (int i = 0; i < 64; i++)
        count += hit[0][i];
    assert_in_range(count, 12, 52);
}

static void test_a_delay_answers_late_and_never_early(void **state)
{
    struct rig *rig = *state;
    uint64_t before = otl_clock_mono(otl_clock_real());

    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_DELAY, .delay_ns = 20 * MS,
                                       .probability = 1});
    assert_true(keep(rig));
    event_base_loop(rig->base, EVLOOP_ONCE);
    assert_int_equal(rig->answered, 1);
    assert_true(rig->late_ns - before >= 19 * MS);
}

static void test_the_end_drops_what_stalls_and_answers_what_is_late(void **state)
{
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_STALL, .probability = 1, .for_ns = MS});
    assert_true(keep(rig));
    event_base_loop(rig->base, EVLOOP_ONCE);
    assert_int_equal(rig->dropped, 1);
    assert_int_equal(only(rig, "end", "dropped"), 1);
    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_DELAY, .delay_ns = 60000 * MS,
                                       .probability = 1});
    assert_true(keep(rig));
    col_faults_end_all(rig->faults);
    assert_int_equal(rig->answered, 1);
}

static void test_two_refusals_listen_again_after_the_last(void **state)
{
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_REFUSE, .probability = 1, .for_ns = MS});
    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_REFUSE, .probability = 1});
    assert_null(strike(rig)); /* what still comes through is no longer its affair */
    event_base_loop(rig->base, EVLOOP_ONCE);
    assert_int_equal(rig->listens, 0);
    assert_int_equal(rig->deeds.connections, 3);
    col_faults_end_all(rig->faults);
    assert_int_equal(rig->listens, 1);
}

/* ---- what is told ---- */

enum { HITS = 40 };

static void test_each_hit_says_the_delay_that_was_drawn(void **state)
{
    struct rig *rig = *state;
    uint64_t drawn[HITS], sum = 0;
    json_t *lines[HITS + 1];
    bool differ = false;

    begin(rig, (struct col_fault_plan){.id = 5, .kind = COL_FAULT_DELAY, .delay_ns = 20 * MS,
                                       .delay_max_ns = 90 * MS, .law = COL_DELAY_UNIFORM,
                                       .probability = 1, .seed = 3});
    for (size_t i = 0; i < HITS; i++) {
        assert_non_null(strike(rig));
        drawn[i] = rig->delay_ns;
        assert_true(drawn[i] >= 20 * MS && drawn[i] <= 90 * MS);
        sum += drawn[i];
    }
    assert_true(metric(rig, "collector_mock_fault_delay_ns_total") == (double)sum);
    assert_int_equal(recorded(rig, "hit", lines, HITS + 1), HITS);
    for (size_t i = 0; i < HITS; i++) {
        assert_int_equal(json_integer_value(json_object_get(lines[i], "delay_ns")), drawn[i]);
        assert_int_equal(json_integer_value(json_object_get(lines[i], "request")), 2);
        assert_int_equal(json_integer_value(json_object_get(lines[i], "connection")), 1);
        differ |= drawn[i] != drawn[0];
        json_decref(lines[i]);
    }
    assert_true(differ);
    assert_int_equal(only(rig, "begin", "delay_ns"), 20 * MS);
    assert_int_equal(only(rig, "begin", "delay_max_ns"), 90 * MS);
}

static void test_each_hit_says_the_status_that_answers(void **state)
{
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_STATUS, .status = 503, .code = 8,
                                       .retry_after_s = 7, .probability = 1});
    assert_non_null(strike(rig));
    assert_int_equal(only(rig, "hit", "status"), 503);
    assert_int_equal(only(rig, "hit", "code"), 8);
    assert_int_equal(only(rig, "hit", "retry_after_s"), 7);
    assert_int_equal(only(rig, "hit", "delay_ns"), -1);
}

static void test_rejected_spans_are_those_of_the_request(void **state)
{
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_PARTIAL, .rejected = 99,
                                       .probability = 1});
    assert_non_null(strike(rig)); /* of 10 spans */
    assert_int_equal(only(rig, "begin", "rejected"), 99);
    assert_int_equal(only(rig, "hit", "rejected"), 10);
}

static void test_a_refusal_names_the_connections_that_it_ends(void **state)
{
    struct rig *rig = *state;
    json_t *lines[4];

    begin(rig, (struct col_fault_plan){.id = 6, .kind = COL_FAULT_REFUSE, .probability = 1,
                                       .for_ns = 60000 * MS});
    assert_int_equal(only(rig, "begin", "fault"), 6);
    assert_int_equal(only(rig, "begin", "for_ns"), 60000 * MS);
    assert_int_equal(recorded(rig, "hit", lines, 4), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(json_integer_value(json_object_get(lines[i], "connection")), 11 + i);
        json_decref(lines[i]);
    }
    assert_int_equal(recorded(rig, "end", lines, 4), 0);
    col_faults_ended_connection(rig->faults, 77); /* nobody refuses at this moment */
    assert_true(col_faults_end(rig->faults, 6));
    assert_int_equal(only(rig, "end", "connections"), 3);
    assert_int_equal(only(rig, "end", "mono_ns"), (json_int_t)rig->deeds.ended_mono_ns);
    assert_int_equal(only(rig, "end", "began_mono_ns"), (json_int_t)rig->deeds.began_mono_ns);
    assert_true(metric(rig, "collector_mock_fault_hit_connections_total{fault=\"refuse\"}") == 3);
    assert_true(metric(rig, "collector_mock_faults_begun_total{fault=\"refuse\"}") == 1);
    assert_true(metric(rig, "collector_mock_faults_ended_total{fault=\"refuse\"}") == 1);
}

static void test_what_cannot_be_kept_is_told(void **state)
{
    const struct col_fault_plan *fault;
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.id = 1, .kind = COL_FAULT_STALL, .probability = 1});
    fault = strike(rig);
    assert_true(col_faults_end(rig->faults, 1));
    assert_false(col_faults_hold(rig->faults, fault, rig->delay_ns, on_release, rig));
    assert_int_equal(only(rig, "not_held", "fault"), 1);
    assert_true(metric(rig, "collector_mock_fault_not_held_total") == 1);
}

/* The pipeline may take its time before the answer is there to be late. */
static void test_a_delay_is_kept_when_its_fault_is_over(void **state)
{
    const struct col_fault_plan *fault;
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_DELAY, .delay_ns = 60000 * MS,
                                       .probability = 1, .count = 1});
    fault = strike(rig);
    event_base_loop(rig->base, EVLOOP_ONCE);
    assert_int_equal(rig->ended, 1);
    assert_true(col_faults_hold(rig->faults, fault, rig->delay_ns, on_release, rig));
    assert_int_equal(rig->answered, 0);
    col_faults_end_all(rig->faults);
    assert_int_equal(rig->answered, 1);
    assert_false(col_faults_hold(rig->faults, fault, rig->delay_ns, on_release, rig));
}

/* One under way and one whose count is used up; a third that nobody ends goes on holding. */
static void test_a_delay_that_is_ended_by_its_id_answers_at_once(void **state)
{
    struct rig *rig = *state;
    struct col_fault_plan delay = {.id = 1, .kind = COL_FAULT_DELAY, .delay_ns = 3600000 * MS,
                                   .count = 1, .probability = 1};
    const struct col_fault_plan *struck;

    begin(rig, delay);
    assert_true(keep(rig));
    event_base_loop(rig->base, EVLOOP_NONBLOCK);
    assert_int_equal(rig->ended, 1);
    delay.id = 2;
    begin(rig, delay);
    assert_true(keep(rig));
    event_base_loop(rig->base, EVLOOP_NONBLOCK);
    delay.id = 3;
    delay.count = 0;
    begin(rig, delay);
    assert_true(keep(rig));
    assert_true(keep(rig));
    struck = strike(rig); /* its pipeline is not through yet */
    assert_true(metric(rig, "collector_mock_fault_held") == 4);
    assert_int_equal(rig->answered, 0);
    assert_true(col_faults_end(rig->faults, 1));
    assert_int_equal(rig->answered, 1);
    assert_true(col_faults_end(rig->faults, 3));
    assert_int_equal(rig->answered, 3);
    assert_int_equal(rig->dropped, 0);
    assert_int_equal(rig->deeds.requests, 3);
    assert_int_equal(rig->deeds.dropped, 0);
    assert_false(col_faults_hold(rig->faults, struck, rig->delay_ns, on_release, rig));
    assert_true(metric(rig, "collector_mock_fault_not_held_total") == 0);
    assert_true(metric(rig, "collector_mock_fault_held") == 1);
    assert_false(col_faults_end(rig->faults, 3)); /* there is nothing left of it */
    assert_false(col_faults_end(rig->faults, 4));
    assert_int_equal(rig->answered, 3);
    assert_true(col_faults_end(rig->faults, 2));
    assert_int_equal(rig->answered, 4);
}

/* Every kind has its line at the beginning and at the end, whatever its settings. */
static void test_every_kind_is_in_the_record(void **state)
{
    struct rig *rig = *state;
    json_t *lines[COL_FAULT_KINDS + 1];
    const char *const events[] = {"begin", "end"};

    for (unsigned kind = 0; kind < COL_FAULT_KINDS; kind++) {
        struct col_fault_plan fault = {.id = kind, .kind = (enum col_fault_kind)kind,
                                       .status = 503, .delay_ns = MS, .probability = 1};
        snprintf(fault.cert_file, sizeof(fault.cert_file), "a \"quoted\"\n\\ name");
        /* without a receiver that speaks TLS its certificate cannot be exchanged: over at once */
        assert_int_equal(col_faults_begin(rig->faults, &fault, NULL),
                         kind == COL_FAULT_TLS_CERTIFICATE ? OTEL_ERR_UNSUPPORTED : OTEL_OK);
        (void)col_faults_end(rig->faults, kind);
    }
    for (size_t e = 0; e < 2; e++) {
        assert_int_equal(recorded(rig, events[e], lines, COL_FAULT_KINDS + 1), COL_FAULT_KINDS);
        for (unsigned kind = 0; kind < COL_FAULT_KINDS; kind++) {
            assert_string_equal(json_string_value(json_object_get(lines[kind], "kind")),
                                col_fault_word((enum col_fault_kind)kind));
            json_decref(lines[kind]);
        }
    }
}

static void test_values_that_do_not_fit_are_refused(void **state)
{
    static const struct col_fault_plan bad[] = {
        {.kind = COL_FAULT_STATUS, .status = 200, .probability = 1},
        {.kind = COL_FAULT_DELAY, .probability = 1},
        {.kind = COL_FAULT_STALL, .probability = 1.5},
        {.kind = COL_FAULT_STALL, .probability = -1},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        assert_int_equal(col_faults_begin(rig->faults, &bad[i], &detail), OTEL_ERR_ARGUMENT);
        assert_true(detail.text[0] != '\0');
    }
    for (int i = 0; i < COL_FAULTS_MAX; i++)
        begin(rig, (struct col_fault_plan){.kind = COL_FAULT_STALL, .probability = 0});
    assert_int_equal(col_faults_begin(rig->faults,
                                      &(struct col_fault_plan){.kind = COL_FAULT_STALL}, NULL),
                     OTEL_ERR_LIMIT);
}

static void test_who_cannot_be_let_in_waits_at_the_door(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct rig *rig = *state;
    struct col_door *door;
    char text[300];
    struct pollfd answer = {fd, POLLIN, 0};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s.door", rig->record);
    assert_int_equal(col_door_new(rig->base, address.sun_path, rig->faults, &door, NULL), OTEL_OK);
    shortage_begin();
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, "nonsense\n", 9, MSG_NOSIGNAL), 9);
    shortage_await_listeners(rig->base, 0);
    shortage_end();
    shortage_await_listeners(rig->base, 1);
    for (int i = 0; i < 30000 && poll(&answer, 1, 1) == 0; i++)
        event_base_loop(rig->base, EVLOOP_NONBLOCK);
    assert_true(recv(fd, text, sizeof(text), MSG_DONTWAIT) > 8);
    assert_memory_equal(text, "{\"event\"", 8);
    close(fd);
    col_door_free(door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_faults_nothing_is_hit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_that_began_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(test_draws_repeat_with_the_seed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_delay_answers_late_and_never_early, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_end_drops_what_stalls_and_answers_what_is_late,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_refusals_listen_again_after_the_last, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_each_hit_says_the_delay_that_was_drawn, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_each_hit_says_the_status_that_answers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rejected_spans_are_those_of_the_request, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_refusal_names_the_connections_that_it_ends, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_kept_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_delay_that_is_ended_by_its_id_answers_at_once,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_delay_is_kept_when_its_fault_is_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_every_kind_is_in_the_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_cannot_be_let_in_waits_at_the_door, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_values_that_do_not_fit_are_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
