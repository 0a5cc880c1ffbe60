/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/pauses.h"

void hx_pauses_look(struct hx_pauses *pauses, uint64_t now_ns, uint64_t from_ns)
{
    uint64_t due = pauses->due_ns > from_ns ? pauses->due_ns : from_ns;
    uint64_t late = pauses->due_ns != 0 && now_ns > due ? now_ns - due : 0;

    pauses->due_ns = now_ns + HX_PAUSE_TICK_NS;
    if (late <= HX_PAUSE_FROM_NS)
        return;
    pauses->count++;
    pauses->total_ns += late;
    if (late <= pauses->longest_ns)
        return;
    pauses->longest_ns = late;
    pauses->longest_at = now_ns;
}
