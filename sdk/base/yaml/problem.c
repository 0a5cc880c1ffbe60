/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's complaints in words that help. */
#include <string.h>

#include "sdk/base/buf.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/build.h"

struct otl_yaml_pos otl_yaml_at(const struct otl_yaml_builder *b, yaml_mark_t mark)
{
    struct otl_yaml_pos pos = {b->source, 0, 0};

    if (!b->options->without_lines) {
        pos.line = (unsigned)mark.line + 1;
        pos.column = (unsigned)mark.column + 1;
    }
    return pos;
}

enum otel_err otl_yaml_over(struct otl_yaml_builder *b, struct otl_yaml_pos pos, const char *what,
                            size_t max)
{
    return otl_detail_set(b->reterr, OTEL_ERR_LIMIT, pos.source, pos.line, pos.column,
                          "%s (limit %zu)", what, max);
}

/* The rest of the line in which the mark stands, and how far into it the mark is. (The mark's own
 * index counts characters, not bytes.) */
static struct otl_view line_of(const struct otl_yaml_builder *b, yaml_mark_t mark, size_t *ret_at)
{
    const char *line = b->text, *end = b->text + b->len, *stop;

    for (size_t i = 0; i < mark.line && line < end; i++) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        line = next ? next + 1 : end;
    }
    stop = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
    stop = stop ? stop : end;
    *ret_at = otl_utf8_cut(line, (size_t)(stop - line), mark.column);
    return otl_view(line, (size_t)(stop - line));
}

/* Inside of { } and [ ] a plain ${...} ends at its brace, which puzzles everyone once. */
static const char *flow_hint(const struct otl_yaml_builder *b, const yaml_parser_t *parser)
{
    size_t at;
    struct otl_view line = line_of(b, parser->problem_mark, &at);

    if (strstr(parser->context, "flow") == NULL || line.len == 0 ||
        memmem(line.data, at + 1 < line.len ? at + 1 : line.len, "${", 2) == NULL)
        return "";
    return "; a text with ${...} inside of { } or [ ] needs quotes";
}

/* "tls: insecure: true" is what nearly everyone has pasted once. */
static const char *nested_hint(const char *problem)
{
    if (strcmp(problem, "mapping values are not allowed in this context") != 0)
        return "";
    return "; keys of a key go on lines of their own, further in (a text with ': ' needs quotes)";
}

enum otel_err otl_yaml_problem(struct otl_yaml_builder *b)
{
    const yaml_parser_t *parser = &b->parser;
    struct otl_view line;
    size_t at;
    const char *problem = parser->problem ? parser->problem : "not YAML";

    if (parser->error == YAML_MEMORY_ERROR)
        return OTEL_ERR_MEMORY;
    if (parser->error == YAML_READER_ERROR)
        return otl_detail_set(b->reterr, OTEL_ERR_SYNTAX, b->source, 0, 0,
                              "%s at byte %zu (the text must be UTF-8)", problem,
                              parser->problem_offset);
    line = line_of(b, parser->problem_mark, &at);
    if (at < line.len && line.data[at] == '\t')
        return otl_yaml_error(b->reterr, otl_yaml_at(b, parser->problem_mark),
                              "a tab cannot indent YAML; use blanks");
    if (parser->context != NULL && !b->options->without_lines)
        return otl_yaml_error(b->reterr, otl_yaml_at(b, parser->problem_mark), "%s (%s, line %u)%s",
                              problem, parser->context, (unsigned)parser->context_mark.line + 1,
                              flow_hint(b, parser));
    return otl_yaml_error(b->reterr, otl_yaml_at(b, parser->problem_mark), "%s%s", problem,
                          nested_hint(problem));
}
