/* SPDX-License-Identifier: Apache-2.0 */
/* What the exporter refuses to be made of, and the reader of what a peer says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/otlp.h>

#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/exporter/otlp_response.h"

static enum otel_err make(const struct otel_sdk_otlp_options *options)
{
    struct otel_sdk_exporter *exporter = NULL;
    enum otel_err err = otel_sdk_otlp_new(options, &exporter);

    otel_sdk_exporter_free(exporter);
    return err;
}

static enum otel_err make_with_header(const char *name, const char *value)
{
    struct otel_sdk_header header = {otel_str(name), otel_str(value)};
    struct otel_sdk_otlp_options options;

    otel_sdk_otlp_options_init(&options);
    options.headers = &header;
    options.header_count = 1;
    return make(&options);
}

static enum otel_err make_for(const char *endpoint)
{
    struct otel_sdk_otlp_options options;

    otel_sdk_otlp_options_init(&options);
    options.endpoint = otel_str(endpoint);
    return make(&options);
}

static void defaults_are_the_specifications(void **state)
{
    struct otel_sdk_otlp_options options;

    (void)state;
    otel_sdk_otlp_options_init(&options);
    assert_int_equal(options.timeout_millis, 10000);
    assert_int_equal(options.max_request_bytes, 64 << 20);
    assert_int_equal(options.max_response_bytes, 4 << 20);
    assert_int_equal(options.compression, OTEL_SDK_COMPRESSION_NONE);
    assert_int_equal(make(NULL), OTEL_OK);
}

static void bad_options_are_refused_by_their_kind(void **state)
{
    struct otel_sdk_otlp_options options;

    (void)state;
    assert_int_equal(make_for("https://collector/v1/traces"), OTEL_ERR_UNSUPPORTED);
    assert_int_equal(make_for("grpc://collector"), OTEL_ERR_UNSUPPORTED);
    assert_int_equal(make_for("http://"), OTEL_ERR_SYNTAX);
    assert_int_equal(make_with_header("a b", "x"), OTEL_ERR_SYNTAX);
    assert_int_equal(make_with_header("", "x"), OTEL_ERR_SYNTAX);
    assert_int_equal(make_with_header("X", "a\r\nY: b"), OTEL_ERR_SYNTAX);
    assert_int_equal(make_with_header("content-LENGTH", "5"), OTEL_ERR_UNSUPPORTED);
    assert_int_equal(make_with_header("Host", "x"), OTEL_ERR_UNSUPPORTED);
    assert_int_equal(make_with_header("User-Agent", "mine"), OTEL_OK);
    assert_int_equal(make_with_header("X-Empty", ""), OTEL_OK);
    otel_sdk_otlp_options_init(&options);
    options.max_request_bytes = 0;
    assert_int_equal(make(&options), OTEL_ERR_ARGUMENT);
    otel_sdk_otlp_options_init(&options);
    options.max_attempts = 0;
    assert_int_equal(make(&options), OTEL_ERR_ARGUMENT);
    memset(&options, 0, sizeof(options));
    assert_int_equal(make(&options), OTEL_ERR_ARGUMENT); /* not initialised */
}

static void options_of_an_older_header_are_completed(void **state)
{
    struct otel_sdk_otlp_options options;

    (void)state;
    otel_sdk_otlp_options_init(&options);
    options.struct_size = offsetof(struct otel_sdk_otlp_options, max_attempts);
    options.max_attempts = 0; /* behind the end: not looked at */
    assert_int_equal(make(&options), OTEL_OK);
}

static void failing_allocation_frees_everything(void **state)
{
    (void)state;
    for (unsigned long n = 1;; n++) {
        enum otel_err err;
        otl_mem_fail_at(n);
        err = make_with_header("A", "b");
        otl_mem_fail_at(0);
        if (err == OTEL_OK)
            break;
        assert_int_equal(err, OTEL_ERR_MEMORY);
        assert_true(n < 20);
    }
}

static enum otel_err read_text(const char *data, size_t len, struct otl_otlp_response *ret)
{
    return otl_otlp_response_read(otl_view(data, len), ret);
}

static void answers_of_an_official_encoder_are_read(void **state)
{
    struct otl_otlp_response response;
    struct otl_buf buf;

    (void)state;
    otl_buf_init(&buf, 1000);
    assert_int_equal(otl_file_read("ci/witness/official/response-partial.bin", &buf, NULL),
                     OTEL_OK);
    assert_int_equal(read_text(buf.data, buf.len, &response), OTEL_OK);
    assert_int_equal(response.rejected, 3);
    assert_true(otl_view_is(response.message, "three were too old"));
    assert_int_equal(read_text("", 0, &response), OTEL_OK); /* response-empty.bin */
    assert_int_equal(response.rejected, 0);
    otl_buf_fini(&buf);
}

static void damaged_answers_are_told_apart(void **state)
{
    struct otl_otlp_response response;

    (void)state;
    assert_int_equal(read_text("\x0a\x05\x08\x03", 4, &response), OTEL_ERR_SYNTAX);
    assert_int_equal(read_text("\x0a", 1, &response), OTEL_ERR_SYNTAX);
    assert_int_equal(read_text("\x0b\x0c", 2, &response), OTEL_ERR_SYNTAX); /* a group */
    assert_int_equal(read_text("\x00\x01", 2, &response), OTEL_ERR_SYNTAX); /* field 0 */
    assert_int_equal(read_text("<html>", 6, &response), OTEL_ERR_SYNTAX);
    /* rejected_spans = -1 */
    assert_int_equal(
        read_text("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13, &response),
        OTEL_ERR_ARGUMENT);
    /* eleven bytes of varint */
    assert_int_equal(
        read_text("\x0a\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 14, &response),
        OTEL_ERR_SYNTAX);
    /* unknown fields of every kind are passed over; a second count wins */
    assert_int_equal(read_text("\x12\x01x\x0a\x12\x08\x03\x19"
                               "12345678\x25"
                               "abcd\x08\x07",
                               23, &response),
                     OTEL_OK);
    assert_int_equal(response.rejected, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_specifications),
        cmocka_unit_test(bad_options_are_refused_by_their_kind),
        cmocka_unit_test(options_of_an_older_header_are_completed),
        cmocka_unit_test(failing_allocation_frees_everything),
        cmocka_unit_test(answers_of_an_official_encoder_are_read),
        cmocka_unit_test(damaged_answers_are_told_apart),
    };
    return cmocka_run_group_tests_name("otlp_options", tests, NULL, NULL);
}
