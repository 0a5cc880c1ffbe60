/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXTENSIONS_HTPASSWD_H
#define COL_EXTENSIONS_HTPASSWD_H

#include <stdbool.h>

#include "sdk/base/buf.h"

/*
 * A password file: lines of USER:PASSWORD, the password in one of the forms of htpasswd.
 *
 * Forms: bcrypt ($2a$, $2b$, $2y$), MD5 ($apr1$, $1$), SHA-256 and SHA-512 of crypt ($5$, $6$),
 * {SHA}, {SSHA}, and anything else as it is, plain. Of two lines for a user the last one counts. A
 * line without a colon is passed over, as the Collector does.
 *
 * Threads   find and match change nothing: any thread.
 * Memory    the text is copied once; users point into the copy.
 * Limits    65,536 users, 1 MiB of text.
 */

struct col_htpasswd;
struct col_htpasswd_user;

/* OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. *ret_skipped: lines without a colon. */
OTEL_MUST_USE enum otel_err col_htpasswd_new(struct otl_view text, struct col_htpasswd **ret,
                                             size_t *ret_skipped);
void col_htpasswd_free(struct col_htpasswd *file); /* may be NULL */
/* NULL: there is none of this name. */
const struct col_htpasswd_user *col_htpasswd_find(const struct col_htpasswd *file,
                                                  struct otl_view name);
/* It is made to take long: not for the thread of an event loop. */
bool col_htpasswd_is_slow(const struct col_htpasswd_user *user);
/* Takes the same time for a wrong password as for the right one. */
bool col_htpasswd_match(const struct col_htpasswd_user *user, struct otl_view password);

#endif
