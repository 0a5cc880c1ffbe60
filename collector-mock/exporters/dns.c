/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/dns.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { NAME_SIZE = 80 };
#define ASK_AGAIN_NS (50 * OTL_NS_PER_MS) /* too many others ask */

struct col_dns {
    struct col_dns_options options;
    struct otl_lookup *lookup; /* under way; NULL: none */
    struct event *timer, *deadline, *again;
};

/* A wait of nearly nothing is a millisecond: one of 0 microseconds libevent takes once only. */
static void after(struct event *event, uint64_t wait_ns)
{
    uint64_t rest_ns = wait_ns > OTL_NS_PER_MS ? wait_ns : OTL_NS_PER_MS;
    const struct timeval wait = {(time_t)(rest_ns / OTL_NS_PER_S),
                                 (suseconds_t)(rest_ns % OTL_NS_PER_S / 1000)};

    event_add(event, &wait);
}

/* ---- answers ---- */

static bool write_name(const struct otl_address *address, const char *port, char out[NAME_SIZE])
{
    const struct sockaddr *socket = (const struct sockaddr *)&address->storage;
    char host[64];
    bool six = socket->sa_family == AF_INET6;

    if (getnameinfo(socket, address->len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
        return false;
    snprintf(out, NAME_SIZE, "%s%s%s%s%s", six ? "[" : "", host, six ? "]" : "",
             port[0] != '\0' ? ":" : "", port);
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void tell(struct col_dns *dns, const struct otl_addresses *addresses)
{
    char texts[OTL_ADDRESSES_MAX][NAME_SIZE];
    const char *names[OTL_ADDRESSES_MAX];
    size_t count = 0, kept = 0;

    for (size_t i = 0; addresses != NULL && i < addresses->count; i++)
        if (write_name(&addresses->items[i], dns->options.port, texts[count])) {
            names[count] = texts[count];
            count++;
        }
    if (count > 0)
        qsort(names, count, sizeof(names[0]), by_text);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    dns->options.on_names(dns->options.context, names, kept);
}

static void on_done(void *context, enum otel_err err, const struct otl_addresses *addresses)
{
    struct col_dns *dns = context;

    dns->lookup = NULL;
    event_del(dns->deadline);
    tell(dns, err == OTEL_OK ? addresses : NULL);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct col_dns *dns = arg;

    (void)fd;
    (void)what;
    otl_lookup_cancel(dns->lookup);
    dns->lookup = NULL;
    tell(dns, NULL);
}

/* ---- questions ---- */

static void ask(struct col_dns *dns)
{
    const struct otl_lookup_options lookup = {
        .base = dns->options.base, .look_up = dns->options.look_up, .host = dns->options.host,
        .done = on_done, .context = dns};
    struct otl_addresses now;
    enum otel_err err;

    if (dns->lookup != NULL)
        return; /* the last one is not answered */
    if (dns->options.look_up == NULL && otl_resolve_now(dns->options.host, 0, &now)) {
        tell(dns, &now);
        return;
    }
    err = otl_lookup_start(&lookup, &dns->lookup);
    if (err == OTEL_ERR_LIMIT)
        after(dns->again, ASK_AGAIN_NS);
    else if (err != OTEL_OK)
        tell(dns, NULL);
    else
        after(dns->deadline, dns->options.timeout_ns);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ask(arg);
}

/* ---- life ---- */

void col_dns_free(struct col_dns *dns)
{
    struct event *events[3];

    if (dns == NULL)
        return;
    events[0] = dns->timer;
    events[1] = dns->deadline;
    events[2] = dns->again;
    otl_lookup_cancel(dns->lookup);
    for (size_t i = 0; i < 3; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    otl_mem_free(dns);
}

enum otel_err col_dns_new(const struct col_dns_options *options, struct col_dns **ret)
{
    struct col_dns *dns = otl_mem_zalloc(sizeof(*dns));

    if (dns == NULL)
        return OTEL_ERR_MEMORY;
    dns->options = *options;
    dns->timer = event_new(options->base, -1, EV_PERSIST, on_timer, dns);
    dns->deadline = event_new(options->base, -1, 0, on_deadline, dns);
    dns->again = event_new(options->base, -1, 0, on_timer, dns);
    if (dns->timer == NULL || dns->deadline == NULL || dns->again == NULL) {
        col_dns_free(dns);
        return OTEL_ERR_MEMORY;
    }
    after(dns->timer, options->interval_ns);
    *ret = dns;
    ask(dns);
    return OTEL_OK;
}
