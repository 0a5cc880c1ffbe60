/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ci/witness/otlp_pb.h"
#include "sdk/base/buf.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

/* The third witness itself is held against the official encoder: what it decodes and encodes
 * again must be the same bytes, and the files together must use every field that it knows. */

static const char *const requests[] = {"empty",    "extremes", "full",    "groups",
                                       "minimal",  "no-spans", "strindex"};

enum { SEEN_MAX = 512 };

struct seen {
    const ProtobufCFieldDescriptor *fields[SEEN_MAX];
    size_t count;
};

static void mark(struct seen *seen, const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->fields[i] == field)
            return;
    assert_true(seen->count < SEEN_MAX);
    seen->fields[seen->count++] = field;
}

static void walk(const ProtobufCMessage *message, struct seen *seen);

static void walk_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                       struct seen *seen)
{
    const char *base = (const char *)message;
    const void *member = base + field->offset;
    size_t count = 0;
    uint32_t which = 0;

    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        memcpy(&which, base + field->quantifier_offset, sizeof(which));
        if (which != field->id)
            return;
    } else if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&count, base + field->quantifier_offset, sizeof(count));
        if (count == 0)
            return;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && count > 0) {
        ProtobufCMessage **items;
        memcpy(&items, member, sizeof(items));
        for (size_t i = 0; i < count; i++)
            walk(items[i], seen);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage *item;
        memcpy(&item, member, sizeof(item));
        if (item == NULL)
            return;
        walk(item, seen);
    } else if (which == 0 && count == 0) {
        static const char zero[sizeof(ProtobufCBinaryData)];
        size_t size = field->type == PROTOBUF_C_TYPE_BYTES     ? sizeof(size_t)
                      : field->type == PROTOBUF_C_TYPE_FIXED64 ||
                               field->type == PROTOBUF_C_TYPE_DOUBLE
                           ? 8
                           : 4;
        if (memcmp(member, zero, size) == 0)
            return;
    }
    mark(seen, field);
}

static void walk(const ProtobufCMessage *message, struct seen *seen)
{
    assert_int_equal(message->n_unknown_fields, 0);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        walk_field(message, &message->descriptor->fields[i], seen);
}

static void load(const char *name, struct otl_buf *buf)
{
    char path[256];

    otl_buf_init(buf, 1 << 20);
    snprintf(path, sizeof(path), "ci/witness/official/%s.bin", name);
    assert_int_equal(otl_file_read(path, buf, NULL), OTEL_OK);
}

static void check_round_trip(const char *name, const ProtobufCMessageDescriptor *type,
                             struct seen *seen)
{
    struct otl_buf buf;
    ProtobufCMessage *message;
    uint8_t *again;

    load(name, &buf);
    message = protobuf_c_message_unpack(type, NULL, buf.len, (const uint8_t *)buf.data);
    assert_non_null(message);
    walk(message, seen);
    assert_int_equal(protobuf_c_message_get_packed_size(message), buf.len);
    again = otl_mem_alloc(buf.len + 1);
    assert_non_null(again);
    assert_int_equal(protobuf_c_message_pack(message, again), buf.len);
    if (buf.len > 0)
        assert_memory_equal(again, buf.data, buf.len);
    otl_mem_free(again);
    protobuf_c_message_free_unpacked(message, NULL);
    otl_buf_fini(&buf);
}

static void protobuf_c_and_the_official_encoder_agree_on_every_byte(void **state)
{
    struct seen seen = {{NULL}, 0};

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        check_round_trip(requests[i], &otlp__export_trace_service_request__descriptor, &seen);
    check_round_trip("metrics", &otlp__export_metrics_service_request__descriptor, &seen);
    check_round_trip("logs", &otlp__export_logs_service_request__descriptor, &seen);
    check_round_trip("response-empty", &otlp__export_trace_service_response__descriptor, &seen);
    check_round_trip("response-partial", &otlp__export_trace_service_response__descriptor, &seen);
}

static void the_official_files_use_every_field_number(void **state)
{
    static const ProtobufCMessageDescriptor *const types[] = {
        &otlp__export_trace_service_request__descriptor,
        &otlp__resource_spans__descriptor,
        &otlp__scope_spans__descriptor,
        &otlp__span__descriptor,
        &otlp__event__descriptor,
        &otlp__link__descriptor,
        &otlp__status__descriptor,
        &otlp__resource__descriptor,
        &otlp__entity_ref__descriptor,
        &otlp__instrumentation_scope__descriptor,
        &otlp__key_value__descriptor,
        &otlp__any_value__descriptor,
        &otlp__array_value__descriptor,
        &otlp__key_value_list__descriptor,
        &otlp__export_metrics_service_request__descriptor,
        &otlp__resource_metrics__descriptor,
        &otlp__scope_metrics__descriptor,
        &otlp__metric__descriptor,
        &otlp__gauge__descriptor,
        &otlp__sum__descriptor,
        &otlp__histogram__descriptor,
        &otlp__exponential_histogram__descriptor,
        &otlp__summary__descriptor,
        &otlp__number_data_point__descriptor,
        &otlp__histogram_data_point__descriptor,
        &otlp__exponential_histogram_data_point__descriptor,
        &otlp__buckets__descriptor,
        &otlp__summary_data_point__descriptor,
        &otlp__value_at_quantile__descriptor,
        &otlp__exemplar__descriptor,
        &otlp__export_logs_service_request__descriptor,
        &otlp__resource_logs__descriptor,
        &otlp__scope_logs__descriptor,
        &otlp__log_record__descriptor,
    };
    struct seen seen = {{NULL}, 0};

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        check_round_trip(requests[i], &otlp__export_trace_service_request__descriptor, &seen);
    check_round_trip("metrics", &otlp__export_metrics_service_request__descriptor, &seen);
    check_round_trip("logs", &otlp__export_logs_service_request__descriptor, &seen);
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        for (unsigned f = 0; f < types[t]->n_fields; f++) {
            size_t at = 0;
            while (at < seen.count && seen.fields[at] != &types[t]->fields[f])
                at++;
            if (at == seen.count)
                fail_msg("no official file uses %s.%s", types[t]->name, types[t]->fields[f].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protobuf_c_and_the_official_encoder_agree_on_every_byte),
        cmocka_unit_test(the_official_files_use_every_field_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
