/* SPDX-License-Identifier: Apache-2.0 */
/* What gRPC says of a call, as pure functions. */
#include <stdio.h>
#include <string.h>

#include "sdk/transport/grpc.h"

enum {
    CANCELLED = 1,
    UNKNOWN = 2,
    DEADLINE_EXCEEDED = 4,
    PERMISSION_DENIED = 7,
    RESOURCE_EXHAUSTED = 8,
    ABORTED = 10,
    OUT_OF_RANGE = 11,
    UNIMPLEMENTED = 12,
    INTERNAL = 13,
    UNAVAILABLE = 14,
    DATA_LOSS = 15,
    UNAUTHENTICATED = 16
};

bool otl_grpc_retryable(unsigned grpc_status, bool has_retry_info)
{
    switch (grpc_status) {
    case CANCELLED:
    case DEADLINE_EXCEEDED:
    case ABORTED:
    case OUT_OF_RANGE:
    case UNAVAILABLE:
    case DATA_LOSS:
        return true;
    case RESOURCE_EXHAUSTED:
        return has_retry_info;
    default:
        return false;
    }
}

const char *otl_grpc_status_name(unsigned grpc_status)
{
    static const char *const names[] = {
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED"
    };

    return names[grpc_status < sizeof(names) / sizeof(names[0]) ? grpc_status : UNKNOWN];
}

unsigned otl_grpc_status_of_http(unsigned http_status)
{
    switch (http_status) {
    case 400:
        return INTERNAL;
    case 401:
        return UNAUTHENTICATED;
    case 403:
        return PERMISSION_DENIED;
    case 404:
        return UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return UNAVAILABLE;
    default:
        return UNKNOWN;
    }
}

const char *otl_grpc_timeout(uint64_t left_ns, char out[16])
{
    static const struct {
        uint64_t ns;
        char unit;
    } units[] = {{1, 'n'}, {1000, 'u'}, {1000000, 'm'}, {1000000000, 'S'}, {60000000000, 'M'}};
    size_t i = 0;

    if (left_ns == 0)
        left_ns = 1;
    while (i + 1 < sizeof(units) / sizeof(units[0]) && left_ns / units[i].ns > 99999999)
        i++;
    snprintf(out, 16, "%u%c", (unsigned)(left_ns / units[i].ns % 100000000), units[i].unit);
    return out;
}

/* ---- a reader of three small messages ----------------------------------------------------- */

struct reader {
    const unsigned char *at, *end;
    bool bad;
};

static uint64_t varint(struct reader *r)
{
    uint64_t value = 0;

    for (unsigned shift = 0; r->at < r->end && shift < 64; shift += 7) {
        unsigned char byte = *r->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    r->bad = true;
    return 0;
}

/* The next field; *value holds a varint, *inner the bytes of a delimited one. False: the end. */
static bool field(struct reader *r, unsigned *number, uint64_t *value, struct reader *inner)
{
    uint64_t key, len;

    if (r->bad || r->at == r->end)
        return false;
    key = varint(r);
    *number = (unsigned)(key >> 3);
    *value = 0;
    *inner = (struct reader){r->at, r->at, false};
    switch (key & 7) {
    case 0:
        *value = varint(r);
        break;
    case 2:
        len = varint(r);
        if (r->bad || len > (uint64_t)(r->end - r->at)) {
            r->bad = true;
            return false;
        }
        *inner = (struct reader){r->at, r->at + len, false};
        r->at += len;
        break;
    case 1:
    case 5:
        len = (key & 7) == 1 ? 8 : 4;
        if (len > (uint64_t)(r->end - r->at))
            r->bad = true;
        else
            r->at += len;
        break;
    default:
        r->bad = true;
    }
    return !r->bad;
}

/* google.protobuf.Duration {int64 seconds = 1; int32 nanos = 2;}; negative or absurd is 0. */
static uint64_t duration(struct reader r)
{
    const uint64_t day = 86400;
    struct reader inner;
    uint64_t value, seconds = 0, nanos = 0;
    unsigned number;

    while (field(&r, &number, &value, &inner)) {
        if (number == 1)
            seconds = value;
        else if (number == 2)
            nanos = value;
    }
    if (r.bad || seconds > day || nanos > 999999999)
        return 0;
    return seconds * 1000000000 + nanos;
}

static bool is_retry_info(const struct reader *type_url)
{
    static const char name[] = "google.rpc.RetryInfo";
    size_t len = (size_t)(type_url->end - type_url->at), want = sizeof(name) - 1;

    return len >= want && memcmp(type_url->end - want, name, want) == 0 &&
           (len == want || type_url->end[-(ptrdiff_t)want - 1] == '/');
}

/* google.protobuf.Any {string type_url = 1; bytes value = 2;} */
static bool any_retry_info(struct reader any, uint64_t *ret_delay_ns)
{
    struct reader inner, type_url = {NULL, NULL, false}, content = {NULL, NULL, false};
    uint64_t value;
    unsigned number;

    while (field(&any, &number, &value, &inner)) {
        if (number == 1)
            type_url = inner;
        else if (number == 2)
            content = inner;
    }
    if (any.bad || type_url.at == NULL || !is_retry_info(&type_url))
        return false;
    *ret_delay_ns = 0;
    while (content.at != NULL && field(&content, &number, &value, &inner))
        if (number == 1)
            *ret_delay_ns = duration(inner);
    return true;
}

/* google.rpc.Status {int32 code = 1; string message = 2; repeated Any details = 3;} */
bool otl_grpc_retry_info(const void *data, size_t len, uint64_t *ret_delay_ns)
{
    struct reader status = {data, (const unsigned char *)data + len, false}, inner;
    uint64_t value;
    unsigned number;

    while (len > 0 && field(&status, &number, &value, &inner))
        if (number == 3 && any_retry_info(inner, ret_delay_ns))
            return true;
    return false;
}
