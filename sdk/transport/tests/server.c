/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/tests/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 32, REQUESTS = 64, CONNECTIONS = 16, KEPT = 1 << 20, HEAD_ROOM = 64 * 1024 };

struct connection {
    int fd; /* -1: free */
    unsigned number;
    char *bytes; /* KEPT + HEAD_ROOM */
    size_t len;  /* bytes of the request so far, also those that were not kept */
    size_t head_len;
    size_t body_len;
    bool silent;
    bool deaf;
};

struct srv {
    int listener, stop;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct srv_step steps[STEPS];
    unsigned pushed, taken;
    struct srv_request requests[REQUESTS];
    unsigned count, opened;
    struct connection connections[CONNECTIONS];
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

static void hang_up(struct connection *c, bool reset)
{
    struct linger linger = {1, 0};

    if (reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(c->fd);
    c->fd = -1;
}

static struct srv_step next_step(struct srv *srv)
{
    struct srv_step step = {.raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};

    pthread_mutex_lock(&srv->lock);
    if (srv->taken < srv->pushed)
        step = srv->steps[srv->taken];
    if (srv->taken < srv->pushed && !step.for_ever)
        srv->taken++;
    pthread_mutex_unlock(&srv->lock);
    return step;
}

static bool peek_step(struct srv *srv, bool at_accept, bool after_head)
{
    bool found = false;

    pthread_mutex_lock(&srv->lock);
    if (srv->taken < srv->pushed)
        found = (at_accept && srv->steps[srv->taken].at_accept) ||
                (after_head && srv->steps[srv->taken].after_head);
    pthread_mutex_unlock(&srv->lock);
    return found;
}

static void act(struct srv *srv, struct connection *c)
{
    struct srv_step step = next_step(srv);
    char filler[4096];

    memset(filler, 'x', sizeof(filler));
    write_all(c->fd, step.raw, step.raw_len ? step.raw_len : strlen(step.raw));
    while (step.pad > 0) {
        size_t part = step.pad < sizeof(filler) ? step.pad : sizeof(filler);
        write_all(c->fd, filler, part);
        step.pad -= part;
    }
    if (step.then == SRV_CLOSE || step.then == SRV_RESET)
        hang_up(c, step.then == SRV_RESET);
    c->silent = step.then == SRV_SILENT;
    c->deaf = step.then == SRV_DEAF;
}

static void record(struct srv *srv, const struct connection *c)
{
    size_t kept = c->len < KEPT + HEAD_ROOM ? c->len : KEPT + HEAD_ROOM;
    struct srv_request *r;

    pthread_mutex_lock(&srv->lock);
    if (srv->count < REQUESTS) {
        r = &srv->requests[srv->count];
        r->connection = c->number;
        r->at_ns = now_ns();
        r->head_len = c->head_len;
        r->body_len = c->body_len;
        r->head = strndup(c->bytes, c->head_len);
        r->body = malloc(kept - c->head_len + 1);
        assert(r->head != NULL && r->body != NULL);
        memcpy(r->body, c->bytes + c->head_len, kept - c->head_len);
        srv->count++;
        pthread_cond_broadcast(&srv->changed);
    }
    pthread_mutex_unlock(&srv->lock);
}

static void look_at(struct srv *srv, struct connection *c)
{
    struct srv_request head;
    char *end, length[32];

    if (c->head_len == 0) {
        end = memmem(c->bytes, c->len, "\r\n\r\n", 4);
        if (end == NULL)
            return;
        c->head_len = (size_t)(end + 4 - c->bytes);
        head.head = strndup(c->bytes, c->head_len);
        c->body_len = srv_header(&head, "Content-Length", length, sizeof(length))
                          ? (size_t)strtoull(length, NULL, 10)
                          : 0;
        free(head.head);
        if (peek_step(srv, false, true)) {
            record(srv, c);
            act(srv, c);
            return;
        }
    }
    if (c->len < c->head_len + c->body_len)
        return;
    record(srv, c);
    c->len = 0;
    c->head_len = 0;
    act(srv, c);
}

static void on_bytes(struct srv *srv, struct connection *c)
{
    static char waste[65536];
    size_t room = c->len < KEPT + HEAD_ROOM ? KEPT + HEAD_ROOM - c->len : 0;
    ssize_t n = room ? recv(c->fd, c->bytes + c->len, room, 0)
                     : recv(c->fd, waste, sizeof(waste), 0);

    if (n <= 0) {
        hang_up(c, false);
        return;
    }
    if (c->silent)
        return;
    c->len += (size_t)n;
    look_at(srv, c);
}

static void on_accept(struct srv *srv)
{
    int fd = accept4(srv->listener, NULL, NULL, SOCK_CLOEXEC);
    struct connection *c = NULL;

    for (int i = 0; i < CONNECTIONS && c == NULL; i++)
        if (srv->connections[i].fd < 0)
            c = &srv->connections[i];
    if (fd < 0 || c == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    c->fd = fd;
    c->len = 0;
    c->head_len = 0;
    c->silent = false;
    c->deaf = false;
    if (c->bytes == NULL)
        c->bytes = malloc(KEPT + HEAD_ROOM);
    pthread_mutex_lock(&srv->lock);
    c->number = srv->opened++;
    pthread_mutex_unlock(&srv->lock);
    if (peek_step(srv, true, false))
        act(srv, c);
}

static void *run(void *argument)
{
    struct srv *srv = argument;

    for (;;) {
        struct pollfd fds[CONNECTIONS + 2] = {{srv->stop, POLLIN, 0}, {srv->listener, POLLIN, 0}};
        for (int i = 0; i < CONNECTIONS; i++)
            fds[i + 2] = (struct pollfd){
                srv->connections[i].deaf ? -1 : srv->connections[i].fd, POLLIN, 0};
        if (poll(fds, CONNECTIONS + 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents != 0)
            break;
        for (int i = 0; i < CONNECTIONS; i++)
            if (fds[i + 2].fd >= 0 && fds[i + 2].revents != 0)
                on_bytes(srv, &srv->connections[i]);
        if (fds[1].revents != 0)
            on_accept(srv);
    }
    return NULL;
}

struct srv *srv_new(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct srv *srv = calloc(1, sizeof(*srv));
    socklen_t len = sizeof(in);
    int code;

    assert(srv != NULL);
    srv->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    code = bind(srv->listener, (struct sockaddr *)&in, sizeof(in));
    assert(code == 0);
    code = listen(srv->listener, 16);
    assert(code == 0);
    code = getsockname(srv->listener, (struct sockaddr *)&in, &len);
    assert(code == 0);
    (void)code;
    srv->port = ntohs(in.sin_port);
    srv->stop = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&srv->lock, NULL);
    pthread_cond_init(&srv->changed, NULL);
    for (int i = 0; i < CONNECTIONS; i++)
        srv->connections[i].fd = -1;
    pthread_create(&srv->thread, NULL, run, srv);
    return srv;
}

void srv_free(struct srv *srv)
{
    uint64_t one = 1;

    if (srv == NULL)
        return;
    if (write(srv->stop, &one, sizeof(one)) != sizeof(one))
        abort();
    pthread_join(srv->thread, NULL);
    for (int i = 0; i < CONNECTIONS; i++) {
        if (srv->connections[i].fd >= 0)
            close(srv->connections[i].fd);
        free(srv->connections[i].bytes);
    }
    for (unsigned i = 0; i < srv->count; i++) {
        free(srv->requests[i].head);
        free(srv->requests[i].body);
    }
    close(srv->listener);
    close(srv->stop);
    pthread_mutex_destroy(&srv->lock);
    pthread_cond_destroy(&srv->changed);
    free(srv);
}

uint16_t srv_port(const struct srv *srv)
{
    return srv->port;
}

void srv_push(struct srv *srv, const struct srv_step *step)
{
    pthread_mutex_lock(&srv->lock);
    assert(srv->pushed < STEPS);
    srv->steps[srv->pushed++] = *step;
    pthread_mutex_unlock(&srv->lock);
}

void srv_push_answer(struct srv *srv, unsigned status, const char *headers, const char *body,
                     size_t body_len)
{
    struct srv_step step = {.then = SRV_KEEP};
    int n = snprintf(step.raw, sizeof(step.raw),
                     "HTTP/1.1 %u x\r\n%sContent-Length: %zu\r\n\r\n", status, headers, body_len);

    assert(n > 0 && (size_t)n + body_len <= sizeof(step.raw));
    if (body_len > 0)
        memcpy(step.raw + n, body, body_len);
    step.raw_len = (size_t)n + body_len;
    srv_push(srv, &step);
}

bool srv_wait(struct srv *srv, unsigned count)
{
    struct timespec end;
    bool good;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 10;
    pthread_mutex_lock(&srv->lock);
    while (srv->count < count &&
           pthread_cond_timedwait(&srv->changed, &srv->lock, &end) != ETIMEDOUT)
        ;
    good = srv->count >= count;
    pthread_mutex_unlock(&srv->lock);
    return good;
}

unsigned srv_count(struct srv *srv)
{
    unsigned count;

    pthread_mutex_lock(&srv->lock);
    count = srv->count;
    pthread_mutex_unlock(&srv->lock);
    return count;
}

unsigned srv_connections(struct srv *srv)
{
    unsigned opened;

    pthread_mutex_lock(&srv->lock);
    opened = srv->opened;
    pthread_mutex_unlock(&srv->lock);
    return opened;
}

const struct srv_request *srv_request(struct srv *srv, unsigned i)
{
    assert(i < srv_count(srv));
    return &srv->requests[i];
}

bool srv_header(const struct srv_request *request, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);

    for (const char *line = request->head; line != NULL; line = strstr(line, "\r\n")) {
        if (line != request->head)
            line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *value = line + len + 1 + strspn(line + len + 1, " ");
            snprintf(out, size, "%.*s", (int)strcspn(value, "\r"), value);
            return true;
        }
    }
    return false;
}
