/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/api/global.h"

#include <pthread.h>

static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;

static void follow_forks(void)
{
    pthread_atfork(otl_global_lock, otl_global_unlock, otl_global_unlock);
}

void otl_global_lock(void)
{
    pthread_mutex_lock(&g_lock);
}

void otl_global_lock_to_set(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, follow_forks);
    otl_global_lock();
}

void otl_global_unlock(void)
{
    pthread_mutex_unlock(&g_lock);
}
