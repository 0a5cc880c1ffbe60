/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/event.h>

#include "collector-mock/extensions/base64.h"
#include "collector-mock/extensions/guard.h"
#include "collector-mock/extensions/htpasswd.h"

/* Any bytes as the header with credentials: of a basicauth guard and of one with bearer tokens,
 * which grant the one user and the two tokens and nobody else. As user and password they are
 * encoded first. */

static const char user[] = "alice:secret", encoded[] = "YWxpY2U6c2VjcmV0";
static const char *const tokens[] = {"Bearer t0ken", "Token other"};

static struct col_host host;
static struct col_guard *basic, *bearer;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void stop(void)
{
    col_guard_free(basic);
    col_guard_free(bearer);
    col_metrics_free(host.metrics);
    event_base_free(host.base);
}

static void start(void)
{
    struct col_guard_options options = {.id = "basic", .header = "Authorization", .host = &host};
    struct otl_buf none, both;
    size_t skipped = 0;

    host.base = event_base_new();
    require(host.base != NULL && col_metrics_new(&host.metrics) == OTEL_OK);
    otl_buf_init(&none, 1);
    otl_buf_init(&both, 1000);
    require(col_htpasswd_new(otl_view_str(user), &options.file, &skipped) == OTEL_OK);
    options.tokens = &none;
    require(col_guard_new(&options, &basic) == OTEL_OK);
    for (size_t i = 0; i < 2; i++)
        require(otl_buf_append(&both, tokens[i], strlen(tokens[i]) + 1) == OTEL_OK);
    options = (struct col_guard_options){
        .id = "bearer", .header = "Authorization", .tokens = &both, .host = &host};
    require(col_guard_new(&options, &bearer) == OTEL_OK);
    atexit(stop);
}

static void on_word(void *owner, void *request, enum col_guard_word word, const char *text)
{
    (void)owner;
    (void)request;
    (void)word;
    (void)text;
    abort(); /* no form here takes long */
}

static void ask(struct col_guard *guard, struct otl_view value, bool right)
{
    const struct col_guard_wait wait = {NULL, NULL, on_word};
    const char *text = NULL;
    enum col_guard_word word = col_guard_ask(guard, value, &wait, &text);

    require(word == (right ? COL_GUARD_GRANTED : COL_GUARD_REFUSED));
    require(text != NULL && (text[0] == '\0') == right);
}

/* Of just its size: what is read behind it is noticed. */
static char *copy_of(const void *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);

    require(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

static void ask_as_words(const uint8_t *data, size_t size)
{
    bool right = size == sizeof(user) - 1 && memcmp(data, user, size) == 0;
    struct otl_buf header;
    char *copy;

    otl_buf_init(&header, 1 << 16);
    require(otl_buf_append_str(&header, "Basic ") == OTEL_OK &&
            col_base64_append(&header, otl_view((const char *)data, size)) == OTEL_OK);
    copy = copy_of(header.data, header.len);
    ask(basic, otl_view(copy, header.len), right);
    free(copy);
    otl_buf_fini(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t scheme = 6, whole = scheme + sizeof(encoded) - 1;
    struct otl_view value;
    bool known = false;
    char *copy;

    if (host.base == NULL)
        start();
    if (size > 8192)
        return 0;
    copy = copy_of(data, size);
    value = otl_view(copy, size);
    ask(basic, value, size == whole && strncasecmp(copy, "Basic ", scheme) == 0 &&
                          memcmp(copy + scheme, encoded, whole - scheme) == 0);
    for (size_t i = 0; i < 2; i++)
        known |= otl_view_is(value, tokens[i]);
    ask(bearer, value, known);
    free(copy);
    ask_as_words(data, size);
    return 0;
}
