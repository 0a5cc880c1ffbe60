/* SPDX-License-Identifier: Apache-2.0 */
/* A process forks while others of its threads are inside getaddrinfo(), the SDK's helper and the
 * program's own: the child's look-ups work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/transport/resolve.h"

enum { THREADS = 3, FORKS = 40, PATIENCE_S = 60 };

static atomic_bool g_enough;
static atomic_ulong g_calls;

static void *look_up_on_and_on(void *name)
{
    while (!atomic_load(&g_enough)) {
        struct addrinfo *list = NULL;
        if (getaddrinfo(name, "4318", NULL, &list) == 0)
            freeaddrinfo(list);
        atomic_fetch_add(&g_calls, 1);
    }
    return NULL;
}

struct asked {
    struct event_base *base;
    bool answered, found;
};

static void on_answer(void *context, enum otel_err err, const struct otl_addresses *addresses)
{
    struct asked *asked = context;

    asked->answered = true;
    asked->found = err == OTEL_OK && addresses->count > 0;
    event_base_loopbreak(asked->base);
}

static void on_time_is_up(int fd, short what, void *base)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(base);
}

/* True: the helper came back with an address. */
static bool look_up(const char *name)
{
    struct asked asked = {event_base_new(), false, false};
    struct otl_lookup_options options = {.base = asked.base,
                                         .host = name,
                                         .port = 4318,
                                         .done = on_answer,
                                         .context = &asked};
    struct timeval patience = {PATIENCE_S, 0};
    struct event *limit = event_new(asked.base, -1, 0, on_time_is_up, asked.base);
    struct otl_lookup *lookup;

    event_add(limit, &patience);
    if (otl_lookup_start(&options, &lookup) != OTEL_OK)
        return false;
    while (!asked.answered && !event_base_got_break(asked.base))
        event_base_loop(asked.base, EVLOOP_ONCE);
    event_free(limit);
    event_base_free(asked.base);
    return asked.found;
}

static void a_child_looks_names_up_though_it_was_forked_amid_look_ups(void **state)
{
    static char name[] = "localhost"; /* in /etc/hosts: no name server is asked */
    pthread_t threads[THREADS];
    int failed = 0;

    (void)state;
    assert_true(look_up(name)); /* the helper's own way, once */
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_on_and_on, name), 0);
    for (int i = 0; i < FORKS && failed == 0; i++) {
        unsigned long before = atomic_load(&g_calls);
        int status = -1;
        pid_t child;
        while (atomic_load(&g_calls) == before) /* they are at it */
            sched_yield();
        child = fork();
        if (child == 0)
            _exit(look_up(name) ? 0 : 1);
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            failed = 1 + i;
    }
    atomic_store(&g_enough, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_looks_names_up_though_it_was_forked_amid_look_ups),
    };

    return cmocka_run_group_tests_name("fork_lookup", tests, NULL, NULL);
}
