/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_ASCII_H
#define OTL_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/*
 * Copy text and learn on the way whether it is plain ASCII, which is nearly always so and needs
 * no further look.
 *
 * Threads   no state.
 * Memory    reads and writes exactly len bytes.
 */

static inline uint64_t otl_load64(const void *from)
{
    uint64_t word;
    memcpy(&word, from, 8);
    return word;
}

static inline uint32_t otl_load32(const void *from)
{
    uint32_t word;
    memcpy(&word, from, 4);
    return word;
}

/* Fewer than 16 bytes; the two halves of a copy may overlap. */
static inline bool otl_copy_ascii_short(uint8_t *to, const char *from, size_t len)
{
    uint64_t seen = 0;

    if (len >= 8) {
        uint64_t first = otl_load64(from), last = otl_load64(from + len - 8);
        memcpy(to, &first, 8);
        memcpy(to + len - 8, &last, 8);
        seen = first | last;
    } else if (len >= 4) {
        uint32_t first = otl_load32(from), last = otl_load32(from + len - 4);
        memcpy(to, &first, 4);
        memcpy(to + len - 4, &last, 4);
        seen = first | last;
    } else {
        for (size_t i = 0; i < len; i++) {
            to[i] = (uint8_t)from[i];
            seen |= (uint8_t)from[i];
        }
    }
    return (seen & 0x8080808080808080ULL) == 0;
}

/* True if every byte is below 0x80; all bytes are copied in any case. */
static inline bool otl_copy_ascii(uint8_t *to, const char *from, size_t len)
{
    if (len < 16)
        return otl_copy_ascii_short(to, from, len);
#if defined(__SSE2__)
    __m128i seen = _mm_loadu_si128((const __m128i *)(const void *)(from + len - 16)), word = seen;
    for (size_t i = 0; i + 16 < len; i += 16) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
        _mm_storeu_si128((__m128i *)(void *)(to + i), part);
        seen = _mm_or_si128(seen, part);
    }
    _mm_storeu_si128((__m128i *)(void *)(to + len - 16), word);
    return _mm_movemask_epi8(seen) == 0;
#else
    bool plain = true;
    for (; len >= 15; from += 8, to += 8, len -= 8)
        plain = otl_copy_ascii_short(to, from, 8) && plain;
    return otl_copy_ascii_short(to, from, len) && plain;
#endif
}

#endif
