/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_ENVIRONMENT_CARRIER_H
#define OTEL_ENVIRONMENT_CARRIER_H

#include <otel/propagation.h>

/*
 * Environment carrier: context handed to a child process in its environment.
 *
 * Use it where a program starts others (a build, a batch job) and both ends trace: the parent
 * injects into a block for execve(), the child extracts from its own environment.
 *
 *     struct otel_environment *env = NULL;
 *     if (otel_environment_new(environ, &env) == OTEL_OK) {
 *         otel_propagator_inject(NULL, NULL, env, otel_environment_setter());
 *         posix_spawn(&pid, path, NULL, NULL, argv, otel_environment_block(env));
 *     }
 *     otel_environment_free(env);
 *
 * The process's own environment is never changed: setenv() is not safe beside other threads.
 *
 * Life      new -> inject -> block -> free.
 * Threads   one owner. The getter reads the environment given to it, which must not change
 *           meanwhile.
 * Memory    the block copies names and values.
 * Limits    names 256 bytes, values 64 KiB, 65536 variables. What exceeds them, or holds a NUL, is
 *           left out whole; with the first failed allocation nothing more is set.
 *
 * Names: letters become upper case, every byte that is no letter, digit or _ becomes _, and a
 * digit in front gets a _ before it: traceparent is TRACEPARENT, x-b3-traceid X_B3_TRACEID.
 *
 * Spec: OpenTelemetry context, "Environment Variables as Context Propagation Carriers".
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_environment;

/* Copies variables (NULL-terminated NAME=VALUE, as environ; NULL: none).
 * OTEL_ERR_ARGUMENT: ret is NULL. OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_environment_new(char *const *variables,
                                                          struct otel_environment **ret);
OTEL_API void otel_environment_free(struct otel_environment *environment);
/* For execve(): NULL-terminated, valid until the next set or free. Of NULL: an empty one. */
OTEL_API char *const *otel_environment_block(const struct otel_environment *environment);

/* The carrier is a struct otel_environment; NULL: nothing is set. */
OTEL_API const struct otel_text_map_setter *otel_environment_setter(void);
/* The carrier is a char *const * like environ; NULL: the process's own. */
OTEL_API const struct otel_text_map_getter *otel_environment_getter(void);

enum { OTEL_ENVIRONMENT_NAME_MAX = 256 };
/* The name that key has in an environment, with a NUL; out has OTEL_ENVIRONMENT_NAME_MAX + 1
 * bytes. Returns its length, 0 if key is empty or too long, or out is
 * NULL. */
OTEL_API size_t otel_environment_name(struct otel_str key, char *out);

#ifdef __cplusplus
}
#endif
#endif
