/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/extensions/htpasswd.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/extensions/base64.h"
#include "sdk/base/mem.h"

enum {
    TEXT_MAX = 1 << 20,
    USERS_MAX = 1 << 16,
    PASSWORD_MAX = CRYPT_MAX_PASSPHRASE_SIZE - 1,
    MD5_SIZE = 16,
    SHA1_SIZE = 20,
    DIGEST_MAX = 512 /* of what follows {SHA} or {SSHA}, decoded */
};

struct col_htpasswd_user {
    const char *name, *secret; /* each ends with a NUL */
    size_t line;               /* the last one of a name counts */
};

struct col_htpasswd {
    char *text;
    struct col_htpasswd_user *users; /* by name */
    size_t count;
};

/* ---- the file ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int by_name(const void *a, const void *b)
{
    const struct col_htpasswd_user *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

/* One line, without its end. False: it has no colon. */
static bool take_line(struct col_htpasswd *file, char *line, char *end, size_t number)
{
    char *colon;

    while (line < end && is_space(*line))
        line++;
    while (end > line && is_space(end[-1]))
        end--;
    *end = '\0';
    if (line == end)
        return true;
    colon = strchr(line, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    file->users[file->count++] = (struct col_htpasswd_user){line, colon + 1, number};
    return true;
}

static void keep_last_of_each(struct col_htpasswd *file)
{
    size_t kept = 0;

    qsort(file->users, file->count, sizeof(file->users[0]), by_name);
    for (size_t i = 0; i < file->count; i++) {
        if (i + 1 < file->count && strcmp(file->users[i].name, file->users[i + 1].name) == 0)
            continue;
        file->users[kept++] = file->users[i];
    }
    file->count = kept;
}

enum otel_err col_htpasswd_new(struct otl_view text, struct col_htpasswd **ret,
                               size_t *ret_skipped)
{
    struct col_htpasswd *file;
    size_t lines = 1, number = 0;

    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    if (text.len > TEXT_MAX || lines > USERS_MAX)
        return OTEL_ERR_LIMIT;
    file = otl_mem_zalloc(sizeof(*file));
    if (file != NULL) {
        file->text = otl_mem_strndup(text.data != NULL ? text.data : "", text.len);
        file->users = otl_mem_zalloc(lines * sizeof(file->users[0]));
    }
    if (file == NULL || file->text == NULL || file->users == NULL) {
        col_htpasswd_free(file);
        return OTEL_ERR_MEMORY;
    }
    *ret_skipped = 0;
    for (char *line = file->text; line != NULL; number++) {
        char *end = strchr(line, '\n');
        char *next = end != NULL ? end + 1 : NULL;
        if (!take_line(file, line, end != NULL ? end : line + strlen(line), number))
            ++*ret_skipped;
        line = next;
    }
    keep_last_of_each(file);
    *ret = file;
    return OTEL_OK;
}

void col_htpasswd_free(struct col_htpasswd *file)
{
    if (file == NULL)
        return;
    if (file->text != NULL)
        OPENSSL_cleanse(file->text, strlen(file->text));
    otl_mem_free(file->text);
    otl_mem_free(file->users);
    otl_mem_free(file);
}

const struct col_htpasswd_user *col_htpasswd_find(const struct col_htpasswd *file,
                                                  struct otl_view name)
{
    size_t low = 0, high = file->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2, len = strlen(file->users[middle].name);
        size_t shorter = len < name.len ? len : name.len;
        int order = shorter > 0 ? memcmp(file->users[middle].name, name.data, shorter) : 0;
        if (order == 0)
            order = (len > name.len) - (len < name.len);
        if (order == 0)
            return &file->users[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- MD5 as Apache does it ---- */

struct md5 {
    EVP_MD_CTX *context;
    bool good;
};

static void add(struct md5 *md5, const void *data, size_t len)
{
    md5->good = md5->good && EVP_DigestUpdate(md5->context, data, len) == 1;
}

static void begin(struct md5 *md5)
{
    md5->good = md5->good && EVP_DigestInit_ex(md5->context, EVP_md5(), NULL) == 1;
}

static void finish(struct md5 *md5, uint8_t *out)
{
    md5->good = md5->good && EVP_DigestFinal_ex(md5->context, out, NULL) == 1;
}

static void first_digest(struct md5 *md5, struct otl_view password, struct otl_view salt,
                         uint8_t *out)
{
    begin(md5);
    add(md5, password.data, password.len);
    add(md5, salt.data, salt.len);
    add(md5, password.data, password.len);
    finish(md5, out);
    begin(md5);
    add(md5, password.data, password.len);
    add(md5, "$apr1$", 6);
    add(md5, salt.data, salt.len);
    for (size_t left = password.len; left > 0; left -= left < MD5_SIZE ? left : MD5_SIZE)
        add(md5, out, left < MD5_SIZE ? left : MD5_SIZE);
    for (size_t bits = password.len; bits > 0; bits >>= 1)
        add(md5, bits & 1 ? "" : password.data, 1); /* a NUL, or the first byte */
    finish(md5, out);
}

static void next_digest(struct md5 *md5, unsigned round, struct otl_view password,
                        struct otl_view salt, uint8_t *digest)
{
    begin(md5);
    if (round & 1)
        add(md5, password.data, password.len);
    else
        add(md5, digest, MD5_SIZE);
    if (round % 3)
        add(md5, salt.data, salt.len);
    if (round % 7)
        add(md5, password.data, password.len);
    if (round & 1)
        add(md5, digest, MD5_SIZE);
    else
        add(md5, password.data, password.len);
    finish(md5, digest);
}

/* 22 digits of the base 64 of crypt; out holds 23. */
static void write_digest(const uint8_t *digest, char *out)
{
    static const char digits[] =
        "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const uint8_t order[] = {0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5};
    uint32_t word;

    for (size_t i = 0; i < sizeof(order); i += 3) {
        word = (uint32_t)digest[order[i]] << 16 | (uint32_t)digest[order[i + 1]] << 8 |
               digest[order[i + 2]];
        for (unsigned k = 0; k < 4; k++, word >>= 6)
            *out++ = digits[word & 63];
    }
    word = digest[11];
    *out++ = digits[word & 63];
    *out++ = digits[word >> 6];
    *out = '\0';
}

/* secret: what follows $apr1$. */
static bool match_apr1(const char *secret, struct otl_view password)
{
    const char *end = strchr(secret, '$');
    struct otl_view salt = otl_view(secret, end != NULL ? (size_t)(end - secret) : 0);
    struct md5 md5 = {EVP_MD_CTX_new(), true};
    uint8_t digest[MD5_SIZE];
    char text[23];

    if (salt.len > 8)
        salt.len = 8;
    if (end == NULL || md5.context == NULL) {
        EVP_MD_CTX_free(md5.context);
        return false;
    }
    first_digest(&md5, password, salt, digest);
    for (unsigned round = 0; round < 1000; round++)
        next_digest(&md5, round, password, salt, digest);
    EVP_MD_CTX_free(md5.context);
    write_digest(digest, text);
    return md5.good && strlen(end + 1) == 22 && CRYPTO_memcmp(end + 1, text, 22) == 0;
}

/* ---- SHA-1, with salt or without ---- */

static bool match_sha(const char *secret, bool salted, struct otl_view password)
{
    uint8_t known[DIGEST_MAX], digest[SHA1_SIZE];
    size_t len = col_base64_decode(otl_view_str(secret), known, sizeof(known));
    EVP_MD_CTX *context;
    bool good;

    if (len == SIZE_MAX || (salted ? len < SHA1_SIZE : len != SHA1_SIZE))
        return false;
    context = EVP_MD_CTX_new();
    good = context != NULL && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
           EVP_DigestUpdate(context, password.data, password.len) == 1 &&
           EVP_DigestUpdate(context, known + SHA1_SIZE, len - SHA1_SIZE) == 1 &&
           EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return good && CRYPTO_memcmp(digest, known, SHA1_SIZE) == 0;
}

/* ---- the forms ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_crypt(const char *secret)
{
    return begins(secret, "$2a$") || begins(secret, "$2b$") || begins(secret, "$2y$") ||
           begins(secret, "$1$") || begins(secret, "$5$") || begins(secret, "$6$");
}

static bool match_crypt(const char *secret, struct otl_view password)
{
    struct crypt_data *data = otl_mem_zalloc(sizeof(*data));
    char text[PASSWORD_MAX + 1];
    const char *made = NULL;
    bool same;

    /* a NUL would end it early; longer ones no client sends */
    if (data != NULL && password.len <= PASSWORD_MAX &&
        memchr(password.data, '\0', password.len) == NULL) {
        memcpy(text, password.data, password.len);
        text[password.len] = '\0';
        made = crypt_r(text, secret, data);
        OPENSSL_cleanse(text, sizeof(text));
    }
    same = made != NULL && made[0] != '*' && strlen(made) == strlen(secret) &&
           CRYPTO_memcmp(made, secret, strlen(secret)) == 0;
    if (data != NULL)
        OPENSSL_cleanse(data, sizeof(*data));
    otl_mem_free(data);
    return same;
}

bool col_htpasswd_is_slow(const struct col_htpasswd_user *user)
{
    return is_crypt(user->secret) || begins(user->secret, "$apr1$");
}

bool col_htpasswd_match(const struct col_htpasswd_user *user, struct otl_view password)
{
    const char *secret = user->secret;

    if (password.data == NULL)
        password = otl_view("", 0);
    if (is_crypt(secret))
        return match_crypt(secret, password);
    if (begins(secret, "$apr1$"))
        return match_apr1(secret + 6, password);
    if (begins(secret, "{SHA}"))
        return match_sha(secret + 5, false, password);
    if (begins(secret, "{SSHA}"))
        return match_sha(secret + 6, true, password);
    return strlen(secret) == password.len &&
           CRYPTO_memcmp(secret, password.data, password.len) == 0;
}
