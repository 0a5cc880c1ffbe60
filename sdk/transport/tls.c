/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/tls.h"

#include <string.h>

#include "sdk/base/file.h"
#include "sdk/base/library.h"
#include "sdk/base/mem.h"

enum { FILE_MAX = 1 << 20 };

#define LIBRARY "libotel_tls.so.0"

extern const struct otl_tls_ops otel_sdk_tls_ops_0 __attribute__((weak));

struct file {
    char *name;
    struct otl_buf text;
};

struct otl_tls {
    const struct otl_tls_ops *ops;
    struct file ca, cert, key;
    bool trust_anybody;
    char *name;    /* that the other side must have; NULL: the URL's host */
    void *context; /* NULL after a fork, until it is needed */
};

static const struct otl_tls_ops *find_ops(struct otl_detail *reterr)
{
    const struct otl_tls_ops *ops = &otel_sdk_tls_ops_0; /* NULL unless it is linked */

    if (ops == NULL)
        ops = otl_library_symbol(LIBRARY, OTL_TLS_SYMBOL);
    if (ops == NULL)
        otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                       "https needs " LIBRARY ", which cannot be loaded");
    if (ops != NULL && ops->struct_size < sizeof(*ops)) {
        otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                       LIBRARY " is of another version than libotel_sdk");
        return NULL;
    }
    return ops;
}

static enum otel_err read_file(struct file *file, const char *path, struct otl_detail *reterr)
{
    otl_buf_init(&file->text, FILE_MAX);
    if (path == NULL || path[0] == '\0')
        return OTEL_OK;
    file->name = otl_mem_strdup(path);
    if (file->name == NULL)
        return OTEL_ERR_MEMORY;
    return otl_file_read(path, &file->text, reterr);
}

static void wipe(struct file *file)
{
    if (file->text.cap > 0)
        explicit_bzero(file->text.data, file->text.cap);
    otl_buf_fini(&file->text);
    otl_mem_free(file->name);
}

static struct otl_tls_pem pem_of(const struct file *file)
{
    return (struct otl_tls_pem){file->name, otl_view(file->text.data, file->text.len)};
}

static enum otel_err make_context(struct otl_tls *tls, struct otl_detail *reterr)
{
    struct otl_tls_material material = {pem_of(&tls->ca), pem_of(&tls->cert), pem_of(&tls->key),
                                        tls->trust_anybody};

    return tls->ops->context_new(&material, &tls->context, reterr);
}

static enum otel_err read_all(struct otl_tls *tls, const struct otl_tls_files *files,
                              struct otl_detail *reterr)
{
    enum otel_err err = read_file(&tls->ca, files->ca, reterr), others;

    others = read_file(&tls->cert, files->cert, reterr);
    err = err != OTEL_OK ? err : others;
    others = read_file(&tls->key, files->key, reterr);
    err = err != OTEL_OK ? err : others;
    if (err == OTEL_OK && (tls->cert.name == NULL) != (tls->key.name == NULL))
        err = otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                             "a client certificate and a client key go together; the %s is missing",
                             tls->key.name == NULL ? "key" : "certificate");
    return err;
}

static enum otel_err take_checks(struct otl_tls *tls, const struct otl_tls_checks *checks)
{
    tls->trust_anybody = checks->none;
    if (checks->name == NULL || checks->name[0] == '\0')
        return OTEL_OK;
    tls->name = otl_mem_strdup(checks->name);
    return tls->name != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
}

enum otel_err otl_tls_new(const struct otl_tls_files *files, struct otl_tls **ret,
                          struct otl_detail *reterr)
{
    static const struct otl_tls_checks all = {.none = false};

    return otl_tls_new_checking(files, &all, ret, reterr);
}

enum otel_err otl_tls_new_checking(const struct otl_tls_files *files,
                                   const struct otl_tls_checks *checks, struct otl_tls **ret,
                                   struct otl_detail *reterr)
{
    struct otl_tls *tls = otl_mem_zalloc(sizeof(*tls));
    enum otel_err err;

    if (tls == NULL)
        return OTEL_ERR_MEMORY;
    err = read_all(tls, files, reterr);
    if (err == OTEL_OK)
        err = take_checks(tls, checks);
    if (err == OTEL_OK) {
        tls->ops = find_ops(reterr);
        err = tls->ops != NULL ? make_context(tls, reterr) : OTEL_ERR_UNSUPPORTED;
    }
    if (err != OTEL_OK) {
        otl_tls_free(tls);
        return err;
    }
    *ret = tls;
    return OTEL_OK;
}

void otl_tls_free(struct otl_tls *tls)
{
    if (tls == NULL)
        return;
    if (tls->context != NULL)
        tls->ops->context_free(tls->context);
    wipe(&tls->ca);
    wipe(&tls->cert);
    wipe(&tls->key);
    otl_mem_free(tls->name);
    otl_mem_free(tls);
}

void otl_tls_forked(struct otl_tls *tls)
{
    if (tls != NULL)
        tls->context = NULL;
}

const struct otl_tls_ops *otl_tls_ops(const struct otl_tls *tls)
{
    return tls->ops;
}

enum otel_err otl_tls_session(struct otl_tls *tls, const struct otl_tls_peer *peer, void **ret)
{
    enum otel_err err = tls->context != NULL ? OTEL_OK : make_context(tls, NULL);
    struct otl_tls_peer named = *peer;

    if (tls->name != NULL) {
        named.host = tls->name;
        named.is_address = false;
    }
    return err == OTEL_OK ? tls->ops->session_new(tls->context, &named, ret) : err;
}
