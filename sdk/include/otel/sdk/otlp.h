/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_OTLP_H
#define OTEL_SDK_OTLP_H

#include <otel/sdk/exporter.h>
#include <pthread.h>

/*
 * OTLP exporter: sends batches of spans to a Collector, as protobuf over HTTP/1.1 or gRPC, or as
 * JSON over HTTP/1.1.
 *
 * Use it under the batch processor. Under the simple processor it works, but otel_span_end()
 * waits for the network each time.
 *
 * Life      options_init -> new -> given to a processor, which owns it.
 * Threads   runs on its processor's thread and keeps one connection there; host names are looked up
 *           on a thread for each look-up, at most 4 in the process. otel_sdk_otlp_stats() may be
 *           called from any thread while the exporter lives.
 * Memory    two buffers (plain and compressed request), kept up to 4 MiB between exports.
 * Limits    one request at a time (several: more_exporters of the batch processor,
 *           concurrent_exports of otel_sdk_from_env()); request 64 MiB before compression, answer
 *           4 MiB; what is larger is not sent, or not accepted, and the batch fails.
 *
 * An export ends once: delivered, or failed with the batch lost. timeout_millis (and the
 * processor's own limit) holds over all attempts and the waits between them. Tried again are
 * answers 429, 502, 503, 504 (gRPC: CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE,
 * UNAVAILABLE, DATA_LOSS, and RESOURCE_EXHAUSTED with RetryInfo), connections that fail and
 * connections that end without an answer; after Retry-After (seconds or date), RetryInfo or,
 * without them or where they ask for less than 200 ms, exponential back-off with jitter. Nothing
 * else is: not 500, not an answer that is no HTTP, not one over the limit. When the next wait would
 * pass the deadline, the export fails at once.
 *
 * A partial success is a success: its rejected spans are counted under OTEL_SDK_DROP_REJECTED and
 * reported by the drop callback with a count; a peer does not say which spans it refused, so ids
 * are known only when it refused the whole batch. Messages of the peer go to error.
 *
 * The exporter never traces itself: it calls no function of the API.
 *
 * An https endpoint is spoken to over TLS 1.2 or 1.3 and must show a certificate for the host in
 * the URL (in its subjectAltName) from a CA that is trusted; gRPC agrees on HTTP/2 by ALPN. A peer
 * that is not accepted, or does not accept us, ends the export at once (untrusted): another attempt
 * would end alike. TLS is a library of its own, libotel_tls with OpenSSL, loaded when the first
 * https exporter is made; programs without pay nothing. Those that link statically name it:
 * pkg-config otel_tls. The files are read once, by otel_sdk_otlp_new(); a forked child uses what
 * was read. At exit OpenSSL takes itself apart: shut down before, or from an exit handler that is
 * registered after the exporter was made.
 *
 * Redirects are not followed.
 *
 * Spec: OpenTelemetry protocol exporter; OTLP 1.x "OTLP/HTTP", "OTLP/gRPC". Deviation: none known.
 */

#ifdef __cplusplus
extern "C" {
#endif

enum otel_sdk_otlp_protocol {
    OTEL_SDK_OTLP_HTTP_PROTOBUF,
    OTEL_SDK_OTLP_GRPC,     /* unary calls over HTTP/2 */
    OTEL_SDK_OTLP_HTTP_JSON /* twice the bytes, a microsecond a span: for people */
};

enum otel_sdk_compression { OTEL_SDK_COMPRESSION_NONE, OTEL_SDK_COMPRESSION_GZIP };

struct otel_sdk_header {
    struct otel_str name;  /* an HTTP token; Host, Content-Length, Content-Encoding,
                              Transfer-Encoding, Connection and Content-Type are refused */
    struct otel_str value; /* no control characters but tab */
};

struct otel_sdk_otlp_options {
    size_t struct_size;             /* set by otel_sdk_otlp_options_init() */
    struct otel_str endpoint;       /* whole URL; init: http://localhost:4318/v1/traces; for gRPC
                                       its path is ignored, and it must be given */
    const struct otel_sdk_header *headers; /* copied; at most 64, 32 KiB */
    size_t header_count;
    enum otel_sdk_compression compression; /* init: none; gzip at its fastest level */
    uint32_t timeout_millis;        /* one export with all its attempts; init: 10000; 0: no limit */
    uint32_t initial_backoff_millis; /* init: 200 */
    uint32_t max_backoff_millis;    /* init: 5000 */
    uint32_t max_attempts;          /* init: 100, the first included */
    uint64_t max_request_bytes;     /* init: 64 MiB */
    uint64_t max_response_bytes;    /* init: 4 MiB */
    struct otel_str user_agent_prefix; /* put before "OTel-OTLP-Exporter-C/VERSION" */
    /* Told, on the exporter's thread, why a batch was lost and what a peer complained about;
     * OTEL_OK marks a warning. NULL: silence. */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    uint64_t (*wall_ns)(void *state); /* now, for Retry-After dates; NULL: the system's */
    void *wall_state;
    bool seeded; /* jitter repeats from seed */
    uint64_t seed;
    enum otel_sdk_otlp_protocol protocol; /* init: http/protobuf */
    /* For https; PEM files by path, init: none. Not used for http. */
    struct otel_str tls_ca_file;   /* trusted, and nothing else; none: what the system trusts */
    struct otel_str tls_cert_file; /* of the client, with its chain; goes with the key */
    struct otel_str tls_key_file;  /* without a passphrase */
    uint32_t max_connection_age_millis; /* an older one is closed before the next request, so that a
                                           load balancer can move this client; init: 0, no limit */
    /* Creates the thread that looks a host name up (no other: not for addresses, not for
     * localhost), under the rules of create_thread of the batch processor; called on the
     * exporter's thread, which detaches what it made. When it fails, so does the attempt to
     * connect, which is tried again. NULL: pthread_create(). */
    int (*create_thread)(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg);
    void *create_thread_arg;
};

OTEL_API void otel_sdk_otlp_options_init(struct otel_sdk_otlp_options *options);

/**
 * Create an exporter; it connects with its first export.
 *
 * @options  NULL: all defaults. Everything in it is copied.
 * @ret      set on success only.
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_SYNTAX       endpoint is no URL, or a header is malformed,
 *                         or a TLS file holds no PEM, or a key with a passphrase
 *   OTEL_ERR_UNSUPPORTED  endpoint is of another scheme, a header is one of ours, or libotel_tls is
 *                         not there
 *   OTEL_ERR_ARGUMENT     a limit is 0 or over 1 GiB; options were not initialised; a certificate
 *                         without its key, the reverse, or one that is another's
 *   OTEL_ERR_LIMIT        endpoint, headers or a TLS file are too long
 *   OTEL_ERR_NOT_FOUND, OTEL_ERR_IO   a TLS file
 *   OTEL_ERR_MEMORY
 * What is wrong with a file is told to error, with its name.
 */
OTEL_API OTEL_MUST_USE enum otel_err otel_sdk_otlp_new(const struct otel_sdk_otlp_options *options,
                                                       struct otel_sdk_exporter **ret);

/* How an export ended.
 *   delivered           acknowledged
 *   partial             acknowledged, some spans refused
 *   refused             an answer that is not retried
 *   unavailable         attempts used up, or the next wait would have passed the deadline
 *   timeout             the deadline passed, or the processor gave up
 *   request_too_large   not sent
 *   response_too_large  sent; the answer was over the limit
 *   garbage             sent; the answer was no HTTP
 *   no_memory           not sent, or its answer not read
 *   closed              after shutdown
 *   untrusted           TLS: one side did not accept the other
 */
#define OTEL_SDK_OTLP_RESULT_LIST(X)                                                               \
    X(OTEL_SDK_OTLP_DELIVERED, "delivered")                                                        \
    X(OTEL_SDK_OTLP_PARTIAL, "partial")                                                            \
    X(OTEL_SDK_OTLP_REFUSED, "refused")                                                            \
    X(OTEL_SDK_OTLP_UNAVAILABLE, "unavailable")                                                    \
    X(OTEL_SDK_OTLP_TIMEOUT, "timeout")                                                            \
    X(OTEL_SDK_OTLP_REQUEST_TOO_LARGE, "request_too_large")                                        \
    X(OTEL_SDK_OTLP_RESPONSE_TOO_LARGE, "response_too_large")                                      \
    X(OTEL_SDK_OTLP_GARBAGE, "garbage")                                                            \
    X(OTEL_SDK_OTLP_NO_MEMORY, "no_memory")                                                        \
    X(OTEL_SDK_OTLP_CLOSED, "closed")                                                              \
    X(OTEL_SDK_OTLP_UNTRUSTED, "untrusted")

enum otel_sdk_otlp_result {
#define OTEL_SDK_OTLP_RESULT_ENUM(result, name) result,
    OTEL_SDK_OTLP_RESULT_LIST(OTEL_SDK_OTLP_RESULT_ENUM)
#undef OTEL_SDK_OTLP_RESULT_ENUM
    OTEL_SDK_OTLP_RESULT_COUNT
};

/* "response_too_large"; static. */
OTEL_API const char *otel_sdk_otlp_result_name(enum otel_sdk_otlp_result result);

/* In a forked child they restart at 0. */
struct otel_sdk_otlp_stats {
    uint64_t exports;  /* begun */
    uint64_t results[OTEL_SDK_OTLP_RESULT_COUNT]; /* ended; sum = exports - in flight */
    uint64_t requests; /* attempts, retries included */
    uint64_t retries;  /* attempts after the first of an export */
    uint64_t connections;
    uint64_t bytes_sent;     /* on the wire, heads included */
    uint64_t bytes_received; /* likewise */
    uint64_t bytes_encoded;  /* before compression, once an export */
    uint64_t spans_delivered;
    uint64_t spans_rejected;
    uint64_t spans_failed;
    uint64_t answers_unread; /* acknowledged, but the body could not be understood */
    uint64_t latency_sum_ns; /* from export_batch to done */
    uint64_t latency_max_ns;
    uint64_t backoff_sum_ns; /* waits between attempts */
};

/* exporter must come from otel_sdk_otlp_new(). */
OTEL_API void otel_sdk_otlp_stats(const struct otel_sdk_exporter *exporter,
                                  struct otel_sdk_otlp_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
