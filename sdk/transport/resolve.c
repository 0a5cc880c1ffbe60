/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "sdk/base/mem.h"

/*
 * The record is shared by the helper and the asker; whoever leaves last frees it. The asker's
 * fields are never touched by the helper. The descriptor is closed with the record, so that the
 * helper never writes to a number that means something else by then.
 */
struct otl_lookup {
    atomic_int holders;
    int fd;
    otl_lookup_fn look_up;
    char *host;
    uint16_t port;
    enum otel_err err;
    struct otl_addresses addresses;
    /* the asker's */
    struct event *event;
    otl_lookup_done_fn done;
    void *context;
};

static const char BLANKS[] = " \t\r\f\v";

enum {
    HOSTS_LINE = 1024,     /* of a longer line the rest is read as another */
    CHILD_ROOM = 8 * 1024, /* for the addresses of one name */
};

static atomic_int g_outstanding;
static atomic_int g_process; /* whose helpers are counted: a forked child has none of them */

static void put(const void *address, socklen_t len, struct otl_addresses *ret)
{
    if (ret->count == OTL_ADDRESSES_MAX || len > sizeof(struct sockaddr_storage))
        return;
    memcpy(&ret->items[ret->count].storage, address, len);
    ret->items[ret->count++].len = len;
}

static bool put_ipv4(const char *text, uint16_t port, struct otl_addresses *ret)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, text, &in.sin_addr) != 1)
        return false;
    put(&in, sizeof(in), ret);
    return true;
}

static bool put_ipv6(const char *text, uint16_t port, struct otl_addresses *ret)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET6, text, &in.sin6_addr) != 1)
        return false;
    put(&in, sizeof(in), ret);
    return true;
}

bool otl_resolve_now(const char *host, uint16_t port, struct otl_addresses *ret)
{
    ret->count = 0;
    if (strcmp(host, "localhost") == 0)
        return put_ipv4("127.0.0.1", port, ret) && put_ipv6("::1", port, ret);
    return put_ipv4(host, port, ret) || put_ipv6(host, port, ret);
}

static enum otel_err look_up_here(const char *host, uint16_t port, struct otl_addresses *ret)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(host, NULL, &hints, &list);

    ret->count = 0;
    if (code != 0)
        return code == EAI_AGAIN ? OTEL_ERR_UNAVAILABLE : OTEL_ERR_NOT_FOUND;
    for (struct addrinfo *item = list; item != NULL; item = item->ai_next) {
        if (item->ai_family == AF_INET)
            ((struct sockaddr_in *)(void *)item->ai_addr)->sin_port = htons(port);
        else if (item->ai_family == AF_INET6)
            ((struct sockaddr_in6 *)(void *)item->ai_addr)->sin6_port = htons(port);
        else
            continue;
        put(item->ai_addr, item->ai_addrlen, ret);
    }
    freeaddrinfo(list);
    return ret->count > 0 ? OTEL_OK : OTEL_ERR_NOT_FOUND;
}

/* Where this code was loaded: elsewhere it runs in a forked child. */
static pid_t g_loaded_in;

__attribute__((constructor)) static void loaded(void)
{
    g_loaded_in = getpid();
}

/* The addresses that a file like /etc/hosts has for a name. */
static void look_up_in_hosts(const char *path, const char *host, uint16_t port,
                             struct otl_addresses *ret)
{
    FILE *file = fopen(path, "re");
    char line[HOSTS_LINE];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char *rest = line, *address, *name;
        line[strcspn(line, "#\n")] = '\0';
        address = strtok_r(line, BLANKS, &rest);
        while (address != NULL && (name = strtok_r(NULL, BLANKS, &rest)) != NULL)
            if (strcasecmp(name, host) == 0) {
                (void)(put_ipv4(address, port, ret) || put_ipv6(address, port, ret));
                break;
            }
    }
    if (file != NULL)
        fclose(file);
}

/* Without the C library's own ways first: of their locks (of the list of interfaces, of
 * resolv.conf) one may have been held by another thread when this process was forked, and is held
 * for ever then. What /etc/hosts does not have can only be asked of it still; not by getaddrinfo(),
 * which takes more of them. The system's order of addresses is lost. */
static enum otel_err look_up_in_child(const char *host, uint16_t port, struct otl_addresses *ret)
{
    static const int families[] = {AF_INET, AF_INET6};
    bool again = false;

    ret->count = 0;
    look_up_in_hosts("/etc/hosts", host, port, ret);
    if (ret->count > 0)
        return OTEL_OK;
    for (size_t f = 0; f < 2; f++) {
        struct hostent entry, *found = NULL;
        char room[CHILD_ROOM], text[INET6_ADDRSTRLEN];
        int code = 0;
        if (gethostbyname2_r(host, families[f], &entry, room, sizeof(room), &found, &code) != 0 ||
            found == NULL) {
            again = again || code == TRY_AGAIN;
            continue;
        }
        for (char **address = found->h_addr_list; *address != NULL; address++)
            if (inet_ntop(families[f], *address, text, sizeof(text)) != NULL)
                (void)(put_ipv4(text, port, ret) || put_ipv6(text, port, ret));
    }
    if (ret->count > 0)
        return OTEL_OK;
    return again ? OTEL_ERR_UNAVAILABLE : OTEL_ERR_NOT_FOUND;
}

enum otel_err otl_lookup_system(const char *host, uint16_t port, struct otl_addresses *ret)
{
    if (getpid() != g_loaded_in)
        return look_up_in_child(host, port, ret);
    return look_up_here(host, port, ret);
}

static void leave(struct otl_lookup *lookup)
{
    if (atomic_fetch_sub(&lookup->holders, 1) != 1)
        return;
    if (lookup->fd >= 0)
        close(lookup->fd);
    otl_mem_free(lookup->host);
    otl_mem_free(lookup);
}

static void *helper(void *argument)
{
    struct otl_lookup *lookup = argument;
    const uint64_t one = 1;

    lookup->err = lookup->look_up(lookup->host, lookup->port, &lookup->addresses);
    atomic_fetch_sub(&g_outstanding, 1);
    if (write(lookup->fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        lookup->err = OTEL_ERR_IO; /* cannot happen: the counter is 0 before */
    leave(lookup);
    return NULL;
}

static void on_answer(evutil_socket_t fd, short what, void *argument)
{
    struct otl_lookup *lookup = argument;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
        return;
    event_free(lookup->event);
    lookup->event = NULL;
    lookup->done(lookup->context, lookup->err,
                 lookup->err == OTEL_OK ? &lookup->addresses : NULL);
    leave(lookup);
}

/* The helper takes over one hold on the record. */
static enum otel_err start_helper(const struct otl_thread_maker *threads,
                                  struct otl_lookup *lookup)
{
    pthread_t thread;
    enum otel_err err = otl_thread_start(threads, &thread, helper, lookup);

    if (err == OTEL_OK)
        pthread_detach(thread);
    return err;
}

static enum otel_err lookup_new(const struct otl_lookup_options *options,
                                struct otl_lookup **ret)
{
    struct otl_lookup *lookup = otl_mem_zalloc(sizeof(*lookup));

    if (lookup == NULL)
        return OTEL_ERR_MEMORY;
    atomic_init(&lookup->holders, 1);
    lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    lookup->look_up = options->look_up ? options->look_up : otl_lookup_system;
    lookup->port = options->port;
    lookup->done = options->done;
    lookup->context = options->context;
    lookup->host = otl_mem_strdup(options->host);
    if (lookup->fd < 0 || lookup->host == NULL)
        goto fail;
    lookup->event = event_new(options->base, lookup->fd, EV_READ | EV_PERSIST, on_answer, lookup);
    if (lookup->event == NULL || event_add(lookup->event, NULL) != 0)
        goto fail;
    *ret = lookup;
    return OTEL_OK;
fail:
    if (lookup->event != NULL)
        event_free(lookup->event);
    leave(lookup);
    return OTEL_ERR_MEMORY;
}

enum otel_err otl_lookup_start(const struct otl_lookup_options *options, struct otl_lookup **ret)
{
    struct otl_lookup *lookup = NULL;
    enum otel_err err;

    if (atomic_exchange(&g_process, (int)getpid()) != (int)getpid())
        atomic_store(&g_outstanding, 0);
    if (atomic_fetch_add(&g_outstanding, 1) >= OTL_LOOKUPS_MAX) {
        atomic_fetch_sub(&g_outstanding, 1);
        return OTEL_ERR_LIMIT;
    }
    err = lookup_new(options, &lookup);
    if (err == OTEL_OK) {
        atomic_store(&lookup->holders, 2);
        err = start_helper(&options->threads, lookup);
        if (err == OTEL_OK) {
            *ret = lookup;
            return OTEL_OK;
        }
        atomic_store(&lookup->holders, 1);
        otl_lookup_cancel(lookup);
    }
    atomic_fetch_sub(&g_outstanding, 1);
    return err;
}

void otl_lookup_cancel(struct otl_lookup *lookup)
{
    if (lookup == NULL)
        return;
    event_free(lookup->event);
    lookup->event = NULL;
    leave(lookup);
}

void otl_lookup_abandon(struct otl_lookup *lookup)
{
    if (lookup != NULL)
        close(lookup->fd);
}
