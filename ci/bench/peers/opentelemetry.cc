/* SPDX-License-Identifier: Apache-2.0
 *
 * What a span costs the thread that makes it, with opentelemetry-cpp: the rows of span_bench.
 *
 * Needs: opentelemetry_trace
 */
#include <chrono>
#include <memory>

#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/exporter.h>
#include <opentelemetry/sdk/trace/samplers/always_off_factory.h>
#include <opentelemetry/sdk/trace/samplers/always_on_factory.h>
#include <opentelemetry/sdk/trace/span_data.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/noop.h>
#include <opentelemetry/trace/tracer.h>

#include "ci/bench/row.h"

namespace api = opentelemetry::trace;
namespace sdk = opentelemetry::sdk;
using Tracer = opentelemetry::nostd::shared_ptr<api::Tracer>;
using Text = opentelemetry::nostd::string_view;

namespace
{
constexpr int kRepeats = 25, kSpans = 2000, kQueue = 8192; /* never half full: the worker sleeps */

/* Keeps nothing, so that only the producer's side is measured. */
class Discarder : public sdk::trace::SpanExporter
{
public:
    std::unique_ptr<sdk::trace::Recordable> MakeRecordable() noexcept override
    {
        return std::unique_ptr<sdk::trace::Recordable>(new sdk::trace::SpanData());
    }
    sdk::common::ExportResult Export(
        const opentelemetry::nostd::span<std::unique_ptr<sdk::trace::Recordable>> &) noexcept override
    {
        return sdk::common::ExportResult::kSuccess;
    }
    bool ForceFlush(std::chrono::microseconds) noexcept override { return true; }
    bool Shutdown(std::chrono::microseconds) noexcept override { return true; }
};

std::unique_ptr<sdk::trace::TracerProvider> Provider(std::unique_ptr<sdk::trace::Sampler> sampler)
{
    sdk::trace::BatchSpanProcessorOptions options;
    options.max_queue_size = kQueue;
    options.max_export_batch_size = kQueue;
    options.schedule_delay_millis = std::chrono::hours(1);
    return sdk::trace::TracerProviderFactory::Create(
        sdk::trace::BatchSpanProcessorFactory::Create(
            std::unique_ptr<sdk::trace::SpanExporter>(new Discarder()), options),
        sdk::resource::Resource::Create({}), std::move(sampler));
}

double Bare(const Tracer &tracer, int spans)
{
    uint64_t before = bench_cpu_ns();
    for (int i = 0; i < spans; i++)
        tracer->StartSpan("operation")->End();
    return static_cast<double>(bench_cpu_ns() - before) / spans;
}

double Eight(const Tracer &tracer, int spans)
{
    uint64_t before = bench_cpu_ns();
    for (int i = 0; i < spans; i++) {
        auto span = tracer->StartSpan("operation");
        span->SetAttribute("http.request.method", Text("POST /api/v1/orders"));
        span->SetAttribute("url.path", Text("/api/v1/orders/12345"));
        span->SetAttribute("server.address", Text("orders.internal.svc"));
        span->SetAttribute("user_agent.original", Text("tracerig-load/1.0.0"));
        span->SetAttribute("http.response.status_code", int64_t{200});
        span->SetAttribute("server.port", int64_t{8080});
        span->SetAttribute("order.items", int64_t{3});
        span->SetAttribute("order.total_cents", int64_t{129900});
        span->End();
    }
    return static_cast<double>(bench_cpu_ns() - before) / spans;
}
} // namespace

int main()
{
    double loop = 0, noop = 0, off = 0, eight = 0;
    auto not_sampled = Provider(sdk::trace::AlwaysOffSamplerFactory::Create());
    auto sampled = Provider(sdk::trace::AlwaysOnSamplerFactory::Create());
    api::NoopTracerProvider none;
    Tracer none_tracer = none.GetTracer("bench", "", ""), off_tracer = not_sampled->GetTracer("bench", "", ""),
           on_tracer = sampled->GetTracer("bench", "", "");

    for (int repeat = 0; repeat < kRepeats; repeat++) {
        bench_keep_least(&loop, bench_loop_ns());
        bench_keep_least(&noop, Bare(none_tracer, 50 * kSpans));
        bench_keep_least(&off, Bare(off_tracer, 10 * kSpans));
        bench_keep_least(&eight, Eight(on_tracer, kSpans));
        sampled->ForceFlush();
    }
    printf("opentelemetry-cpp " OPENTELEMETRY_VERSION "\n");
    bench_row_ns("no_sdk@cpp", noop, loop, -1);
    bench_row_ns("not_sampled@cpp", off, loop, -1);
    bench_row_ns("sampled_8@cpp", eight, loop, -1);
    return 0;
}
