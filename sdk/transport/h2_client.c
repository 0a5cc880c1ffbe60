/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/h2_client.h"

#include <stdint.h>

#include "sdk/base/mem.h"

enum { WINDOW = 1 << 20 };

/* nghttp2's memory comes through the one door, too. */
static void *mem_alloc(size_t size, void *unused)
{
    (void)unused;
    return otl_mem_alloc(size);
}

static void mem_free(void *memory, void *unused)
{
    (void)unused;
    otl_mem_free(memory);
}

static void *mem_calloc(size_t count, size_t size, void *unused)
{
    (void)unused;
    return size != 0 && count > SIZE_MAX / size ? NULL : otl_mem_zalloc(count * size);
}

static void *mem_realloc(void *memory, size_t size, void *unused)
{
    (void)unused;
    return otl_mem_realloc(memory, size);
}

nghttp2_session *otl_h2_client_new(const nghttp2_session_callbacks *callbacks, void *context)
{
    nghttp2_mem memory = {NULL, mem_alloc, mem_free, mem_calloc, mem_realloc};
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW}};
    nghttp2_session *session = NULL;

    if (nghttp2_session_client_new3(&session, callbacks, context, NULL, &memory) != 0)
        return NULL;
    if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
                                sizeof(settings) / sizeof(settings[0])) != 0) {
        nghttp2_session_del(session);
        return NULL;
    }
    return session;
}
