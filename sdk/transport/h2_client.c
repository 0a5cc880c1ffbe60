/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/h2_client.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sdk/base/mem.h"

enum { WINDOW = 1 << 20, SMALLEST = 64 };

/* nghttp2's memory comes through the one door, too. Blocks have room for SMALLEST << 0, 1, 2 ...
 * bytes; what is larger than all of them is never kept. This stands in front of the room. */
struct otl_h2_block {
    alignas(max_align_t) unsigned size; /* which one; OTL_H2_SIZES: larger */
    struct otl_h2_block *next;          /* while it is kept */
};

static size_t room_of(unsigned size)
{
    return (size_t)SMALLEST << size;
}

static void *mem_alloc(size_t bytes, void *context)
{
    struct otl_h2_memory *memory = context;
    struct otl_h2_block *block;
    unsigned size = 0;

    while (size < OTL_H2_SIZES && room_of(size) < bytes)
        size++;
    if (size < OTL_H2_SIZES && memory->kept[size] != NULL) {
        block = memory->kept[size];
        memory->kept[size] = block->next;
        memory->count[size]--;
        return block + 1;
    }
    if (bytes > SIZE_MAX - sizeof(*block))
        return NULL;
    block = otl_mem_alloc(sizeof(*block) + (size < OTL_H2_SIZES ? room_of(size) : bytes));
    if (block == NULL)
        return NULL;
    block->size = size;
    return block + 1;
}

static void mem_free(void *bytes, void *context)
{
    struct otl_h2_memory *memory = context;
    struct otl_h2_block *block;

    if (bytes == NULL)
        return;
    block = (struct otl_h2_block *)bytes - 1;
    if (block->size == OTL_H2_SIZES || memory->count[block->size] == OTL_H2_KEPT) {
        otl_mem_free(block);
        return;
    }
    block->next = memory->kept[block->size];
    memory->kept[block->size] = block;
    memory->count[block->size]++;
}

static void *mem_calloc(size_t count, size_t size, void *context)
{
    void *bytes = size != 0 && count > SIZE_MAX / size ? NULL : mem_alloc(count * size, context);

    if (bytes != NULL)
        memset(bytes, 0, count * size);
    return bytes;
}

/* A block that is larger than all sizes stays one. */
static void *mem_realloc(void *bytes, size_t wanted, void *context)
{
    struct otl_h2_block *block;
    void *larger;

    if (bytes == NULL)
        return mem_alloc(wanted, context);
    block = (struct otl_h2_block *)bytes - 1;
    if (block->size == OTL_H2_SIZES) {
        block = wanted > SIZE_MAX - sizeof(*block)
                    ? NULL
                    : otl_mem_realloc(block, sizeof(*block) + wanted);
        return block == NULL ? NULL : block + 1;
    }
    if (wanted <= room_of(block->size))
        return bytes;
    larger = mem_alloc(wanted, context);
    if (larger == NULL)
        return NULL;
    memcpy(larger, bytes, room_of(block->size));
    mem_free(bytes, context);
    return larger;
}

void otl_h2_memory_fini(struct otl_h2_memory *memory)
{
    for (unsigned size = 0; size < OTL_H2_SIZES; size++)
        while (memory->kept[size] != NULL) {
            struct otl_h2_block *block = memory->kept[size];
            memory->kept[size] = block->next;
            otl_mem_free(block);
        }
    memset(memory, 0, sizeof(*memory));
}

nghttp2_session *otl_h2_client_new(const nghttp2_session_callbacks *callbacks, void *context,
                                   struct otl_h2_memory *memory)
{
    nghttp2_mem functions = {memory, mem_alloc, mem_free, mem_calloc, mem_realloc};
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW}};
    nghttp2_session *session = NULL;

    if (nghttp2_session_client_new3(&session, callbacks, context, NULL, &functions) != 0)
        return NULL;
    if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
                                sizeof(settings) / sizeof(settings[0])) != 0) {
        nghttp2_session_del(session);
        return NULL;
    }
    return session;
}
