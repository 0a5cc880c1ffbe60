/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_H2_CLIENT_H
#define OTL_H2_CLIENT_H

#include <nghttp2/nghttp2.h>

/*
 * An HTTP/2 session of a client: libnghttp2's, with memory from the one door and our settings (no
 * push, a window of 1 MiB a stream).
 *
 * Life      new -> nghttp2_session_del().
 * Threads   that of the connection.
 */

/* NULL: no memory. callbacks are copied; each gets context. */
nghttp2_session *otl_h2_client_new(const nghttp2_session_callbacks *callbacks, void *context);

#endif
