/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "collector-mock/wire/json.h"
#include "collector-mock/wire/metrics.h"
#include "collector-mock/wire/regroup.h"
#include "collector-mock/wire/tests/witness.h"

/* Any bytes as metrics and as logs, in both forms, by the first byte: the readers must not read
 * outside them; where protobuf-c takes them too, both must count the same (what only one of them
 * takes is not compared), and the first half is a request of so many. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void cut(enum col_signal signal, struct otl_view request, uint64_t count)
{
    struct col_regroup regroup;
    struct otl_view half;
    uint64_t found = 0;

    col_regroup_init(&regroup, 1 << 24);
    if (col_regroup_first(&regroup, signal, request, count) != OTEL_OK ||
        col_regroup_finish(&regroup, &half) != OTEL_OK ||
        col_request_check(signal, half, &found, NULL) != OTEL_OK || found != count) {
        fprintf(stderr, "%llu were to be left, there are %llu\n", (unsigned long long)count,
                (unsigned long long)found);
        abort();
    }
    col_regroup_fini(&regroup);
}

static void look(enum col_signal signal, struct otl_view request)
{
    uint64_t count, witness;

    if (col_request_check(signal, request, &count, NULL) != OTEL_OK)
        return;
    witness = witness_count(signal, request);
    if (witness != UINT64_MAX && witness != count) {
        fprintf(stderr, "%s: reader %llu, witness %llu\n", col_signal_name(signal),
                (unsigned long long)count, (unsigned long long)witness);
        abort();
    }
    cut(signal, request, count / 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum col_signal signal;
    struct otl_view request;
    struct otl_buf out;

    if (size == 0)
        return 0;
    signal = (data[0] & 1) != 0 ? COL_METRICS : COL_LOGS;
    request = otl_view((const char *)data + 1, size - 1);
    if ((data[0] & 2) == 0) {
        look(signal, request);
        return 0;
    }
    otl_buf_init(&out, 1 << 20);
    if (col_json_decode(signal, request, &out, NULL) == OTEL_OK)
        look(signal, otl_view(out.data, out.len));
    otl_buf_fini(&out);
    return 0;
}
