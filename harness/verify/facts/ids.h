/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_IDS_H
#define HX_IDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Trace and span ids as table keys. Who gets a row by such a key compares the ids themselves.
 */

static inline uint64_t hx_trace_key(const uint8_t trace_id[16])
{
    uint64_t half[2];

    memcpy(half, trace_id, sizeof half);
    return half[0] * UINT64_C(0xff51afd7ed558ccd) ^ half[1];
}

/* A span id alone: that two traces have the same one is no accident either. */
static inline uint64_t hx_span_key(const uint8_t span_id[8])
{
    uint64_t id;

    memcpy(&id, span_id, sizeof id);
    return id;
}

static inline bool hx_id_zero(const uint8_t *id, size_t len)
{
    uint8_t any = 0;

    for (size_t i = 0; i < len; i++)
        any |= id[i];
    return any == 0;
}

#endif
