#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the SDK into a private directory and uses it as a stranger would: pkg-config, shared and
# static, C and C++; then looks at what the libraries show and need. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 3
here=$(pwd)
tmp=$(mktemp -d) || exit 3
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
n=0 failed=0
MODE=${MODE:-release}

check() # NAME COMMAND...
{
    name=$1
    shift
    n=$((n + 1))
    if "$@" > "$tmp/log" 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' "$tmp/log" | tail -n 30
        failed=1
    fi
}

cat > "$tmp/api.c" << 'END'
#include <otel/propagators.h>
#include <otel/trace.h>
#include <stdio.h>

static void set(void *carrier, struct otel_str key, struct otel_str value)
{
    (void)carrier;
    printf("%.*s: %.*s\n", (int)key.len, key.data, (int)value.len, value.data);
}

static bool get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    (void)carrier;
    if (!otel_str_equal(key, otel_str("traceparent")))
        return false;
    *ret_value = otel_str("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    return true;
}

int main(void)
{
    struct otel_text_map_getter getter = {get, NULL, NULL};
    struct otel_text_map_setter setter = {set};
    struct otel_context *context;
    struct otel_tracer *tracer;

    otel_propagator_set_global(otel_propagator_w3c());
    context = otel_propagator_extract(NULL, NULL, NULL, &getter);
    tracer = otel_tracer("stranger", "1");
    otel_span_finish(otel_span_start(tracer, "nobody listens", NULL));
    otel_tracer_unref(tracer);
    otel_propagator_inject(NULL, context, NULL, &setter);
    otel_context_unref(context);
    return 0;
}
END
cat > "$tmp/heap.c" << 'END'
#include <otel/memory.h>
#include <otel/sdk/config.h>
#include <stdlib.h>

static long taken, given_back;

static void *take(void *arg, size_t size)
{
    long *block = malloc(size + 16);

    (void)arg;
    taken++;
    if (block == NULL)
        return NULL;
    *block = 42;
    return (char *)block + 16;
}

static void *move(void *arg, void *memory, size_t size)
{
    (void)arg;
    return (char *)realloc((char *)memory - 16, size + 16) + 16;
}

static void give_back(void *arg, void *memory)
{
    long *block = (long *)(void *)((char *)memory - 16);

    (void)arg;
    given_back++;
    if (*block != 42)
        abort();
    free(block);
}

/* Every library takes its memory from here, and what one took is given back here. */
int main(void)
{
    struct otel_allocator own = {take, move, give_back, NULL};
    struct otel_sdk *sdk = NULL;

    if (otel_set_allocator(&own) != OTEL_OK || otel_sdk_from_env(NULL, &sdk) != OTEL_OK)
        return 1;
    otel_span_finish(otel_span_start(otel_tracer("heap", "1"), "work", NULL));
    otel_sdk_free(sdk);
    return taken > 10 && given_back > 10 ? 0 : 2;
}
END
cat > "$tmp/config.c" << 'END'
#include <otel/sdk/config_file.h>
#include <stdio.h>

/* Is the file good? */
int main(int argc, char **argv)
{
    struct otel_config_problem problem;
    struct otel_config *config = NULL;
    struct otel_sdk *sdk = NULL;
    char text[900];

    if (argc != 2 || otel_config_read_file(argv[1], NULL, &config, &problem) != OTEL_OK ||
        otel_config_create(config, NULL, &sdk, &problem) != OTEL_OK) {
        puts(otel_config_problem_text(&problem, text, sizeof(text)));
        return 2;
    }
    otel_sdk_free(sdk);
    otel_config_free(config);
    return 0;
}
END
cat > "$tmp/tls.c" << 'END'
#include <otel/sdk/config.h>
#include <stdio.h>
#include <string.h>

static void say(void *arg, enum otel_err err, const char *text)
{
    (void)arg;
    (void)err;
    puts(text);
}

/* Makes an exporter, and says whether OpenSSL is in this process then. */
int main(void)
{
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;
    char line[4096];
    FILE *maps;
    int there = 0;

    otel_sdk_env_options_init(&options);
    options.error = say;
    if (otel_sdk_from_env(&options, &sdk) != OTEL_OK)
        return 1;
    maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
        there |= strstr(line, "libssl") != NULL;
    puts(there ? "with openssl" : "without openssl");
    otel_sdk_free(sdk);
    return 0;
}
END
cat > "$tmp/sdk.c" << 'END'
#include <otel/sdk/config.h>
#include <stdio.h>

int main(void)
{
    struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};
    struct otel_sdk *sdk = NULL;
    struct otel_tracer *tracer;
    enum otel_err err = otel_sdk_from_env(NULL, &sdk);

    if (err != OTEL_OK) {
        fprintf(stderr, "%s\n", otel_err_text(err));
        return 1;
    }
    otel_sdk_install(sdk);
    tracer = otel_tracer("stranger", "1");
    otel_span_finish(otel_span_start(tracer, "work", NULL));
    otel_tracer_unref(tracer);
    (void)otel_sdk_shutdown(sdk, 100);
    otel_sdk_provider_stats(otel_sdk_provider_of(sdk), &stats);
    printf("started %llu\n", (unsigned long long)stats.started);
    otel_sdk_free(sdk);
    return stats.started == 1 ? 0 : 1;
}
END

# the program that sdk/README.md shows
sed -n '/^```c$/,/^```$/p' sdk/README.md | sed '/^```/d' > "$tmp/readme.c"

prefix=$tmp/usr
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
static_of() { pkg-config --static --cflags --libs "$1" | sed 's/-lotel_\([a-z]*\)/-l:libotel_\1.a/g'; }
compile() { gcc -std=c11 -Wall -Wextra -Werror "$@"; }
run() { env LD_LIBRARY_PATH="$prefix/lib" OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9 "$@"; }

relays() { run "$1" | grep -x 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'; }
declared() # HEADER...: the functions
{
    [ $# -eq 0 ] || cat "$@" | sed '/^#/d' | tr '\n' ' ' | grep -oE 'OTEL_API [^;({]*\(' |
        sed 's/ *($//; s/.*[ *]//' | sort -u
}
# Each function of its headers, and what our libraries look for in each other, under the library's
# version; nothing else, and nothing without one.
exports_exactly() # LIBRARY VERSION DATA HEADER...
{
    library=$1 version=$2 data=$3
    shift 3
    { declared "$@"; echo "$data"; } | sed "/^\$/d; s/\$/@@$version/" | sort > "$tmp/wanted"
    readelf --dyn-syms -W "$prefix/lib/$library" |
        awk '$4 != "TYPE" && $5 ~ /^(GLOBAL|WEAK|UNIQUE)$/ && $7 != "UND" && $7 != "ABS" {print $8}' |
        sort > "$tmp/found"
    [ -s "$tmp/found" ] && diff "$tmp/wanted" "$tmp/found"
}
asks_for() # PROGRAM NAME@VERSION
{
    readelf --dyn-syms -W "$1" | awk '$7 == "UND" {print $8}' > "$tmp/asked"
    grep -xF "$2" "$tmp/asked"
}
has_soname() { readelf -d "$prefix/lib/$1" | grep -F "SONAME" | grep -F "[$1.0]"; }
needs_only_libc()
{
    readelf -d "$prefix/lib/libotel_api.so" | awk '/NEEDED/ {print $5}' > "$tmp/needed"
    cat "$tmp/needed"
    [ -s "$tmp/needed" ] && ! grep -vE '^\[(libc|libm|libpthread|ld-linux.*)\.so' "$tmp/needed"
}
has_openssl() # with|without ENDPOINT PROGRAM
{
    env LD_LIBRARY_PATH="$prefix/lib" OTEL_EXPORTER_OTLP_ENDPOINT="$2" "$3" > "$tmp/said" 2>&1
    cat "$tmp/said"
    grep -qx "$1 openssl" "$tmp/said"
}
obeys_a_file() # PROGRAM
{
    cat > "$tmp/otel.yaml" << 'END'
file_format: "1.0"
tracer_provider:
  processors: [{simple: {exporter: {otlp_file/development: }}}]
END
    env LD_LIBRARY_PATH="$prefix/lib" OTEL_CONFIG_FILE="$tmp/otel.yaml" "$1" > "$tmp/said" 2>&1
    cat "$tmp/said"
    grep -q '"resourceSpans"' "$tmp/said"
}
finds_the_mistake() # PROGRAM
{
    printf 'file_format: "1.0"\nresource: {atributes: []}\n' > "$tmp/bad.yaml"
    env LD_LIBRARY_PATH="$prefix/lib" "$1" "$tmp/bad.yaml" > "$tmp/said" 2>&1
    [ $? -eq 2 ] && cat "$tmp/said" && grep -q "bad.yaml:2:12: .*did you mean 'attributes'" "$tmp/said"
}
is_told_what_is_missing()
{
    mkdir -p "$tmp/bare" && cp -a "$prefix"/lib/libotel_api.so* "$prefix"/lib/libotel_sdk.so* "$tmp/bare"
    env LD_LIBRARY_PATH="$tmp/bare" OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:9 ./tls > "$tmp/said" 2>&1
    status=$?
    cat "$tmp/said"
    [ $status -eq 1 ] && grep -q 'https needs libotel_tls.so.0' "$tmp/said"
}
links_no_shared_otel() { ! readelf -d "$1" | grep libotel; }
# A C++ program of all headers, which looks for every function under its C name: one declared without
# extern "C" is looked for under another, and does not link.
cpp_links()
{
    {
        for h in "$prefix"/include/otel/*.h "$prefix"/include/otel/sdk/*.h; do
            echo "#include <${h#"$prefix/include/"}>"
        done
        echo 'static void (*const all[])() = {'
        declared "$prefix"/include/otel/*.h "$prefix"/include/otel/sdk/*.h |
            sed 's/.*/    reinterpret_cast<void (*)()>(\&&),/'
        cat << 'END'
};

int main()
{
    struct otel_sdk_stats stats = {};
    struct otel_sdk *sdk = nullptr;
    struct otel_tracer *tracer;

    for (auto function : all)
        if (function == nullptr)
            return 2;
    if (otel_sdk_from_env(nullptr, &sdk) != OTEL_OK)
        return 3;
    otel_sdk_install(sdk);
    tracer = otel_tracer("stranger", "1");
    otel_span_finish(otel_span_start(tracer, "work", nullptr));
    otel_tracer_unref(tracer);
    (void)otel_sdk_shutdown(sdk, 100);
    stats.struct_size = sizeof(stats);
    otel_sdk_provider_stats(otel_sdk_provider_of(sdk), &stats);
    otel_sdk_free(sdk);
    return stats.started == 1 ? 0 : 1;
}
END
    } > "$tmp/all.cc"
    g++ -std=c++17 -Wall -Wextra -Werror -o all_cpp "$tmp/all.cc" $(pkg-config --cflags --libs otel_config)
}
each_is_called_with_null()
{
    for h in "$prefix"/include/otel/*.h; do
        case $h in */kafka_carrier.h) continue ;; esac # inline, of librdkafka: kafka_carrier_test
        declared "$h"
        sed '/^#/d' "$h" | tr '\n' ' ' | grep -oE 'static inline [^;({]*\(' | sed 's/ *($//; s/.*[ *]//'
    done | sort -u > "$tmp/api_names"
    while read -r function; do
        grep -qw "$function" "$here/sdk/tests/null_test.c" || echo "$function is not called in sdk/tests/null_test.c"
    done < "$tmp/api_names" > "$tmp/uncalled"
    cat "$tmp/uncalled"
    [ -s "$tmp/api_names" ] && [ ! -s "$tmp/uncalled" ]
}
destdir_is_obeyed()
{
    make -s MODE="$MODE" install install-tools DESTDIR="$tmp/dest" PREFIX=/opt/otel LIBDIR=/opt/otel/lib64 &&
        [ -x "$tmp/dest/opt/otel/bin/tracerig" ] && [ -f "$tmp/dest/opt/otel/share/man/man1/collector-mock.1" ] &&
        [ -f "$tmp/dest/opt/otel/share/man/man3/otel_span_start.3" ] &&
        [ -f "$tmp/dest/opt/otel/lib64/libotel_sdk.a" ] &&
        grep -qx 'libdir=/opt/otel/lib64' "$tmp/dest/opt/otel/lib64/pkgconfig/otel_sdk.pc" &&
        make -s MODE="$MODE" uninstall DESTDIR="$tmp/dest" PREFIX=/opt/otel LIBDIR=/opt/otel/lib64 &&
        [ -z "$(find "$tmp/dest" -type f)" ]
}

check "make install" make -s MODE="$MODE" install PREFIX="$prefix"
check "the version is the header's" sh -c "[ \"\$(pkg-config --modversion otel_sdk)\" = \"\$(sed -n 's/^#define OTEL_SDK_VERSION \"\\(.*\\)\"/\\1/p' '$here/sdk/include/otel/sdk/resource.h')\" ]"
cd "$tmp" || exit 3
check "a library's user compiles against otel_api alone" compile -o api api.c $(pkg-config --cflags --libs otel_api)
check "and relays a traceparent without SDK" relays ./api
check "a program links the shared SDK" compile -o shared sdk.c $(pkg-config --cflags --libs otel_sdk)
check "and runs" run ./shared
check "the README's program compiles" compile -o readme readme.c $(pkg-config --cflags --libs otel_sdk)
check "and runs" run env OTEL_TRACES_EXPORTER=none ./readme
check "a program links the static SDK" compile -o static sdk.c $(static_of otel_sdk)
check "and needs no shared one" links_no_shared_otel ./static
check "and runs" run ./static
check "a static user of the API alone" compile -o api_static api.c $(static_of otel_api)
check "and relays too" relays ./api_static
check "a program that knows nothing of TLS" compile -o tls tls.c $(pkg-config --cflags --libs otel_sdk)
check "loads no OpenSSL for http" has_openssl without http://127.0.0.1:9 ./tls
check "loads it for https" has_openssl with https://127.0.0.1:9 ./tls
check "is told what is missing where libotel_tls is not installed" is_told_what_is_missing
check "a program links TLS statically" compile -o tls_static tls.c $(static_of otel_tls)
check "and has it" has_openssl with https://127.0.0.1:9 ./tls_static
check "without a shared library of ours" links_no_shared_otel ./tls_static
check "a program that knows nothing of configuration files obeys one" obeys_a_file ./shared
check "a program checks a file" compile -o config config.c $(pkg-config --cflags --libs otel_config)
check "and finds the mistake" finds_the_mistake ./config
check "a static program obeys a file" compile -o config_static sdk.c $(static_of otel_config)
check "too" obeys_a_file ./config_static
check "without a shared library of ours at all" links_no_shared_otel ./config_static
check "a program with an allocator of its own" compile -o heap heap.c $(pkg-config --cflags --libs otel_sdk)
check "has all libraries use it" run env OTEL_CONFIG_FILE="$tmp/otel.yaml" ./heap
check "and without a file" run env OTEL_EXPORTER_OTLP_TIMEOUT=50 OTEL_BSP_EXPORT_TIMEOUT=50 ./heap
check "a C++ program of every header links every function" cpp_links
check "and runs" run ./all_cpp
check "each function of the API is called with NULL by a test" each_is_called_with_null
check "libotel_api has its soname" has_soname libotel_api.so
check "libotel_sdk has its soname" has_soname libotel_sdk.so
check "libotel_tls has its soname" has_soname libotel_tls.so
check "libotel_tls exports what libotel_sdk looks for, versioned" exports_exactly libotel_tls.so OTEL_TLS_0 otel_sdk_tls_ops_0
check "libotel_config has its soname" has_soname libotel_config.so
in_sdk=$prefix/include/otel/sdk
check "libotel_config exports what its headers declare, versioned" exports_exactly libotel_config.so OTEL_CONFIG_0 \
    otel_config_hook_0 "$in_sdk"/config_*.h
check "libotel_api exports what its headers declare, versioned" exports_exactly libotel_api.so OTEL_API_0 \
    otel_span_noop_ops "$prefix"/include/otel/*.h
check "libotel_sdk exports what its headers declare, versioned" exports_exactly libotel_sdk.so OTEL_SDK_0 "" \
    $(ls "$in_sdk"/*.h | grep -v /config_)
check "a program asks for versioned names of the SDK" asks_for ./shared otel_sdk_from_env@OTEL_SDK_0
check "and of the API" asks_for ./shared otel_span_finish@OTEL_API_0
check "libotel_api needs the C library alone" needs_only_libc
cd "$here" || exit 3
check "DESTDIR and LIBDIR are obeyed, uninstall leaves nothing" destdir_is_obeyed
echo "1..$n"
exit $failed
