/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tls/tests/front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { CONNECTIONS = 128, CHUNK = 16 * 1024 };

struct link {
    struct front *front;
    pthread_t thread;
    int fd;
};

struct front {
    struct front_options options;
    SSL_CTX *context;
    int listener;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    unsigned accepted, refused, count;
    char name[128];
    char alpn[16];
    struct link links[CONNECTIONS];
};

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                  const unsigned char *in, unsigned in_len, void *arg)
{
    struct front *f = arg;
    unsigned char *chosen = NULL;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, (const unsigned char *)f->alpn,
                              (unsigned)strlen(f->alpn), in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int dial(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&in, sizeof(in)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool put_all(int fd, const char *data, ssize_t len)
{
    for (ssize_t n; len > 0; data += n, len -= n)
        if ((n = send(fd, data, (size_t)len, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

/* Both ways until one side ends. */
static void pass(SSL *ssl, int fd, int behind)
{
    char bytes[CHUNK];

    for (;;) {
        struct pollfd fds[2] = {{fd, POLLIN, 0}, {behind, POLLIN, 0}};
        int n;
        if (!SSL_has_pending(ssl) && poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (SSL_has_pending(ssl) || fds[0].revents != 0) {
            n = SSL_read(ssl, bytes, sizeof(bytes));
            if (n <= 0 || !put_all(behind, bytes, n))
                return;
        }
        if (fds[1].revents != 0) {
            n = (int)recv(behind, bytes, sizeof(bytes), 0);
            if (n <= 0) {
                if (n == 0)
                    SSL_shutdown(ssl);
                return;
            }
            if (SSL_write(ssl, bytes, n) <= 0)
                return;
        }
    }
}

static void note(struct front *f, SSL *ssl, bool good)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    pthread_mutex_lock(&f->lock);
    f->accepted += good;
    f->refused += !good;
    snprintf(f->name, sizeof(f->name), "%s", name != NULL ? name : "");
    pthread_mutex_unlock(&f->lock);
}

/* Let the alert be read: what the client still sends must not make a reset out of our goodbye. */
static void drain(int fd)
{
    char waste[256];

    shutdown(fd, SHUT_WR);
    while (recv(fd, waste, sizeof(waste), 0) > 0)
        ;
}

static void *serve(void *argument)
{
    struct link *link = argument;
    SSL *ssl = SSL_new(link->front->context);
    int behind = -1;

    SSL_set_fd(ssl, link->fd);
    if (SSL_accept(ssl) == 1) {
        note(link->front, ssl, true);
        behind = dial(link->front->options.behind);
        if (behind >= 0)
            pass(ssl, link->fd, behind);
    } else {
        note(link->front, ssl, false);
        drain(link->fd);
    }
    if (behind >= 0)
        close(behind);
    SSL_free(ssl);
    shutdown(link->fd, SHUT_RDWR); /* the descriptor is closed by front_free */
    ERR_clear_error();
    return NULL;
}

static void *run(void *argument)
{
    struct front *f = argument;

    for (;;) {
        int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
        struct link *link;
        if (fd < 0)
            return NULL;
        pthread_mutex_lock(&f->lock);
        link = f->count < CONNECTIONS ? &f->links[f->count] : NULL;
        if (link != NULL) {
            *link = (struct link){.front = f, .fd = fd};
            pthread_create(&link->thread, NULL, serve, link);
            f->count++;
        } else {
            close(fd);
        }
        pthread_mutex_unlock(&f->lock);
    }
}

static SSL_CTX *make_context(struct front *f)
{
    const struct front_options *o = &f->options;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (SSL_CTX_use_certificate_chain_file(context, o->cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, o->key, SSL_FILETYPE_PEM) != 1)
        abort();
    if (o->client_ca != NULL) {
        if (SSL_CTX_load_verify_locations(context, o->client_ca, NULL) != 1)
            abort();
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    if (o->alpn != NULL) {
        snprintf(f->alpn, sizeof(f->alpn), "%c%s", (char)strlen(o->alpn), o->alpn);
        SSL_CTX_set_alpn_select_cb(context, choose, f);
    }
    if (o->tls12)
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    return context;
}

struct front *front_new(const struct front_options *options)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct front *f = calloc(1, sizeof(*f));
    socklen_t len = sizeof(in);
    sigset_t all, before;

    if (f == NULL)
        abort();
    f->options = *options;
    f->context = make_context(f);
    pthread_mutex_init(&f->lock, NULL);
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(f->listener, (struct sockaddr *)&in, sizeof(in)) != 0 ||
        listen(f->listener, 16) != 0 ||
        getsockname(f->listener, (struct sockaddr *)&in, &len) != 0)
        abort();
    f->port = ntohs(in.sin_port);
    sigfillset(&all); /* SIGPIPE of the front's own writes stays pending in its threads */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_create(&f->thread, NULL, run, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return f;
}

void front_free(struct front *f)
{
    if (f == NULL)
        return;
    shutdown(f->listener, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    front_cut(f);
    for (unsigned i = 0; i < f->count; i++) {
        pthread_join(f->links[i].thread, NULL);
        close(f->links[i].fd);
    }
    close(f->listener);
    SSL_CTX_free(f->context);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

uint16_t front_port(const struct front *f)
{
    return f->port;
}

static unsigned get(struct front *f, const unsigned *number)
{
    unsigned value;

    pthread_mutex_lock(&f->lock);
    value = *number;
    pthread_mutex_unlock(&f->lock);
    return value;
}

unsigned front_accepted(struct front *f)
{
    return get(f, &f->accepted);
}

unsigned front_refused(struct front *f)
{
    return get(f, &f->refused);
}

const char *front_name(struct front *f)
{
    return f->name;
}

void front_cut(struct front *f)
{
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < f->count; i++)
        shutdown(f->links[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&f->lock);
}
