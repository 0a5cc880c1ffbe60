/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/net/tls.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "sdk/base/buf.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { PEM_MAX_BYTES = 1 << 20 };

struct col_tls {
    SSL_CTX *context;
    SSL_CTX *other; /* COL_TLS_OTHER */
    struct col_tls_options options; /* its texts are ours */
    uint64_t loaded_ns;
    struct timespec client_ca_changed;
    struct col_tls_counters counters;
};

/* The texts of the options, to be copied and freed together. */
static const char **text_at(struct col_tls_options *options, size_t index)
{
    const char **texts[] = {&options->cert_file,      &options->cert_pem,    &options->key_file,
                            &options->key_pem,        &options->ca_file,     &options->ca_pem,
                            &options->client_ca_file, &options->min_version, &options->max_version,
                            &options->cipher_suites,  &options->groups,      &options->protocol};

    return index < sizeof(texts) / sizeof(texts[0]) ? texts[index] : NULL;
}

/* ---- words ---- */

const char *col_tls_cipher(const char *name)
{
    static const struct {
        const char *name, *openssl;
    } ciphers[] = {
        {"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"},
        {"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"},
        {"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"},
        {"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"},
        {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
        {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
        {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
        {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
        {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
        {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
        {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
        {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
        {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    };

    for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
        if (strcmp(ciphers[i].name, name) == 0)
            return ciphers[i].openssl;
    return NULL;
}

const char *col_tls_group(const char *name)
{
    static const char *const groups[][2] = {
        {"X25519", "X25519"}, {"P256", "P-256"}, {"P384", "P-384"}, {"P521", "P-521"}};

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (strcmp(groups[i][0], name) == 0)
            return groups[i][1];
    return NULL;
}

static int version_number(const char *version, int otherwise)
{
    if (version == NULL || version[0] == '\0')
        return otherwise;
    switch (version[2]) {
    case '0':
        return TLS1_VERSION;
    case '1':
        return TLS1_1_VERSION;
    case '2':
        return TLS1_2_VERSION;
    default:
        return TLS1_3_VERSION;
    }
}

/* ---- files ---- */

/* What is being loaded: the key of the setting, for the message. */
struct source {
    const char *key;
    const char *path; /* NULL: the text itself */
    struct otl_buf pem;
};

static enum otel_err wrong(const struct source *source, const char **reterr_key,
                           struct otl_detail *reterr, const char *why)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    bool told = reason != NULL && ERR_peek_last_error() != 0;

    ERR_clear_error();
    *reterr_key = source->key;
    return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0, "%s%s%s%s%s%s", why,
                          source->path != NULL ? ": " : "",
                          source->path != NULL ? source->path : "", told ? " (" : "",
                          told ? reason : "", told ? ")" : "");
}

static enum otel_err read_source(struct source *source, const char *text, const char **reterr_key,
                                 struct otl_detail *reterr)
{
    struct otl_detail why = OTL_DETAIL_NONE;
    enum otel_err err;

    otl_buf_init(&source->pem, PEM_MAX_BYTES);
    if (source->path == NULL)
        err = otl_buf_append_str(&source->pem, text);
    else
        err = otl_file_read(source->path, &source->pem, &why);
    if (err == OTEL_OK)
        return OTEL_OK;
    otl_buf_fini(&source->pem);
    *reterr_key = source->key;
    return otl_detail_set(reterr, err, NULL, 0, 0, "cannot read '%s': %s",
                          source->path != NULL ? source->path : "the PEM text",
                          why.text[0] != '\0' ? why.text : otel_err_text(err));
}

static BIO *open_source(const struct source *source)
{
    return BIO_new_mem_buf(source->pem.data, (int)source->pem.len);
}

/* The certificate and what follows it in the file: its chain. */
static bool use_chain(SSL_CTX *context, BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    bool ok = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1;
    unsigned long last;

    X509_free(certificate);
    while (ok && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        if (SSL_CTX_add0_chain_cert(context, certificate) != 1) {
            X509_free(certificate);
            ok = false;
        }
    last = ERR_peek_last_error();
    if (ok && ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE)
        ERR_clear_error(); /* the end of the file */
    return ok;
}

static bool use_key(SSL_CTX *context, BIO *bio)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    bool ok = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;

    EVP_PKEY_free(key);
    return ok;
}

/* Every certificate of the text into the store of those who may sign clients. */
static bool use_client_ca(SSL_CTX *context, BIO *bio)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509 *certificate;
    size_t count = 0;

    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        bool ok = X509_STORE_add_cert(store, certificate) == 1 &&
                  SSL_CTX_add_client_CA(context, certificate) == 1;
        X509_free(certificate);
        if (!ok)
            return false;
        count++;
    }
    if (count > 0)
        ERR_clear_error();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return count > 0;
}

static bool is_certificate(SSL_CTX *context, BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    (void)context;
    X509_free(certificate);
    return certificate != NULL;
}

struct use {
    const char *file_key, *pem_key;
    const char *file, *pem;
    bool (*use)(SSL_CTX *context, BIO *bio);
    const char *wrong;
};

static enum otel_err load(SSL_CTX *context, const struct use *use, const char **reterr_key,
                          struct otl_detail *reterr)
{
    struct source source = {use->file != NULL ? use->file_key : use->pem_key, use->file, {0}};
    enum otel_err err;
    BIO *bio;

    if (use->file == NULL && use->pem == NULL)
        return OTEL_OK;
    ERR_clear_error();
    err = read_source(&source, use->pem, reterr_key, reterr);
    if (err != OTEL_OK)
        return err;
    bio = open_source(&source);
    if (bio == NULL || !use->use(context, bio))
        err = wrong(&source, reterr_key, reterr, use->wrong);
    BIO_free(bio);
    otl_buf_fini(&source.pem);
    return err;
}

/* ---- a context ---- */

static int on_alpn(SSL *session, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *arg)
{
    const char *word = arg;
    size_t len = strlen(word);

    (void)session;
    for (unsigned at = 0; at < in_len; at += 1u + in[at])
        if (in[at] == len && at + 1 + len <= in_len && memcmp(in + at + 1, word, len) == 0) {
            *out = in + at + 1;
            *out_len = (unsigned char)len;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int on_hello(SSL *session, int *alert, void *arg)
{
    (void)arg;
    if (SSL_get_app_data(session) == NULL)
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_HANDSHAKE_FAILURE;
    return SSL_CLIENT_HELLO_ERROR;
}

static bool set_words(struct col_tls *tls, SSL_CTX *context)
{
    static const unsigned char sessions[] = "collector-mock";
    const struct col_tls_options *options = &tls->options;
    int lowest = version_number(options->min_version, TLS1_2_VERSION);

    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
                                  SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_client_hello_cb(context, on_hello, NULL);
    if (options->protocol != NULL)
        SSL_CTX_set_alpn_select_cb(context, on_alpn, (void *)(uintptr_t)options->protocol);
    if (lowest < TLS1_2_VERSION) /* OpenSSL 3 takes SHA-1 signatures at level 0 alone */
        SSL_CTX_set_security_level(context, 0);
    return SSL_CTX_set_session_id_context(context, sessions, sizeof(sessions) - 1) == 1 &&
           SSL_CTX_set_min_proto_version(context, lowest) == 1 &&
           SSL_CTX_set_max_proto_version(context, version_number(options->max_version, 0)) == 1 &&
           (options->cipher_suites == NULL ||
            SSL_CTX_set_cipher_list(context, options->cipher_suites) == 1) &&
           (options->groups == NULL || SSL_CTX_set1_groups_list(context, options->groups) == 1);
}

/* cert, key and so on from options; tls gives the words. */
static enum otel_err make_context(struct col_tls *tls, const struct col_tls_options *options,
                                  SSL_CTX **ret, const char **reterr_key,
                                  struct otl_detail *reterr)
{
    const struct use uses[] = {
        {"cert_file", "cert_pem", options->cert_file, options->cert_pem, use_chain,
         "no certificate could be read"},
        {"key_file", "key_pem", options->key_file, options->key_pem, use_key,
         "the private key could not be used with the certificate"},
        {"ca_file", "ca_pem", options->ca_file, options->ca_pem, is_certificate,
         "no certificate could be read"},
        {"client_ca_file", NULL, options->client_ca_file, NULL, use_client_ca,
         "no certificate could be read"},
    };
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    enum otel_err err = OTEL_OK;

    if (context == NULL || !set_words(tls, context)) {
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "TLS: %s",
                             ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        *reterr_key = "tls";
    }
    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]) && err == OTEL_OK; i++)
        err = load(context, &uses[i], reterr_key, reterr);
    if (err != OTEL_OK) {
        SSL_CTX_free(context);
        return err;
    }
    *ret = context;
    return OTEL_OK;
}

/* ---- files that change ---- */

static struct timespec changed(const char *path)
{
    struct timespec never = {0, 0};
    struct stat info;

    return path != NULL && stat(path, &info) == 0 ? info.st_mtim : never;
}

static bool due(const struct col_tls *tls, uint64_t now_ns)
{
    const struct col_tls_options *options = &tls->options;
    struct timespec then = tls->client_ca_changed, now;

    if (options->reload_interval_ns != 0 && now_ns - tls->loaded_ns >= options->reload_interval_ns)
        return true;
    if (!options->client_ca_reload)
        return false;
    now = changed(options->client_ca_file);
    return now.tv_sec != then.tv_sec || now.tv_nsec != then.tv_nsec;
}

static void reload(struct col_tls *tls)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    const char *key;
    SSL_CTX *context = NULL;

    tls->loaded_ns = otl_clock_mono(tls->options.clock);
    tls->client_ca_changed = changed(tls->options.client_ca_file);
    if (make_context(tls, &tls->options, &context, &key, &detail) != OTEL_OK) {
        tls->counters.reload_failures++;
        return;
    }
    tls->counters.reloads++;
    SSL_CTX_free(tls->context);
    tls->context = context;
}

/* ---- life ---- */

static enum otel_err copy_texts(struct col_tls_options *options)
{
    const char **text;

    for (size_t i = 0; (text = text_at(options, i)) != NULL; i++) {
        size_t size = *text != NULL ? strlen(*text) + 1 : 0;
        char *copy = size > 0 ? otl_mem_alloc(size) : NULL;
        if (size > 0 && copy == NULL) {
            while ((text = text_at(options, i++)) != NULL)
                *text = NULL; /* the caller's */
            return OTEL_ERR_MEMORY;
        }
        if (copy != NULL)
            memcpy(copy, *text, size);
        *text = copy;
    }
    return OTEL_OK;
}

enum otel_err col_tls_new(const struct col_tls_options *options, struct col_tls **ret,
                          const char **reterr_key, struct otl_detail *reterr)
{
    struct col_tls *tls = otl_mem_zalloc(sizeof(*tls));
    enum otel_err err = OTEL_ERR_MEMORY;

    *reterr_key = "tls";
    if (tls == NULL)
        return otl_detail_set(reterr, err, NULL, 0, 0, "out of memory");
    tls->options = *options;
    err = copy_texts(&tls->options);
    if (err == OTEL_OK) {
        tls->loaded_ns = otl_clock_mono(options->clock);
        tls->client_ca_changed = changed(options->client_ca_file);
        err = make_context(tls, &tls->options, &tls->context, reterr_key, reterr);
    }
    if (err != OTEL_OK) {
        col_tls_free(tls);
        return otl_detail_set(reterr, err, NULL, 0, 0, "out of memory");
    }
    *ret = tls;
    return OTEL_OK;
}

void col_tls_free(struct col_tls *tls)
{
    const char **text;

    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    SSL_CTX_free(tls->other);
    for (size_t i = 0; (text = text_at(&tls->options, i)) != NULL; i++)
        otl_mem_free((void *)(uintptr_t)*text);
    otl_mem_free(tls);
}

/* ---- sessions ---- */

SSL *col_tls_session(struct col_tls *tls, enum col_tls_fault fault)
{
    static char refused;
    SSL *session;

    if (due(tls, otl_clock_mono(tls->options.clock)))
        reload(tls);
    ERR_clear_error();
    session = SSL_new(fault == COL_TLS_OTHER && tls->other != NULL ? tls->other : tls->context);
    if (session == NULL)
        return NULL;
    SSL_set_accept_state(session);
    if (fault == COL_TLS_REFUSE)
        SSL_set_app_data(session, &refused); /* for on_hello */
    return session;
}

bool col_tls_established(struct col_tls *tls, SSL *session)
{
    const unsigned char *word;
    unsigned len;

    SSL_get0_alpn_selected(session, &word, &len);
    if (tls->options.protocol_required && len == 0) {
        tls->counters.failures++;
        return false;
    }
    tls->counters.handshakes++;
    return true;
}

void col_tls_failed(struct col_tls *tls)
{
    tls->counters.failures++;
}

void col_tls_goodbye(SSL *session)
{
    ERR_clear_error();
    if (session != NULL && SSL_is_init_finished(session))
        SSL_shutdown(session);
    ERR_clear_error();
}

enum otel_err col_tls_other(struct col_tls *tls, const char *cert_file, const char *key_file,
                            struct otl_detail *reterr)
{
    struct col_tls_options other = tls->options;
    SSL_CTX *context = NULL;
    const char *key;
    enum otel_err err;

    other.cert_file = cert_file;
    other.key_file = key_file;
    other.cert_pem = other.key_pem = NULL;
    err = make_context(tls, &other, &context, &key, reterr);
    if (err != OTEL_OK)
        return err;
    SSL_CTX_free(tls->other);
    tls->other = context;
    return OTEL_OK;
}

const struct col_tls_counters *col_tls_counters(const struct col_tls *tls)
{
    return &tls->counters;
}
