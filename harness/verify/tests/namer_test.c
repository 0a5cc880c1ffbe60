/* SPDX-License-Identifier: Apache-2.0 */
/* The namer on synthetic spans: six consumers of twelve partitions for half a minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/verify/namer/namer.h"
#include "sdk/base/clock.h"
#include "sdk/base/random.h"

#define SECOND OTL_NS_PER_S
#define MS OTL_NS_PER_MS
#define EPOCH (1700000000 * SECOND)

enum { INSTANCES = 6, PARTITIONS = 12, PERMUTATIONS = 50, BAD = 3, HOT = 7 };

struct world {
    uint64_t seed;
    unsigned slow_here;      /* one in n messages on the bad instance takes 4.2 s; 0 = none */
    unsigned slow_everywhere; /* likewise on each instance */
    bool short_interval;     /* the bad instance loses what takes 4.2 s */
    bool short_for_all;
    bool only_hot;           /* slow messages lie in one partition */
    bool old_version;        /* the bad instance runs another */
    bool states_interval;    /* spans say how long they may take */
    bool hidden;             /* no service.instance.id */
    const unsigned *labels;  /* instance i calls itself labels[i] */
};

struct player {
    const struct world *world;
    struct hx_handlings h;
    struct otl_random random;
    uint16_t numbers[INSTANCES];
    uint64_t free_ns[INSTANCES];
    int64_t offsets[PARTITIONS];
    uint64_t spans;
};

static void name_instances(struct player *p)
{
    for (unsigned i = 0; i < INSTANCES; i++) {
        struct hx_namer_instance one = {.service = "projector"};
        unsigned label = p->world->labels != NULL ? p->world->labels[i] : i;
        if (!p->world->hidden)
            snprintf(one.instance, sizeof one.instance, "projector-%u", label);
        snprintf(one.version, sizeof one.version, "%s",
                 p->world->old_version && i == BAD ? "1.3.0" : "1.4.2");
        p->numbers[i] = hx_handlings_instance(&p->h, &one);
    }
}

static bool draws_slow(struct player *p, unsigned instance, int partition)
{
    unsigned one_in = p->world->slow_everywhere;

    if (instance == BAD && p->world->slow_here != 0)
        one_in = p->world->slow_here;
    if (one_in == 0 || (p->world->only_hot && partition != HOT))
        return false;
    return otl_random_below(&p->random, one_in) == 0;
}

/* One handling; returns its end. Spans come in batches, half a second at most after their end. */
static uint64_t handle(struct player *p, unsigned instance, int partition, int64_t offset,
                       uint64_t start_ns, bool slow)
{
    struct hx_handling row = {.start_ns = start_ns,
                              .partition = partition,
                              .offset = offset,
                              .group = 0,
                              .instance = p->numbers[instance]};

    if (p->world->states_interval)
        row.interval_ns = (p->world->short_for_all || (p->world->short_interval && instance == BAD)
                               ? 3100 * MS
                               : 9000 * MS);
    row.end_ns = start_ns + (slow ? 4200 * MS : MS + otl_random_below(&p->random, 2 * MS));
    row.arrived_ns = row.end_ns + otl_random_below(&p->random, 500 * MS);
    p->spans++;
    memcpy(row.span_id, &p->spans, sizeof row.span_id);
    assert_int_equal(hx_handlings_add(&p->h, &row), OTEL_OK);
    if (row.arrived_ns > p->h.last_ns)
        p->h.last_ns = row.arrived_ns;
    return row.end_ns;
}

/* The group stands still for two seconds, then somebody else has the message; others handle again
 * what they had not committed. */
static uint64_t storm(struct player *p, unsigned from, int partition, int64_t offset,
                      uint64_t start_ns, bool slow_again)
{
    unsigned to = (from + 1) % INSTANCES;
    uint64_t back_ns = start_ns + 5800 * MS, end;

    end = handle(p, to, partition, offset, back_ns, slow_again);
    for (unsigned i = 0; i < INSTANCES; i++) {
        int other = (int)(i * 2);
        if (i != from && p->offsets[other] > 0)
            handle(p, i, other, p->offsets[other] - 1, back_ns + 20 * MS * i, false);
        if (p->free_ns[i] < back_ns)
            p->free_ns[i] = back_ns + 200 * MS;
    }
    if (p->free_ns[to] < end)
        p->free_ns[to] = end;
    return back_ns + 2100 * MS;
}

static void play_message(struct player *p, uint64_t due_ns)
{
    int partition = (int)otl_random_below(&p->random, PARTITIONS);
    unsigned instance = (unsigned)partition / 2;
    int64_t offset = p->offsets[partition]++;
    uint64_t start = p->free_ns[instance] > due_ns ? p->free_ns[instance] : due_ns;
    bool slow = draws_slow(p, instance, partition);
    bool loses = p->world->short_for_all || (p->world->short_interval && instance == BAD);

    p->free_ns[instance] = handle(p, instance, partition, offset, start, slow);
    if (slow && loses)
        p->free_ns[instance] =
            storm(p, instance, partition, offset, start,
                  p->world->only_hot || p->world->slow_everywhere != 0);
}

static void play(struct player *p, const struct world *world)
{
    struct hx_namer_group group = {"standings", "results"};

    memset(p, 0, sizeof *p);
    p->world = world;
    otl_random_seed(&p->random, world->seed);
    assert_int_equal(hx_handlings_init(&p->h), OTEL_OK);
    assert_int_equal(hx_handlings_group(&p->h, &group), 0);
    p->h.first_ns = EPOCH;
    name_instances(p);
    for (uint64_t ms = 0; ms < 40000; ms += 7)
        play_message(p, EPOCH + ms * MS);
    hx_handlings_seal(&p->h);
}

/* Instance that is named, -1: none. */
static int named(const struct world *world, double *ret_after_s, int32_t *ret_partition)
{
    struct player p;
    struct hx_finding finding;
    int label = -1;

    play(&p, world);
    assert_int_equal(hx_namer_judge(&p.h, &finding), OTEL_OK);
    if (finding.instance != UINT16_MAX)
        assert_int_equal(
            sscanf(p.h.instances[finding.instance].instance, "projector-%d", &label), 1);
    if (ret_after_s != NULL)
        *ret_after_s = finding.after_s;
    if (ret_partition != NULL)
        *ret_partition = finding.partition;
    assert_true(finding.reason[0] != '\0');
    hx_finding_fini(&finding);
    hx_handlings_fini(&p.h);
    return label;
}

static void shuffle(uint64_t seed, unsigned labels[INSTANCES])
{
    struct otl_random random;

    otl_random_seed(&random, seed);
    for (unsigned i = 0; i < INSTANCES; i++)
        labels[i] = i;
    for (unsigned i = INSTANCES - 1; i > 0; i--) {
        unsigned k = (unsigned)otl_random_below(&random, i + 1), kept = labels[i];
        labels[i] = labels[k];
        labels[k] = kept;
    }
}

/* wanted: the bad instance's label, or none, whatever the labels are. */
static void hold(struct world world, bool wanted)
{
    for (uint64_t n = 0; n < PERMUTATIONS; n++) {
        unsigned labels[INSTANCES];
        double after = -1;
        int found;

        shuffle(n, labels);
        world.labels = labels;
        world.seed = n * 31 + 1;
        found = named(&world, &after, NULL);
        assert_int_equal(found, wanted ? (int)labels[BAD] : -1);
        if (wanted)
            assert_true(after > 4.2 && after < 120); /* what is held back comes later */
    }
}

static void the_slow_pod_is_named_whatever_it_is_called(void **state)
{
    (void)state;
    hold((struct world){.slow_here = 60, .short_interval = true, .old_version = true}, true);
}

static void the_short_interval_is_named_although_all_are_as_slow(void **state)
{
    (void)state;
    hold((struct world){.slow_everywhere = 120,
                        .slow_here = 60,
                        .short_interval = true,
                        .old_version = true},
         true);
}

static void a_stated_interval_that_one_exceeds_names_it(void **state)
{
    (void)state;
    hold((struct world){.slow_everywhere = 60,
                        .short_interval = true,
                        .old_version = true,
                        .states_interval = true},
         true);
}

static void intervals_that_all_exceed_name_none(void **state)
{
    (void)state;
    hold((struct world){.slow_everywhere = 100, .short_for_all = true, .states_interval = true},
         false);
}

static void a_slow_pod_without_storms_is_named(void **state)
{
    (void)state;
    hold((struct world){.slow_here = 40}, true);
}

static void slow_data_names_no_instance(void **state)
{
    struct world world = {.slow_everywhere = 40, .only_hot = true, .old_version = true};
    int32_t partition = -1;

    (void)state;
    hold(world, false);
    world.short_for_all = true;
    hold(world, false);
    assert_int_equal(named(&world, NULL, &partition), -1);
    assert_int_equal(partition, HOT);
}

/* The bad pod alone, whose long handlings all lie in one partition, as may be with two partitions
 * and four of them; it gets its own messages back. again_ms: how long they take the second time. */
static bool named_for_one_partition(uint64_t again_ms)
{
    struct world world = {.seed = 5, .old_version = true};
    struct hx_finding finding;
    struct player p;
    bool named;

    play(&p, &world);
    for (uint64_t n = 0; n < 4; n++) {
        uint64_t start = EPOCH + n * 10 * SECOND;
        struct hx_handling row = {.start_ns = start, .end_ns = start + 4200 * MS,
                                  .arrived_ns = start + 5 * SECOND, .interval_ns = 3100 * MS,
                                  .partition = HOT, .offset = (int64_t)(900000 + n),
                                  .instance = p.numbers[BAD], .span_id = {1, (uint8_t)n}};
        assert_int_equal(hx_handlings_add(&p.h, &row), OTEL_OK);
        row.start_ns = start + 7 * SECOND;
        row.end_ns = row.start_ns + again_ms * MS;
        row.arrived_ns = row.end_ns;
        row.span_id[0] = 2;
        assert_int_equal(hx_handlings_add(&p.h, &row), OTEL_OK);
    }
    hx_handlings_seal(&p.h);
    assert_int_equal(hx_namer_look(&p.h, UINT64_MAX, &finding), OTEL_OK);
    named = finding.instance == p.numbers[BAD];
    hx_finding_fini(&finding);
    hx_handlings_fini(&p.h);
    return named;
}

static void messages_that_are_fast_another_time_are_not_slow_data(void **state)
{
    (void)state;
    assert_true(named_for_one_partition(2));
    assert_false(named_for_one_partition(4200));
}

static void what_is_slow_for_all_names_none(void **state)
{
    (void)state;
    hold((struct world){.slow_everywhere = 100, .old_version = true}, false);
}

static void a_healthy_group_names_none(void **state)
{
    (void)state;
    hold((struct world){.old_version = true}, false);
}

static void without_instance_ids_none_is_named(void **state)
{
    (void)state;
    hold((struct world){.slow_here = 60,
                        .short_interval = true,
                        .old_version = true,
                        .hidden = true},
         false);
}

static void swapped_labels_name_the_other_one(void **state)
{
    static const unsigned swapped[INSTANCES] = {3, 1, 2, 0, 4, 5};
    struct world world = {.slow_here = 60, .short_interval = true, .old_version = true};

    (void)state;
    world.seed = 5;
    assert_int_equal(named(&world, NULL, NULL), 3);
    world.labels = swapped;
    assert_int_equal(named(&world, NULL, NULL), 0);
}

/* What its evidence says of the others; *ret_mine and *ret_others such handlings there were. */
static bool says_slow_for_all(const struct world *world, uint64_t *ret_mine, uint64_t *ret_others)
{
    struct hx_finding finding;
    struct player p;
    bool says = false;

    play(&p, world);
    assert_int_equal(hx_namer_judge(&p.h, &finding), OTEL_OK);
    assert_int_not_equal(finding.instance, UINT16_MAX);
    *ret_mine = finding.rows[finding.instance].slow;
    *ret_others = 0;
    for (size_t i = 0; i < p.h.instance_count; i++)
        *ret_others += i != finding.instance ? finding.rows[i].slow : 0;
    for (size_t i = 0; i < finding.evidence_count; i++)
        says = says || strstr(finding.evidence[i], "slow for all") != NULL;
    hx_finding_fini(&finding);
    hx_handlings_fini(&p.h);
    return says;
}

/* A few long handlings of five others against many of its own make nothing slow for all. */
static void what_is_slow_for_all_is_said_where_it_is(void **state)
{
    struct world all = {.slow_everywhere = 60, .short_interval = true, .states_interval = true,
                        .seed = 1};
    struct world one = {.slow_here = 60, .slow_everywhere = 4000, .short_interval = true,
                        .states_interval = true, .seed = 1};
    uint64_t mine, others;

    (void)state;
    assert_true(says_slow_for_all(&all, &mine, &others));
    assert_true(others > 2 * mine);
    assert_false(says_slow_for_all(&one, &mine, &others));
    assert_in_range(others, 1, mine * (INSTANCES - 1) / 2 - 1);
}

static void a_span_that_arrives_twice_is_one_handling(void **state)
{
    struct world world = {.seed = 9};
    struct hx_finding before, after;
    struct player p;

    (void)state;
    play(&p, &world);
    assert_int_equal(hx_namer_look(&p.h, UINT64_MAX, &before), OTEL_OK);
    for (size_t i = p.h.count; i > 0; i--) {
        struct hx_handling again = p.h.rows[i - 1];
        again.arrived_ns += SECOND;
        assert_int_equal(hx_handlings_add(&p.h, &again), OTEL_OK);
    }
    hx_handlings_seal(&p.h);
    assert_int_equal(hx_namer_look(&p.h, UINT64_MAX, &after), OTEL_OK);
    assert_int_equal(before.rows[0].handled, after.rows[0].handled);
    assert_int_equal(after.storms, 0);
    hx_finding_fini(&before);
    hx_finding_fini(&after);
    hx_handlings_fini(&p.h);
}

static void nothing_received_names_none(void **state)
{
    struct hx_handlings h;
    struct hx_finding finding;

    (void)state;
    assert_int_equal(hx_handlings_init(&h), OTEL_OK);
    hx_handlings_seal(&h);
    assert_int_equal(hx_namer_judge(&h, &finding), OTEL_OK);
    assert_int_equal(finding.instance, UINT16_MAX);
    assert_non_null(strstr(finding.reason, "no span"));
    hx_finding_fini(&finding);
    hx_handlings_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slow_pod_is_named_whatever_it_is_called),
        cmocka_unit_test(the_short_interval_is_named_although_all_are_as_slow),
        cmocka_unit_test(a_stated_interval_that_one_exceeds_names_it),
        cmocka_unit_test(intervals_that_all_exceed_name_none),
        cmocka_unit_test(a_slow_pod_without_storms_is_named),
        cmocka_unit_test(slow_data_names_no_instance),
        cmocka_unit_test(messages_that_are_fast_another_time_are_not_slow_data),
        cmocka_unit_test(what_is_slow_for_all_names_none),
        cmocka_unit_test(a_healthy_group_names_none),
        cmocka_unit_test(without_instance_ids_none_is_named),
        cmocka_unit_test(swapped_labels_name_the_other_one),
        cmocka_unit_test(what_is_slow_for_all_is_said_where_it_is),
        cmocka_unit_test(a_span_that_arrives_twice_is_one_handling),
        cmocka_unit_test(nothing_received_names_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
