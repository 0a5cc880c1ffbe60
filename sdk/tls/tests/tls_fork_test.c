/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forks in the middle of TLS handshakes and exports: each child exports over TLS too. It fails
 * where the gate stays shut in the child; half-done calls of OpenSSL that hold a lock are too
 * short for a test to meet them, and are the gate's own word.
 *
 * The server is another process, made before any thread: its calls of OpenSSL do not pass the
 * gate, and are not to be found half done in the children either.
 *
 * Not under the sanitizers: their allocators have locks of their own, which gcc 12's do not give
 * back in a forked child. A child that is forked while another thread refills its cache waits for
 * ever in __sanitizer::Mutex::Lock below calloc(), before a line of ours is run.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sdk/exporter/tests/rig.h"
#include "sdk/tls/tests/certs.h"
#include "sdk/tls/tests/front.h"
#include "sdk/transport/tls.h"

enum { FORKS = 24, CHILD_SPANS = 3, EXPORT_MS = 60000, HANG_S = 100 };

struct server {
    pid_t pid;
    int stop; /* closed: it ends */
    uint16_t port;
};

static struct certs g_certs;

/* Names the library, so that it is linked. */
static const struct otl_tls_ops *const g_linked = &otel_sdk_tls_ops_0;

static void serve(int stop, int tell)
{
    struct front_options options = {.cert = g_certs.server, .key = g_certs.server_key};
    struct srv *srv = srv_new();
    struct front *front;
    uint16_t port;
    char byte;

    options.behind = srv_port(srv);
    front = front_new(&options);
    port = front_port(front);
    if (write(tell, &port, sizeof(port)) == (ssize_t)sizeof(port))
        while (read(stop, &byte, 1) > 0)
            continue;
    _exit(0);
}

static void server_start(struct server *server)
{
    int stop[2], tell[2];

    assert_int_equal(pipe(stop), 0);
    assert_int_equal(pipe(tell), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        close(stop[1]);
        serve(stop[0], tell[1]);
    }
    close(stop[0]);
    close(tell[1]);
    server->stop = stop[1];
    assert_int_equal(read(tell[0], &server->port, sizeof(server->port)), sizeof(server->port));
    close(tell[0]);
}

static void server_stop(struct server *server)
{
    close(server->stop);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
}

struct load {
    struct rig *rig;
    unsigned sends;
    bool stop;
};

static void *export_without_pause(void *arg)
{
    struct load *load = arg;

    while (!__atomic_load_n(&load->stop, __ATOMIC_RELAXED)) {
        if (rig_send(load->rig, 20) == OTEL_OK)
            __atomic_fetch_add(&load->sends, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* In the child. A hang is ended by the alarm, and told by the status. */
static void export_as_child(struct rig *rig, int stop)
{
    enum otel_err err;

    close(stop);
    alarm(HANG_S);
    rig_spans(rig, CHILD_SPANS);
    err = otel_sdk_provider_shutdown(rig->provider, EXPORT_MS);
    _exit(err != OTEL_OK || rig_otlp(rig).spans_delivered != CHILD_SPANS);
}

static void children_forked_amid_exports_export_too(void **state)
{
    struct server server;
    struct rig rig;
    struct load load = {.rig = &rig};
    pthread_t thread;

    (void)state;
    assert_non_null(g_linked);
    server_start(&server);
    rig_defaults(&rig);
    rig.otlp.tls_ca_file = otel_str(g_certs.ca);
    snprintf(rig.endpoint, sizeof(rig.endpoint), "https://localhost:%u/v1/traces",
             (unsigned)server.port);
    rig.otlp.endpoint = otel_str(rig.endpoint);
    rig_init(&rig);
    assert_int_equal(pthread_create(&thread, NULL, export_without_pause, &load), 0);
    for (int i = 0; i < FORKS; i++) {
        unsigned before = __atomic_load_n(&load.sends, __ATOMIC_RELAXED);
        int status = -1;
        pid_t child;

        /* the first in the handshake, others when the exports go on, every third at once */
        while (__atomic_load_n(&load.sends, __ATOMIC_RELAXED) < before + (i % 3 == 0 ? 0 : 2))
            sched_yield();
        child = fork();
        if (child == 0)
            export_as_child(&rig, server.stop);
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status != 0)
            print_message("child %d of %d: status 0x%x\n", i, FORKS, (unsigned)status);
        assert_int_equal(status, 0);
    }
    __atomic_store_n(&load.stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    rig_fini(&rig);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_forked_amid_exports_export_too),
    };
    int failed;

    certs_make(&g_certs);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    certs_remove(&g_certs);
    return failed;
}
