/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies and messages that mean harm: lengths, nesting, wire types, text, compression. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "collector-mock/tests/hostile.h"
#include "sdk/base/mem.h"

#define MALFORMED "truncated or malformed field"
#define WIRE "wrong wire type"
#define UTF8 "not UTF-8"
#define BYTES(text) text, sizeof(text) - 1

enum { BOMB_BYTES = 64 << 20 };

/* The head of a request whose body is said to be long, and a little of it. */
static void announce(const char *length, const char *says)
{
    char text[240];
    int len = snprintf(text, sizeof(text),
                       "POST /v1/traces HTTP/1.1\r\nHost: x\r\n"
                       "Content-Type: application/x-protobuf\r\n%s\r\nabc",
                       length);

    hostile_say(otl_view(text, (size_t)len), says);
}

static void lengths_of_4_gib_are_refused_before_they_come(void **state)
{
    static const char length[] = "\n\xff\xff\xff\xff\x0f" "abc"; /* resource_spans of 2^32 - 1 */
    static const char prefix[] = "\0\xff\xff\xff\xff" "abc";
    static const char json[] = "{\"resourceSpans\":[";

    (void)state;
    hostile_post("", otl_view(length, sizeof(length) - 1), 400, MALFORMED);
    hostile_call(0, NULL, otl_view(length, sizeof(length) - 1), 13, MALFORMED);
    hostile_call_raw(NULL, otl_view(prefix, sizeof(prefix) - 1), 8,
                     "larger than max (4294967295 vs. 4194304)");
    hostile_post("Transfer-Encoding: identity\r\n", otl_view("", 0), 400, "");
    announce("Content-Length: 4294967295\r\n", "too large");
    announce("Content-Length: 4294967296\r\n", "too large");
    announce("Content-Length: 18446744073709551616\r\n", "content-length");
    hostile_post_json(otl_view(json, sizeof(json) - 1), 400, "JSON");
    hostile_still_well();
}

/* tag and length around what is there, count times; grows from the inside. */
static void nest(struct otl_buf *out, size_t count)
{
    static const uint8_t tags[] = {0x2a, 0x0a}; /* AnyValue.array_value, ArrayValue.values */
    uint8_t *bytes = otl_mem_alloc(count * 7);
    size_t at = count * 7;

    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        size_t len = count * 7 - at;
        uint8_t varint[5];
        size_t size = 0;
        for (; len >= 0x80; len >>= 7)
            varint[size++] = (uint8_t)(len | 0x80);
        varint[size++] = (uint8_t)len;
        at -= size;
        memcpy(bytes + at, varint, size);
        bytes[--at] = tags[i % 2];
    }
    assert_int_equal(otl_buf_append(out, bytes + at, count * 7 - at), OTEL_OK);
    otl_mem_free(bytes);
}

static void wrap(struct otl_buf *message, uint8_t tag)
{
    struct otl_buf inner = *message;
    uint8_t head[6] = {tag};
    size_t size = 1, len = inner.len;

    for (; len >= 0x80; len >>= 7)
        head[size++] = (uint8_t)(len | 0x80);
    head[size++] = (uint8_t)len;
    otl_buf_init(message, 8u << 20);
    assert_int_equal(otl_buf_append(message, head, size), OTEL_OK);
    assert_int_equal(otl_buf_append(message, inner.data, inner.len), OTEL_OK);
    otl_buf_fini(&inner);
}

static void values_nested_without_end_are_refused(void **state)
{
    static const uint8_t way[] = {0x12, 0x0a, 0x0a, 0x0a}; /* value, attributes, resource, ... */
    struct otl_buf message, json;

    (void)state;
    otl_buf_init(&message, 8u << 20);
    nest(&message, 200001);
    for (size_t i = 0; i < sizeof(way); i++)
        wrap(&message, way[i]);
    hostile_post("", otl_view(message.data, message.len), 400, "nested");
    hostile_call(0, NULL, otl_view(message.data, message.len), 13, "nested");
    otl_buf_fini(&message);

    otl_buf_init(&json, 8u << 20);
    assert_int_equal(otl_buf_append_str(&json, "{\"x\":"), OTEL_OK);
    for (int i = 0; i < 500000; i++)
        assert_int_equal(otl_buf_append_byte(&json, '['), OTEL_OK);
    hostile_post_json(otl_view(json.data, json.len), 400, "nested too deep");
    otl_buf_fini(&json);
    hostile_still_well();
}

/* ---- messages that are wrong inside ---- */

enum level { REQUEST, RESOURCE_SPANS, SCOPE_SPANS, SPAN };

static const struct {
    enum level level; /* of the message that the bytes are */
    const char *bytes;
    size_t len;
    const char *says;
} damaged[] = {
    /* a known field of another wire type, at each level */
    {REQUEST, BYTES("\x08\x01"), WIRE},
    {RESOURCE_SPANS, BYTES("\x08\x01"), WIRE},
    {RESOURCE_SPANS, BYTES("\x15\0\0\0\0"), WIRE},
    {RESOURCE_SPANS, BYTES("\x18\x01"), WIRE},
    {SCOPE_SPANS, BYTES("\x08\x01"), WIRE},
    {SCOPE_SPANS, BYTES("\x10\x01"), WIRE},
    {SCOPE_SPANS, BYTES("\x18\x01"), WIRE},
    {SPAN, BYTES("\x08\x01"), WIRE},                 /* trace_id: varint */
    {SPAN, BYTES("\x29\0\0\0\0\0\0\0\0"), WIRE},      /* name: fixed64 */
    {SPAN, BYTES("\x32\x00"), WIRE},                 /* kind: bytes */
    {SPAN, BYTES("\x38\x01"), WIRE},                 /* start: varint */
    {SPAN, BYTES("\x48\x01"), WIRE},                 /* attributes: varint */
    {SPAN, BYTES("\x4a\x02\x08\x01"), WIRE},         /* key: varint */
    {SPAN, BYTES("\x4a\x04\x12\x02\x1a\0"), WIRE},   /* int_value: bytes */
    {SPAN, BYTES("\x4a\x04\x12\x02\x20\x01"), WIRE}, /* double_value: varint */
    {SPAN, BYTES("\x52\0"), WIRE},                   /* dropped_attributes_count: bytes */
    {SPAN, BYTES("\x5d\0\0\0\0"), WIRE},             /* events: fixed32 */
    {SPAN, BYTES("\x68\x01"), WIRE},                 /* links: varint */
    {SPAN, BYTES("\x78\x01"), WIRE},                 /* status: varint */
    {SPAN, BYTES("\x80\x01\x01"), WIRE},             /* flags: varint */
    {SPAN, BYTES("\x0b\x0c"), WIRE},                 /* trace_id: a group */
    /* what no wire type, tag or number is */
    {SPAN, BYTES("\x0e"), MALFORMED},
    {SPAN, BYTES("\x0f"), MALFORMED},
    {SPAN, BYTES("\xa4\x06"), MALFORMED},            /* a group ends that has not begun */
    {SPAN, BYTES("\xa3\x06\xa3\x06\xa3\x06"), MALFORMED},
    {SPAN, BYTES("\x02\0"), MALFORMED},              /* field 0 */
    {SPAN, BYTES("\x30\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), MALFORMED},
    {SPAN, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"), MALFORMED},
    {SPAN, BYTES("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), MALFORMED},
    {SPAN, BYTES("\x2a\x05" "abcd"), MALFORMED},
    {SPAN, BYTES("\x39\0\0\0\0\0\0\0"), MALFORMED}, /* seven bytes of eight */
    {SPAN, BYTES("\x0a\x0f" "123456789012345"), "wrong length of an id"},
    {SPAN, BYTES("\x0a\x11" "12345678901234567"), "wrong length of an id"},
    /* text that is none */
    {SPAN, BYTES("\x2a\x01\xff"), UTF8},
    {SPAN, BYTES("\x2a\x02\xc0\x80"), UTF8},        /* longer than it need be */
    {SPAN, BYTES("\x2a\x03\xed\xa0\x80"), UTF8},    /* half of a pair */
    {SPAN, BYTES("\x2a\x03\xe2\x82" "a"), UTF8},
    {SPAN, BYTES("\x1a\x01\xff"), UTF8},
    {SPAN, BYTES("\x4a\x03\x0a\x01\xff"), UTF8},    /* a key */
    {SPAN, BYTES("\x4a\x05\x12\x03\x0a\x01\xff"), UTF8},
    {SPAN, BYTES("\x7a\x03\x12\x01\xff"), UTF8},
    {SCOPE_SPANS, BYTES("\x1a\x01\xff"), UTF8},
    {RESOURCE_SPANS, BYTES("\x1a\x01\xff"), UTF8},
};

/* A request around the bytes of a message of that level. */
static void build(struct otl_buf *out, enum level level, const char *bytes, size_t len)
{
    static const uint8_t tags[] = {0, 0x0a, 0x12, 0x12};

    otl_buf_init(out, 1u << 20);
    assert_int_equal(otl_buf_append(out, bytes, len), OTEL_OK);
    for (; level > REQUEST; level--)
        wrap(out, tags[level]);
}

static void messages_that_are_wrong_inside_are_refused(void **state)
{
    static char groups[20001];
    struct otl_buf request;

    (void)state;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        build(&request, damaged[i].level, damaged[i].bytes, damaged[i].len);
        hostile_post("", otl_view(request.data, request.len), 400, damaged[i].says);
        hostile_call(0, NULL, otl_view(request.data, request.len), 13, damaged[i].says);
        otl_buf_fini(&request);
    }
    /* groups within groups that are never closed */
    for (size_t i = 0; i < sizeof(groups) - 1; i += 2)
        memcpy(groups + i, "\xa3\x06", 2);
    build(&request, SPAN, groups, sizeof(groups) - 1);
    hostile_post("", otl_view(request.data, request.len), 400, MALFORMED);
    hostile_call(0, NULL, otl_view(request.data, request.len), 13, MALFORMED);
    otl_buf_fini(&request);
    hostile_still_well();
}

static void requests_cut_at_any_byte_are_refused(void **state)
{
    static const char span[] = "\x0a\x10" "1234567890123456" "\x12\x08" "12345678"
                               "\x2a\x03" "abc" "\x4a\x0a\x0a\x01" "k\x12\x05\x0a\x03xyz";
    static const char json[] =
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\",\"attributes\":"
        "[{\"key\":\"k\",\"value\":{\"intValue\":\"12\"}}]}]}]}]}";
    struct otl_buf request;

    (void)state;
    build(&request, SPAN, span, sizeof(span) - 1);
    for (size_t cut = 1; cut < request.len; cut++) {
        hostile_post("", otl_view(request.data, cut), 400, MALFORMED);
        if (cut % 5 == 1)
            hostile_call(0, NULL, otl_view(request.data, cut), 13, MALFORMED);
    }
    {
        int fd = hostile_join(); /* whole it is good: the cut was what was wrong */
        assert_int_equal(rig_post(fd, "", otl_view(request.data, request.len), NULL), 200);
        close(fd);
    }
    otl_buf_fini(&request);
    for (size_t cut = 1; cut < sizeof(json) - 1; cut += 3)
        hostile_post_json(otl_view(json, cut), 400, "JSON");
    hostile_still_well();
}

static void json_that_is_wrong_inside_is_refused(void **state)
{
#define SPANS_OF(span) BYTES("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" span "]}]}]}")
    static const struct {
        const char *text;
        size_t len;
        const char *says;
    } cases[] = {
        {SPANS_OF("{\"name\":\"\xff\"}"), UTF8},
        {SPANS_OF("{\"name\":\"\xed\xa0\x80\"}"), UTF8},
        {SPANS_OF("{\"name\":5}"), "JSON"},
        {SPANS_OF("{\"name\":{}}"), "JSON"},
        {SPANS_OF("{\"traceId\":\"0102\"}"), "wrong length of an id"},
        {SPANS_OF("{\"traceId\":\"zz\"}"), ""},
        {SPANS_OF("{\"startTimeUnixNano\":\"-1\"}"), ""},
        {SPANS_OF("{\"startTimeUnixNano\":\"18446744073709551616\"}"), ""},
        {SPANS_OF("[]"), ""},
        {BYTES("{\"resourceSpans\":1}"), ""},
    };
#undef SPANS_OF

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        hostile_post_json(otl_view(cases[i].text, cases[i].len), 400, cases[i].says);
    hostile_still_well();
}

static void bombs_do_not_grow(void **state)
{
    uint8_t *zeros = calloc(1, BOMB_BYTES);
    size_t room = 1 << 20, len;
    uint8_t *out = malloc(room);
    static const struct {
        const char *header;
        int window;
    } ways[] = {{"Content-Encoding: gzip\r\n", 15 + 16},
                {"Content-Encoding: deflate\r\n", 15},
                {"Content-Encoding: zstd\r\n", 0}};

    (void)state;
    assert_non_null(zeros);
    assert_non_null(out);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (ways[i].window != 0) {
            z_stream stream;
            memset(&stream, 0, sizeof(stream));
            assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, ways[i].window, 8,
                                          Z_DEFAULT_STRATEGY),
                             Z_OK);
            stream.next_in = zeros;
            stream.avail_in = BOMB_BYTES;
            stream.next_out = out;
            stream.avail_out = (unsigned)room;
            assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
            len = room - stream.avail_out;
            deflateEnd(&stream);
        } else {
            len = ZSTD_compress(out, room, zeros, BOMB_BYTES, 1);
            assert_false(ZSTD_isError(len));
        }
        hostile_post(ways[i].header, otl_view((char *)out, len), 400,
                     "the decompressed body is larger than 20971520 bytes");
        if (i == 0)
            hostile_call(1, "gzip", otl_view((char *)out, len), 8,
                         "after decompression larger than max");
    }
    /* a frame of zstd that asks for a window of 128 MiB and brings nothing */
    hostile_post("Content-Encoding: zstd\r\n",
                 otl_view("\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00", 9), 400, "damaged");
    free(zeros);
    free(out);
    hostile_still_well();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_of_4_gib_are_refused_before_they_come),
        cmocka_unit_test(values_nested_without_end_are_refused),
        cmocka_unit_test(messages_that_are_wrong_inside_are_refused),
        cmocka_unit_test(requests_cut_at_any_byte_are_refused),
        cmocka_unit_test(json_that_is_wrong_inside_is_refused),
        cmocka_unit_test(bombs_do_not_grow),
    };
    return cmocka_run_group_tests(tests, hostile_start, hostile_stop);
}
