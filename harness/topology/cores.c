/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/cores.h"

#include <sched.h>

/* False: there is no other. */
static bool last_of(cpu_set_t *cores, size_t *ret)
{
    if (sched_getaffinity(0, sizeof(*cores), cores) != 0 || CPU_COUNT(cores) < 2)
        return false;
    for (*ret = CPU_SETSIZE - 1; !CPU_ISSET(*ret, cores); --*ret)
        ;
    return true;
}

bool hx_cores_alone(void)
{
    cpu_set_t cores;
    size_t last;

    if (!last_of(&cores, &last))
        return false;
    CPU_ZERO(&cores);
    CPU_SET(last, &cores);
    return sched_setaffinity(0, sizeof(cores), &cores) == 0;
}

bool hx_cores_beside(void)
{
    cpu_set_t cores;
    size_t last;

    if (!last_of(&cores, &last))
        return false;
    CPU_CLR(last, &cores);
    return sched_setaffinity(0, sizeof(cores), &cores) == 0;
}
