/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_ERR_H
#define OTEL_ERR_H

/*
 * Errors: the one idiom of the project.
 *
 * A function that can fail returns enum otel_err and must be looked at. Outputs are named
 * ret_..., error details reterr_...; nothing is written to an output on failure. The tracing
 * API itself (otel_span_..., otel_tracer_...) never fails and returns none of these.
 *
 * Threads   values only; no state.
 */

#if defined(__GNUC__)
#define OTEL_MUST_USE __attribute__((warn_unused_result))
#define OTEL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define OTEL_API __attribute__((visibility("default")))
#else
#define OTEL_MUST_USE
#define OTEL_PRINTF(fmt, args)
#define OTEL_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a caller may do about an error; switch on this, print the code. */
enum otel_err_class {
    OTEL_CLASS_NONE,      /* no error */
    OTEL_CLASS_RETRYABLE, /* the same call may succeed later */
    OTEL_CLASS_PERMANENT, /* the same call will fail again */
    OTEL_CLASS_CLOSED,    /* the object or the peer is gone */
    OTEL_CLASS_BLOCKED,   /* nothing to do now; wait for an event */
    OTEL_CLASS_USAGE,     /* the caller or its input is wrong */
    OTEL_CLASS_INTERNAL   /* this program or its environment is in trouble */
};

/* code, class, text */
#define OTEL_ERR_LIST(X)                                                                          \
    X(OTEL_OK, NONE, "success")                                                                   \
    X(OTEL_ERR_ARGUMENT, USAGE, "an argument is missing, out of range or inconsistent")           \
    X(OTEL_ERR_SYNTAX, USAGE, "the input does not follow its grammar")                            \
    X(OTEL_ERR_NOT_FOUND, USAGE, "no such thing")                                                 \
    X(OTEL_ERR_UNSUPPORTED, USAGE, "not supported here")                                          \
    X(OTEL_ERR_LIMIT, PERMANENT, "a stated maximum was reached")                                  \
    X(OTEL_ERR_CORRUPT, PERMANENT, "the data is damaged or truncated")                            \
    X(OTEL_ERR_REFUSED, PERMANENT, "the peer refused")                                            \
    X(OTEL_ERR_TIMEOUT, RETRYABLE, "the time limit passed")                                       \
    X(OTEL_ERR_UNAVAILABLE, RETRYABLE, "the peer cannot be reached or asks to wait")              \
    X(OTEL_ERR_CLOSED, CLOSED, "already closed or shut down")                                     \
    X(OTEL_ERR_BLOCKED, BLOCKED, "nothing to do yet")                                             \
    X(OTEL_ERR_MEMORY, INTERNAL, "allocation failed")                                             \
    X(OTEL_ERR_THREAD, INTERNAL, "a thread could not be created")                                 \
    X(OTEL_ERR_IO, INTERNAL, "the operating system reported an error")

enum otel_err {
#define OTEL_ERR_ENUM(code, class, text) code,
    OTEL_ERR_LIST(OTEL_ERR_ENUM)
#undef OTEL_ERR_ENUM
};

/* "OTEL_ERR_LIMIT"; static, never NULL. */
OTEL_API const char *otel_err_name(enum otel_err err);
/* "a stated maximum was reached"; static, never NULL. */
OTEL_API const char *otel_err_text(enum otel_err err);
OTEL_API enum otel_err_class otel_err_class(enum otel_err err);

#ifdef __cplusplus
}
#endif
#endif
