/* SPDX-License-Identifier: Apache-2.0 */
/* Password files: every form, and lines as people leave them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/extensions/base64.h"
#include "collector-mock/extensions/htpasswd.h"

/* made by openssl passwd and crypt(3); bcrypt 5 is the first vector of crypt_blowfish */
static const struct {
    const char *secret, *password;
    bool slow;
} forms[] = {
    {"$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy", "open sesame", true},
    {"$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy", "open sesame", true},
    {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
    {"$apr1$abcdefgh$T64oOxnD8c28.dQa.2Lty1", "open sesame", true},
    {"$apr1$xy$T6yk43HTfQwCY.mtbxwJ8/", "a", true},
    {"$1$abcdefgh$9qMkHazuSy1Q8myEum7yb/", "open sesame", true},
    {"$5$abcdefgh$FWXdh6oXOJQkX7oAcP02d0Gnxjct6ra8Fwv29U9RIN2", "open sesame", true},
    {"$6$xy$5250cwD6G0HaskWEVps7HLt3iuI6RaW0CtpUDWt4NW09jSLinak2eYcP4KwS5.Qo0wBM5cNC2oN8ZPa0MGMfh"
     "1",
     "a", true},
    {"{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=", "open sesame", false},
    {"{SSHA}hN5uxFJUEWCPg56kk42tnVCdJ61zYWx0", "open sesame", false},
    {"open sesame", "open sesame", false},
    {"$unknown$form", "$unknown$form", false},
};

static void each_form_knows_its_password_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct col_htpasswd *file;
        const struct col_htpasswd_user *user;
        struct otl_buf text;
        size_t skipped, len = strlen(forms[i].password);

        otl_buf_init(&text, 4096);
        assert_int_equal(otl_buf_printf(&text, "u:%s\n", forms[i].secret), OTEL_OK);
        assert_int_equal(col_htpasswd_new(otl_view(text.data, text.len), &file, &skipped),
                         OTEL_OK);
        user = col_htpasswd_find(file, otl_view_str("u"));
        assert_non_null(user);
        assert_int_equal(col_htpasswd_is_slow(user), forms[i].slow);
        if (!col_htpasswd_match(user, otl_view_str(forms[i].password)))
            fail_msg("%s", forms[i].secret);
        assert_false(col_htpasswd_match(user, otl_view_str("")));
        assert_false(col_htpasswd_match(user, otl_view(forms[i].password, len - 1)));
        assert_false(col_htpasswd_match(user, otl_view(forms[i].password, len + 1)));
        assert_false(col_htpasswd_match(user, otl_view_str(forms[i].secret + 1)));
        col_htpasswd_free(file);
        otl_buf_fini(&text);
    }
}

static void damaged_secrets_know_nobody(void **state)
{
    static const char *const secrets[] = {"$2y$",   "$2y$04$short", "$apr1$", "$apr1$salt",
                                          "$apr1$salt$", "$1$",     "{SHA}",  "{SHA}%%%%",
                                          "{SHA}AAAA",   "{SSHA}AAAA", "$6$"};
    char line[64];

    (void)state;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        struct col_htpasswd *file;
        size_t skipped;

        snprintf(line, sizeof(line), "u:%s", secrets[i]);
        assert_int_equal(col_htpasswd_new(otl_view_str(line), &file, &skipped), OTEL_OK);
        assert_false(col_htpasswd_match(col_htpasswd_find(file, otl_view_str("u")),
                                        otl_view_str("")));
        assert_false(col_htpasswd_match(col_htpasswd_find(file, otl_view_str("u")),
                                        otl_view_str(secrets[i])));
        col_htpasswd_free(file);
    }
}

static void lines_are_read_as_the_collector_reads_them(void **state)
{
    static const char text[] = "\r\n  a:1  \r\nnobody\n\nb:2:3\na:4\nab:5\n:6\nc:";
    struct col_htpasswd *file;
    size_t skipped;

    (void)state;
    assert_int_equal(col_htpasswd_new(otl_view_str(text), &file, &skipped), OTEL_OK);
    assert_int_equal(skipped, 1);
    assert_null(col_htpasswd_find(file, otl_view_str("nobody")));
    assert_null(col_htpasswd_find(file, otl_view_str("aa")));
    /* the last line of a name counts */
    assert_true(col_htpasswd_match(col_htpasswd_find(file, otl_view_str("a")), otl_view_str("4")));
    assert_true(
        col_htpasswd_match(col_htpasswd_find(file, otl_view_str("ab")), otl_view_str("5")));
    assert_true(
        col_htpasswd_match(col_htpasswd_find(file, otl_view_str("b")), otl_view_str("2:3")));
    assert_true(col_htpasswd_match(col_htpasswd_find(file, otl_view_str("")), otl_view_str("6")));
    assert_true(col_htpasswd_match(col_htpasswd_find(file, otl_view_str("c")), otl_view_str("")));
    col_htpasswd_free(file);
}

static void base64_is_read_strictly(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {
        {"", 0},      {"YQ==", 1},     {"YWI=", 2},     {"YWJj", 3},         {"YQ", SIZE_MAX},
        {"YQ=", SIZE_MAX}, {"Y===", SIZE_MAX}, {"YW*j", SIZE_MAX}, {"YWJjYWJjYWJj", SIZE_MAX},
    };
    uint8_t out[8];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(col_base64_decode(otl_view_str(rows[i].text), out, sizeof(out)),
                         rows[i].len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_knows_its_password_and_no_other),
        cmocka_unit_test(damaged_secrets_know_nobody),
        cmocka_unit_test(lines_are_read_as_the_collector_reads_them),
        cmocka_unit_test(base64_is_read_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
