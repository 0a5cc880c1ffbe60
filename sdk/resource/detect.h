/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_DETECT_H
#define OTL_DETECT_H

#include <stdbool.h>

#include <otel/sdk/detectors.h>

#include "sdk/base/buf.h"

/*
 * The detectors with the places where they look, so that tests can give them others; and the two
 * files that hide a container's id, as pure functions.
 *
 * Threads   no state.
 */

struct otl_detect_source {
    const char *root; /* stands before "/etc/..." and "/proc/..."; "" on a real machine */
    const char *(*getenv)(void *arg, const char *name); /* NULL: the process's environment */
    void *getenv_arg;
};

OTEL_MUST_USE enum otel_err otl_detect(const struct otl_detect_source *source, unsigned detectors,
                                       struct otel_sdk_resource **ret);

enum { OTL_CONTAINER_ID_LEN = 64 };

/* The last 64 hexadecimal digits that stand alone in the path of a line of /proc/self/cgroup:
 *     12:memory:/docker/ID   0::/system.slice/docker-ID.scope   0::/kubepods/.../cri-containerd-ID
 * out has OTL_CONTAINER_ID_LEN + 1 bytes. */
bool otl_container_of_cgroup(struct otl_view text, char *out);
/* The same in /proc/self/mountinfo, where cgroup v2 hides the path: only behind "/containers/", as
 * in .../containers/ID/hostname. */
bool otl_container_of_mounts(struct otl_view text, char *out);
/* NAME=value or NAME="value" of /etc/os-release into out, cut to its size; false if absent. */
bool otl_os_release(struct otl_view text, const char *name, char *out, size_t size);

#endif
