/* SPDX-License-Identifier: Apache-2.0 */
/* The batch processor whose exporter does not return: nobody waits for it longer than he said. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/processor/batch_impl.h"
#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"

enum { WAITERS = 2 };

static void *flush_without_a_limit(void *provider)
{
    return (void *)(uintptr_t)otel_sdk_provider_force_flush(provider, OTEL_SDK_NO_TIMEOUT);
}

static void await_flushes(struct otl_batch *batch, uint64_t count)
{
    uint64_t asked = 0;

    while (asked < count && poll(NULL, 0, 1) == 0) {
        pthread_mutex_lock(&batch->lock);
        asked = batch->flush_asked;
        pthread_mutex_unlock(&batch->lock);
    }
}

static void a_shutdown_that_gives_up_ends_the_flushes_too(void **state)
{
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_batch_options options;
    pthread_t threads[WAITERS];
    struct fake fake;
    struct rig rig;
    void *flushed;

    (void)state;
    rig_init(&rig);
    fake_init(&fake, FAKE_BLOCK);
    otel_sdk_batch_options_init(&options);
    assert_int_equal(otel_sdk_batch_new(&options, &fake.exporter, &processor), OTEL_OK);
    rig_start_with(&rig, processor);
    one_span(&rig, "held");
    for (size_t i = 0; i < WAITERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, flush_without_a_limit, rig.provider), 0);
    assert_true(fake_wait_spans(&fake, 1));
    await_flushes((struct otl_batch *)processor, WAITERS);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 50), OTEL_ERR_TIMEOUT);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_join(threads[i], &flushed), 0);
        assert_int_equal((uintptr_t)flushed, OTEL_ERR_TIMEOUT);
    }
    fake_release(&fake);
    assert_true(fake_wait_shutdown(&fake));
    rig_fini(&rig);
    fake_fini(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shutdown_that_gives_up_ends_the_flushes_too),
    };

    return cmocka_run_group_tests_name("stuck", tests, NULL, NULL);
}
