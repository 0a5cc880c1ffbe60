/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_H2_CLIENT_H
#define OTL_H2_CLIENT_H

#include <nghttp2/nghttp2.h>

/*
 * An HTTP/2 session of a client: libnghttp2's, with memory from the one door and our settings (no
 * push, a window of 1 MiB a stream).
 *
 * Life      memory all zero -> new -> nghttp2_session_del() -> new ... -> otl_h2_memory_fini().
 * Threads   that of the connection.
 * Memory    what a session gives back is kept for its next request, or the next session: a call
 *           on a warm connection takes nothing from the heap. At most OTL_H2_KEPT blocks of each
 *           size, about 64 KiB in all.
 */

enum { OTL_H2_SIZES = 6, OTL_H2_KEPT = 16 };

struct otl_h2_memory {
    struct otl_h2_block *kept[OTL_H2_SIZES]; /* a list for each size */
    unsigned count[OTL_H2_SIZES];
};

/* NULL: no memory. callbacks are copied; each gets context. memory is borrowed until the session
 * is deleted. */
nghttp2_session *otl_h2_client_new(const nghttp2_session_callbacks *callbacks, void *context,
                                   struct otl_h2_memory *memory);
/* Give back what is kept; no session may use it any more. */
void otl_h2_memory_fini(struct otl_h2_memory *memory);

#endif
