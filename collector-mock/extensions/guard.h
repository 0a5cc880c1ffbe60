/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXTENSIONS_GUARD_H
#define COL_EXTENSIONS_GUARD_H

#include "collector-mock/pipeline/component.h"

/*
 * Who may send: what a receiver asks about the header of a request, basicauth with a password file
 * or bearertokenauth.
 *
 * A password whose form is made to take long (bcrypt) is checked on a thread of its own, while the
 * loop goes on; what came out is remembered by a keyed digest, so that the next request with the
 * same words is answered at once. Requests that bring them meanwhile wait for the same check.
 *
 * Life      new -> start (the thread, if a form is slow) -> ask... -> free. A receiver calls
 *           forget before it goes.
 * Threads   that of the event loop; the check alone is elsewhere.
 * Limits    64 checks at a time and 1,024 requests that wait for them; what is over is BUSY, and
 *           the client may come again. 256 remembered words, the least used one goes first.
 */

enum col_guard_word {
    COL_GUARD_GRANTED,
    COL_GUARD_REFUSED,
    COL_GUARD_BUSY, /* too many checks are under way */
    COL_GUARD_LATER
};

/* What was LATER; text: why it is not granted. */
typedef void col_guard_fn(void *owner, void *request, enum col_guard_word word, const char *text);

struct col_guard;
struct col_htpasswd;

struct col_guard_options {
    const char *id;            /* of the extension; lives as long as this */
    struct col_htpasswd *file; /* taken over; NULL: tokens */
    struct otl_buf *tokens;    /* header values, each with a NUL; taken over (left empty) */
    const char *header;        /* "Authorization"; lives as long as this */
    struct col_host *host;
};

/* The id is known to the host until free. OTEL_ERR_MEMORY, OTEL_ERR_IO. */
OTEL_MUST_USE enum otel_err col_guard_new(const struct col_guard_options *options,
                                          struct col_guard **ret);
void col_guard_free(struct col_guard *guard); /* may be NULL */

/* NULL: none of this id was started. */
struct col_guard *col_guard_of(const struct col_host *host, const char *id);
/* In lower case. */
const char *col_guard_header(const struct col_guard *guard);

/* Of a header that was granted what is behind "Basic "; empty: the guard is one of tokens. */
struct otl_view col_guard_credentials(const struct col_guard *guard, struct otl_view value);

struct col_guard_wait {
    void *owner, *request;
    col_guard_fn *on_word; /* called once, if the word is LATER, unless the owner is forgotten */
};

/* value: of the header, empty when it is absent. *ret_text: why, unless GRANTED or LATER; until
 * the next call. */
enum col_guard_word col_guard_ask(struct col_guard *guard, struct otl_view value,
                                  const struct col_guard_wait *wait, const char **ret_text);
/* Its requests that wait are not told any more. guard may be NULL. */
void col_guard_forget(struct col_guard *guard, const void *owner);

#endif
