/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/tests/help.h"

#include <ctype.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "reports/plot/plot.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { READ_BYTES = 64 << 20, DEEP = 256, NAME_BYTES = 32 };

struct rep_model *help_fixture(const char *name, const char *dir)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct rep_model *model = NULL;
    char path[200];
    json_error_t where;
    json_t *root;

    snprintf(path, sizeof(path), "reports/tests/fixtures/%s.json", name);
    root = json_load_file(path, 0, &where);
    if (root == NULL)
        fail_msg("%s:%d: %s", path, where.line, where.text);
    if (rep_model_take(root, dir, &model, &detail) != OTEL_OK)
        fail_msg("%s: %s: %s", path, detail.source, detail.text);
    return model;
}

char *help_render(const struct rep_model *model, const char *format,
                  const struct rep_render_options *options)
{
    static const struct rep_plots none = {.count = 0};
    struct rep_render_options plain;
    struct rep_out out;
    char *text = NULL;
    size_t len;

    rep_render_options_init(&plain);
    rep_out_init(&out);
    rep_renderer_find(format)->render(model, &none, options ? options : &plain, &out);
    assert_int_equal(out.err, OTEL_OK);
    assert_int_equal(otl_buf_take(&out.buf, &text, &len), OTEL_OK);
    rep_out_fini(&out);
    return text;
}

static void join(char *path, size_t size, const char *dir, const char *name)
{
    assert_true((size_t)snprintf(path, size, "%s/%s", dir, name) < size);
}

char *help_read(const char *dir, const char *name)
{
    struct otl_buf buf;
    char path[500];
    char *text = NULL;
    size_t len;

    join(path, sizeof(path), dir, name);
    otl_buf_init(&buf, READ_BYTES);
    if (otl_file_read(path, &buf, NULL) == OTEL_OK)
        assert_int_equal(otl_buf_take(&buf, &text, &len), OTEL_OK);
    otl_buf_fini(&buf);
    return text;
}

bool help_exists(const char *dir, const char *name)
{
    char path[500];

    join(path, sizeof(path), dir, name);
    return access(path, F_OK) == 0;
}

void help_write(const char *dir, const char *name, const char *text, unsigned mode)
{
    char path[500];

    join(path, sizeof(path), dir, name);
    assert_int_equal(otl_file_write(path, text, strlen(text), NULL), OTEL_OK);
    assert_int_equal(chmod(path, mode), 0);
}

void help_run_dir(char *path, size_t size, const char *name)
{
    const char *base = getenv("TMPDIR");
    char fixture[100];
    char *text;

    snprintf(path, size, "%s/tracerig-report.XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    if (name == NULL)
        return;
    snprintf(fixture, sizeof(fixture), "%s.json", name);
    text = help_read("reports/tests/fixtures", fixture);
    assert_non_null(text);
    help_write(path, "report.json", text, 0644);
    otl_mem_free(text);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void help_remove(const char *dir)
{
    assert_int_equal(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- markup ------------------------------------------------------------------------------- */

struct reader {
    const char *at;
    bool html;
    char open[DEEP][NAME_BYTES];
    size_t depth;
};

static bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "img", "br", "source", NULL};

    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static const char *reference(struct reader *r)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#", NULL};

    for (size_t i = 0; known[i] != NULL; i++) {
        if (strncmp(r->at, known[i], strlen(known[i])) == 0) {
            r->at += strlen(known[i]);
            return NULL;
        }
    }
    return "a bare &";
}

static const char *name(struct reader *r, char *out)
{
    size_t len = 0;

    while (isalnum((unsigned char)*r->at) || strchr("-_:", *r->at) != NULL) {
        if (*r->at == '\0' || len + 1 == NAME_BYTES)
            return "a name that does not end";
        out[len++] = *r->at++;
    }
    out[len] = '\0';
    return len > 0 ? NULL : "a name is missing";
}

static const char *attributes(struct reader *r)
{
    char word[NAME_BYTES];
    const char *problem = NULL;

    while (problem == NULL && *r->at == ' ') {
        r->at++;
        problem = name(r, word);
        if (problem == NULL && strncmp(r->at, "=\"", 2) != 0)
            problem = "an attribute without a quoted value";
        if (problem != NULL)
            break;
        for (r->at += 2; *r->at != '"' && problem == NULL;) {
            if (*r->at == '<' || *r->at == '\0')
                problem = "an attribute that does not end";
            else if (*r->at == '&')
                problem = reference(r);
            else
                r->at++;
        }
        r->at++;
    }
    return problem;
}

static const char *tag(struct reader *r)
{
    char word[NAME_BYTES];
    bool end = r->at[1] == '/';
    bool empty = false;
    const char *problem;

    r->at += end ? 2 : 1;
    problem = name(r, word);
    if (problem == NULL && !end)
        problem = attributes(r);
    if (problem != NULL)
        return problem;
    if (*r->at == '/') {
        empty = true;
        r->at++;
    }
    if (*r->at++ != '>')
        return "a tag that does not end";
    if (end) {
        if (r->depth == 0 || strcmp(r->open[r->depth - 1], word) != 0)
            return "an end tag of something else";
        r->depth--;
    } else if (!empty && !(r->html && is_void(word))) {
        if (r->depth == DEEP)
            return "nests too deep";
        memcpy(r->open[r->depth++], word, NAME_BYTES);
    }
    if (!end && strcmp(word, "style") == 0) {
        r->at = strstr(r->at, "</style>");
        return r->at ? NULL : "a style that does not end";
    }
    return NULL;
}

const char *help_markup_problem(const char *text, bool html)
{
    struct reader r = {.at = text, .html = html};
    const char *start = html ? "<!DOCTYPE html>" : "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    const char *problem = NULL;

    if (strncmp(text, start, strlen(start)) != 0)
        return "the first line is missing";
    for (r.at += strlen(start); *r.at != '\0' && problem == NULL;) {
        if (*r.at == '<')
            problem = tag(&r);
        else if (*r.at == '&')
            problem = reference(&r);
        else if (*r.at == '>')
            problem = "a bare >";
        else if ((unsigned char)*r.at < 0x20 && *r.at != '\n')
            problem = "a control character";
        else
            r.at++;
    }
    if (problem != NULL)
        print_error("at byte %zu: %.60s\n", (size_t)(r.at - text), r.at);
    return problem ? problem : r.depth > 0 ? "an element that does not end" : NULL;
}
