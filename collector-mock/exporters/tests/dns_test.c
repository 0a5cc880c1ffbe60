/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "collector-mock/exporters/dns.h"
#include "sdk/base/clock.h"

/* The resolver of load_balancing against a name server that is a table. */

enum { ANSWERS_MAX = 4, ROUNDS_MAX = 5000 };

static atomic_uint asked;

static void put(struct otl_addresses *to, const char *address)
{
    struct otl_address *it = &to->items[to->count++];
    struct sockaddr_in *four = (struct sockaddr_in *)&it->storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&it->storage;

    memset(it, 0, sizeof(*it));
    if (strchr(address, ':') != NULL) {
        six->sin6_family = AF_INET6;
        it->len = sizeof(*six);
        assert_int_equal(inet_pton(AF_INET6, address, &six->sin6_addr), 1);
    } else {
        four->sin_family = AF_INET;
        it->len = sizeof(*four);
        assert_int_equal(inet_pton(AF_INET, address, &four->sin_addr), 1);
    }
}

static const struct {
    const char *addresses[ANSWERS_MAX], *names; /* names: what is to be told; "": it failed */
} rows[] = {
    {{"10.0.0.2", "10.0.0.1"}, "10.0.0.1:4317 10.0.0.2:4317"},
    {{"10.0.0.1", "10.0.0.1", "fe80::2"}, "10.0.0.1:4317 [fe80::2]:4317"},
    {{NULL}, ""},
    {{"10.0.0.3"}, "10.0.0.3:4317"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static enum otel_err look_up(const char *host, uint16_t port, struct otl_addresses *ret)
{
    unsigned n = atomic_fetch_add(&asked, 1);

    (void)port;
    if (strcmp(host, "collectors.test") != 0 || n >= ROWS || rows[n].addresses[0] == NULL)
        return OTEL_ERR_NOT_FOUND;
    ret->count = 0;
    for (size_t i = 0; i < ANSWERS_MAX && rows[n].addresses[i] != NULL; i++)
        put(ret, rows[n].addresses[i]);
    return OTEL_OK;
}

/* One that does not answer in time. */
static atomic_bool over;
static enum otel_err stall(const char *host, uint16_t port, struct otl_addresses *ret)
{
    (void)host;
    (void)port;
    (void)ret;
    while (!atomic_load(&over))
        poll(NULL, 0, 1);
    return OTEL_ERR_UNAVAILABLE;
}

struct told {
    char names[ROWS][200];
    size_t count;
};

static void on_names(void *context, const char *const *names, size_t count)
{
    struct told *told = context;
    char *out;

    if (told->count == ROWS)
        return;
    out = told->names[told->count++];
    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(out + strlen(out), 200 - strlen(out), "%s%s", i > 0 ? " " : "", names[i]);
}

static void ask_each(uint64_t interval_ns, otl_lookup_fn how, const char *host, const char *port,
                     size_t count, struct told *told)
{
    struct event_base *base = event_base_new();
    const struct col_dns_options options = {.base = base,
                                            .host = host,
                                            .port = port,
                                            .interval_ns = interval_ns,
                                            .timeout_ns = how == stall ? 20 * OTL_NS_PER_MS
                                                                       : 60 * OTL_NS_PER_S,
                                            .look_up = how,
                                            .on_names = on_names,
                                            .context = told};
    struct col_dns *dns;

    memset(told, 0, sizeof(*told));
    assert_int_equal(col_dns_new(&options, &dns), OTEL_OK);
    for (int i = 0; i < ROUNDS_MAX && told->count < count; i++)
        event_base_loop(base, EVLOOP_ONCE);
    col_dns_free(dns);
    event_base_free(base);
    assert_true(told->count >= count);
}

static void ask(otl_lookup_fn how, const char *host, const char *port, size_t count,
                struct told *told)
{
    ask_each(10 * OTL_NS_PER_MS, how, host, port, count, told);
}

static void each_answer_is_told_sorted_and_once(void **state)
{
    struct told told;

    (void)state;
    ask(look_up, "collectors.test", "4317", ROWS, &told);
    for (size_t i = 0; i < ROWS; i++)
        assert_string_equal(told.names[i], rows[i].names);
}

static void an_answer_that_takes_too_long_is_none(void **state)
{
    struct told told;

    (void)state;
    ask(stall, "collectors.test", "4317", 1, &told);
    atomic_store(&over, true); /* its thread ends */
    assert_string_equal(told.names[0], "");
}

static void what_needs_no_name_server_is_told_at_once(void **state)
{
    struct told told;

    (void)state;
    ask(NULL, "localhost", "", 1, &told);
    assert_string_equal(told.names[0], "127.0.0.1 [::1]");
    ask(NULL, "10.1.2.3", "99", 2, &told);
    assert_string_equal(told.names[1], "10.1.2.3:99");
}

static void it_asks_again_however_short_the_interval(void **state)
{
    struct told told;

    (void)state;
    ask_each(1, NULL, "10.1.2.3", "99", 3, &told);
    assert_string_equal(told.names[2], "10.1.2.3:99");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_is_told_sorted_and_once),
        cmocka_unit_test(what_needs_no_name_server_is_told_at_once),
        cmocka_unit_test(it_asks_again_however_short_the_interval),
        cmocka_unit_test(an_answer_that_takes_too_long_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
