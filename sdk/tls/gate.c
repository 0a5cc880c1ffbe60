/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tls/gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One who wants to fork or exit is not overtaken for ever. */
#define OPEN_GATE PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP

static pthread_rwlock_t g_gate = OPEN_GATE;
static pthread_once_t g_once = PTHREAD_ONCE_INIT;
static bool g_closed;

static void close_for_good(void)
{
    pthread_rwlock_wrlock(&g_gate);
    g_closed = true;
    pthread_rwlock_unlock(&g_gate);
}

static void before_fork(void)
{
    pthread_rwlock_wrlock(&g_gate);
}

static void after_fork_in_parent(void)
{
    pthread_rwlock_unlock(&g_gate);
}

/* Those who waited at the lock are not here: begin with a new one. */
static void after_fork_in_child(void)
{
    static const pthread_rwlock_t fresh = OPEN_GATE;

    memcpy(&g_gate, &fresh, sizeof(fresh));
}

static void set_up(void)
{
    atexit(close_for_good);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void otl_gate_set_up(void)
{
    pthread_once(&g_once, set_up);
}

bool otl_gate_enter(void)
{
    pthread_rwlock_rdlock(&g_gate);
    if (!g_closed)
        return true;
    pthread_rwlock_unlock(&g_gate);
    return false;
}

void otl_gate_leave(void)
{
    pthread_rwlock_unlock(&g_gate);
}
