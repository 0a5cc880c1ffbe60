/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_OTLP_SETTINGS_H
#define COL_EXPORTERS_OTLP_SETTINGS_H

#include "collector-mock/exporters/compress.h"
#include "collector-mock/pipeline/component.h"
#include "sdk/transport/tls.h"
#include "sdk/transport/url.h"

/*
 * Settings of the otlp and otlphttp exporters: the Collector's keys, defaults and rules.
 *
 * What tunes the Collector's own libraries (buffer sizes, idle connections, the balancer, HTTP/2
 * pings) is taken and does nothing. What would change who gets which span and is not here yet is
 * refused by name: storage, batch.partition, proxy_url, authority, cookies, middlewares,
 * compression snappy (no library here writes its frames), and of tls
 * what is given as text (ca_pem and the like), versions, ciphers, curves and reload_interval.
 */

enum col_otlp_sizer { COL_SIZE_REQUESTS, COL_SIZE_ITEMS, COL_SIZE_BYTES };

struct col_otlp_settings {
    enum col_signal signal;
    bool grpc;
    bool json; /* otlphttp with encoding json */
    enum col_compression compression;
    struct otl_url url;
    struct otl_buf header_lines; /* "Name: value\r\n"... */
    struct otl_tls *tls;         /* NULL: none */
    uint64_t timeout_ns;         /* of one attempt; 0: none */
    struct {
        bool enabled; /* false: the rest is set to send each request at once, as far as may be */
        bool blocks;  /* block_on_overflow */
        bool waits;   /* wait_for_result */
        bool batches;
        enum col_otlp_sizer sizer;
        uint64_t size;
        unsigned consumers;
        enum col_otlp_sizer batch_sizer;
        uint64_t batch_min, batch_max, batch_flush_ns; /* max 0: none */
    } queue;
    struct {
        bool enabled;
        uint64_t initial_ns, max_ns;
        double multiplier, randomization;
        uint64_t max_elapsed_ns; /* 0: for ever */
    } retry;
};

enum { COL_CONSUMERS_MAX = 256 };

extern const struct otl_schema col_otlp_grpc_row[], col_otlp_http_row[];
extern const struct otl_schema col_otlp_queue_keys[], col_otlp_retry_keys[];

/* The first setting of map, an exporter's as it stands in the file, that is not here:
 * OTEL_ERR_UNSUPPORTED at its key. Part of col_otlp_settings_read(), which may be given a copy. */
OTEL_MUST_USE enum otel_err col_otlp_settings_refuse(const struct col_create *args, bool grpc,
                                                     const json_t *map,
                                                     struct otl_detail *reterr);
/* settings is zeroed; fini it also after an error. OTEL_ERR_SYNTAX, OTEL_ERR_UNSUPPORTED with
 * file:line:column; errors of otl_tls_new(). */
OTEL_MUST_USE enum otel_err col_otlp_settings_read(const struct col_create *args, bool grpc,
                                                   struct col_otlp_settings *settings,
                                                   struct otl_detail *reterr);
/* timeout, sending_queue and retry_on_failure alone, of an exporter that sends through others: no
 * queue unless there is such a key, no retries unless they are enabled. Likewise. */
OTEL_MUST_USE enum otel_err col_otlp_settings_read_around(const struct col_create *args,
                                                          struct col_otlp_settings *settings,
                                                          struct otl_detail *reterr);
void col_otlp_settings_fini(struct col_otlp_settings *settings);

#endif
