/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_DETECTORS_H
#define OTEL_SDK_DETECTORS_H

#include <otel/sdk/resource.h>

/*
 * Detectors: what a process can find out about itself and where it runs, as a resource.
 *
 * Not for what operators say (OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME): that wins over
 * detectors in otel_sdk_from_env(), which takes them by its option.
 *
 *   process    process.pid, .parent_pid, .executable.name, .executable.path, .owner. Not the
 *              arguments: they may hold secrets.
 *   host       host.name, host.arch, host.id (/etc/machine-id)
 *   os         os.type (linux), os.name, os.version, os.description (/etc/os-release)
 *   container  container.id, from the paths of the control groups, or of what is mounted
 *   service    service.name from OTEL_SERVICE_NAME, service.instance.id as a random UUID
 *   entities   those of OTEL_ENTITIES (otel/sdk/entity.h). What is wrong there is passed over in
 *              silence; otel_sdk_from_env() tells it, and needs no detector for them.
 *              In development in the specification, so not among all
 *
 * Life      each call looks anew; pids of a forked child differ from its parent's.
 * Threads   no state; service and entities read the environment, which must not change meanwhile.
 * Memory    as every resource.
 * Limits    files are read up to 64 KiB (mounts: 1 MiB).
 *
 * What cannot be found is left out: that is no error.
 *
 * Spec: OpenTelemetry resource SDK, "Detecting resource information"; semantic conventions for
 * process, host, os, container, service; entities, "EnvEntityDetector".
 */

#ifdef __cplusplus
extern "C" {
#endif

enum {
    OTEL_SDK_DETECT_PROCESS = 1,
    OTEL_SDK_DETECT_HOST = 2,
    OTEL_SDK_DETECT_OS = 4,
    OTEL_SDK_DETECT_CONTAINER = 8,
    OTEL_SDK_DETECT_SERVICE = 16,
    OTEL_SDK_DETECT_ALL = 31,
    OTEL_SDK_DETECT_ENTITIES = 32
};

/* detectors: any of the above, added. OTEL_ERR_ARGUMENT: another bit. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_sdk_detect(unsigned detectors,
                                                     struct otel_sdk_resource **ret);

#ifdef __cplusplus
}
#endif
#endif
