/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list: what a mount would show.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "mxfs/bytes.h"
#include "mxfs/names.h"
#include "mxfs/path.h"

enum { NAME_WIDTH_MAX = 72, NAME_MAX_SHOWN = 4096, SHAPE_MAX_SHOWN = 512 };

/* The stored tensors behind an output: its one source, or the parts of its group. */
static unsigned sources_of(const struct mxfs_output *o,
                           const struct mxfs_tensor *sources[MXFS_PARTS_MAX])
{
    if (o->tensor) {
        sources[0] = o->tensor;
        return 1;
    }
    for (unsigned i = 0; i < o->group->parts; i++)
        sources[i] = o->group->part[i];
    return o->group->parts;
}

static const char *scheme_of(const struct mxfs_output *o)
{
    return o->tensor ? "plain" : o->group->scheme->name;
}

static const struct mxfs_output *by_name(const struct cmd_source *s, size_t i)
{
    return &s->plan.outputs[s->plan.by_name[i]];
}

static void format_shape(char *out, const struct mxfs_output_info *o)
{
    size_t n = 0;

    out[n++] = '[';
    for (uint32_t i = 0; i < o->rank && n < SHAPE_MAX_SHOWN - 32; i++)
        n += (size_t)sprintf(out + n, "%s%" PRIu64, i ? "," : "", o->shape[i]);
    strcpy(out + n, "]");
}

/* Widths of the aligned columns. */
struct widths {
    int name, shape, bytes, scheme;
};

static int wider(int a, size_t b)
{
    return (size_t)a < b ? (int)b : a;
}

static struct widths measure(const struct cmd_source *s)
{
    struct widths w = {4, 5, 5, 6};
    char text[NAME_MAX_SHOWN];

    for (size_t i = 0; i < s->plan.count; i++) {
        const struct mxfs_output *o = by_name(s, i);
        struct mxfs_output_info info = mxfs_output_info(o);
        w.name = wider(w.name, mxfs_escape(text, sizeof(text), info.name, info.name_len));
        format_shape(text, &info);
        w.shape = wider(w.shape, strlen(text));
        w.bytes = wider(w.bytes, (size_t)snprintf(NULL, 0, "%" PRIu64, info.size));
        w.scheme = wider(w.scheme, strlen(scheme_of(o)));
    }
    if (w.name > NAME_WIDTH_MAX)
        w.name = NAME_WIDTH_MAX;
    return w;
}

static void print_row(const struct mxfs_output *o, const struct widths *w)
{
    const struct mxfs_tensor *sources[MXFS_PARTS_MAX];
    struct mxfs_output_info info = mxfs_output_info(o);
    char name[NAME_MAX_SHOWN], shape[SHAPE_MAX_SHOWN];
    unsigned n = sources_of(o, sources);

    mxfs_escape(name, sizeof(name), info.name, info.name_len);
    format_shape(shape, &info);
    printf("%-*s  %-4s  %-*s  %*" PRIu64 "  %-*s ", w->name, name, mxfs_dtype_name(info.dtype),
           w->shape, shape, w->bytes, info.size, w->scheme, scheme_of(o));
    for (unsigned i = 0; i < n; i++) {
        mxfs_escape(name, sizeof(name), sources[i]->name, sources[i]->name_len);
        printf(" %s", name);
    }
    putchar('\n');
}

static void print_notes(const struct cmd_source *s)
{
    const struct mxfs_grouping *g = &s->model.grouping;
    char scheme[128];

    for (size_t i = 0; i < g->refusal_count; i++) {
        const struct mxfs_refusal *r = &g->refusals[i];
        mxfs_escape(scheme, sizeof(scheme), r->scheme, strlen(r->scheme));
        printf("unsupported: %s: %s (%zu", scheme, r->reason, r->count);
        if (r->first)
            printf(", first %s", mxfs_quote(r->first->name, r->first->name_len).text);
        puts(")");
    }
    for (size_t i = 0; i < MXFS_NOTICE_COUNT; i++) {
        const struct mxfs_notice *n = &g->notices[i];
        if (n->count > 0)
            printf("note: %s (%zu, first %s)\n", n->text, n->count,
                   mxfs_quote(n->first->name, n->first->name_len).text);
    }
    if (s->model.missing > 0)
        printf("incomplete: %zu shards that the index names are missing, first %s\n",
               s->model.missing, s->model.first_missing);
}

/* "1.2 GB": decimal units, as disks and downloads are measured. */
static void print_size(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)bytes;
    size_t u = 0;

    while (v >= 999.95 && u + 1 < MXFS_COUNT(units)) {
        v /= 1000;
        u++;
    }
    printf(u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
}

static void print_totals(const struct cmd_source *s)
{
    uint64_t in, out;
    size_t decoded = 0;

    for (size_t i = 0; i < s->plan.count; i++)
        decoded += s->plan.outputs[i].group != NULL;
    mxfs_plan_totals(&s->plan, &in, &out);
    printf("total: %zu tensors, %zu of them dequantized, ", s->plan.count, decoded);
    print_size(in);
    printf(" -> ");
    print_size(out);
    printf(" (%" PRIu64 " -> %" PRIu64 " bytes)\n", in, out);
}

static void print_table(const struct cmd_source *s)
{
    struct widths w = measure(s);

    printf("%-*s  %-4s  %-*s  %*s  %-*s  %s\n", w.name, "NAME", "TYPE", w.shape, "SHAPE", w.bytes,
           "BYTES", w.scheme, "SCHEME", "FROM");
    for (size_t i = 0; i < s->plan.count; i++)
        print_row(by_name(s, i), &w);
    print_notes(s);
    print_totals(s);
}

static json_t *json_shape(const struct mxfs_output_info *o)
{
    json_t *shape = json_array();
    for (uint32_t i = 0; i < o->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)o->shape[i]));
    return shape;
}

static json_t *json_tensor(const struct cmd_source *s, const struct mxfs_output *o)
{
    const struct mxfs_tensor *sources[MXFS_PARTS_MAX];
    struct mxfs_output_info info = mxfs_output_info(o);
    unsigned n = sources_of(o, sources);
    json_t *names = json_array();
    char view[MXFS_FILE_NAME_SIZE];

    for (unsigned i = 0; i < n; i++)
        json_array_append_new(names, json_stringn(sources[i]->name, sources[i]->name_len));
    mxfs_name_to_file(view, info.name, info.name_len, "");
    return json_pack("{s:o, s:s, s:o, s:I, s:s, s:I, s:s, s:o, s:s}", "name",
                     json_stringn(info.name, info.name_len), "dtype", mxfs_dtype_name(info.dtype),
                     "shape", json_shape(&info), "bytes", (json_int_t)info.size, "file",
                     mxfs_path_basename(s->path), "offset", (json_int_t)o->offset, "scheme",
                     scheme_of(o), "sources", names, "view", view);
}

static json_t *json_refusals(const struct mxfs_grouping *g)
{
    json_t *list = json_array();
    for (size_t i = 0; i < g->refusal_count; i++) {
        const struct mxfs_refusal *r = &g->refusals[i];
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:I, s:o}", "scheme", r->scheme, "reason", r->reason, "count",
                      (json_int_t)r->count, "first",
                      r->first ? json_stringn(r->first->name, r->first->name_len) : json_null()));
    }
    return list;
}

/* Writes one value and forgets it; a tree of all tensors would be larger than the model's. */
static int put_json(json_t *value)
{
    int rc = value ? json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY) : -1;
    json_decref(value);
    return rc;
}

static int print_json(const struct cmd_source *s, const char *given)
{
    uint64_t in, out;
    int rc;

    mxfs_plan_totals(&s->plan, &in, &out);
    fputs("{\"source\":", stdout);
    rc = put_json(json_string_nocheck(given));
    printf(",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"tensors\":[", in, out);
    for (size_t i = 0; i < s->plan.count && rc == 0; i++) {
        fputs(i ? ",\n" : "\n", stdout);
        rc = put_json(json_tensor(s, by_name(s, i)));
    }
    fputs("\n],\"unsupported\":", stdout);
    if (rc == 0)
        rc = put_json(json_refusals(&s->model.grouping));
    puts("}");
    return rc;
}

int cmd_list(const struct mxfs_options *options, struct mxfs_error *err)
{
    struct cmd_source s;

    int rc = cmd_source_open(&s, options, err);
    if (rc != 0)
        return rc;
    if (!options->json)
        print_table(&s);
    else if (print_json(&s, options->operand[0]) != 0)
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "cannot write JSON");
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, errno, "writing to stdout: %s", strerror(errno));
    cmd_source_close(&s);
    return rc;
}
