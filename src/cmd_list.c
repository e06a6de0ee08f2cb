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

/* What a visitor of all folders needs. */
struct listing {
    const struct cmd_source *source;
    struct widths widths;
    size_t printed; /* JSON objects in the current array */
};

/* Calls a function for each output of a folder's files: the files in order, in each the tensors by
 * name. */
static int each_output(struct listing *l, struct mxfs_folder *folder,
                       int (*call)(struct listing *, const struct mxfs_folder *,
                                   const struct mxfs_plan *, const struct mxfs_output *))
{
    int rc = 0;

    for (size_t p = 0; p < folder->plan_count; p++) {
        const struct mxfs_plan *plan = folder->plans[p];
        for (size_t i = 0; i < plan->count && rc == 0; i++)
            rc = call(l, folder, plan, &plan->outputs[plan->by_name[i]]);
    }
    return rc;
}

static int measure_output(struct listing *l, const struct mxfs_folder *folder,
                          const struct mxfs_plan *plan, const struct mxfs_output *o)
{
    struct mxfs_output_info info = mxfs_output_info(o);
    struct widths *w = &l->widths;
    char text[NAME_MAX_SHOWN];

    (void)folder, (void)plan;
    w->name = wider(w->name, mxfs_escape(text, sizeof(text), info.name, info.name_len));
    format_shape(text, &info);
    w->shape = wider(w->shape, strlen(text));
    w->bytes = wider(w->bytes, (size_t)snprintf(NULL, 0, "%" PRIu64, info.size));
    w->scheme = wider(w->scheme, strlen(scheme_of(o)));
    return 0;
}

static int measure_folder(void *data, struct mxfs_folder *folder)
{
    return each_output(data, folder, measure_output);
}

static int print_row(struct listing *l, const struct mxfs_folder *folder,
                     const struct mxfs_plan *plan, const struct mxfs_output *o)
{
    const struct mxfs_tensor *sources[MXFS_PARTS_MAX];
    struct mxfs_output_info info = mxfs_output_info(o);
    char name[NAME_MAX_SHOWN], shape[SHAPE_MAX_SHOWN];
    const struct widths *w = &l->widths;
    unsigned n = sources_of(o, sources);

    (void)folder, (void)plan;
    mxfs_escape(name, sizeof(name), info.name, info.name_len);
    format_shape(shape, &info);
    printf("%-*s  %-4s  %-*s  %*" PRIu64 "  %-*s ", w->name, name, mxfs_dtype_name(info.dtype),
           w->shape, shape, w->bytes, info.size, w->scheme, scheme_of(o));
    for (unsigned i = 0; i < n; i++) {
        mxfs_escape(name, sizeof(name), sources[i]->name, sources[i]->name_len);
        printf(" %s", name);
    }
    putchar('\n');
    return 0;
}

static int print_folder(void *data, struct mxfs_folder *folder)
{
    return each_output(data, folder, print_row);
}

static void print_grouping_notes(const struct mxfs_grouping *g)
{
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
}

static int print_notes(void *data, struct mxfs_folder *folder)
{
    (void)data;
    for (size_t i = 0; i < folder->model_count; i++) {
        const struct mxfs_model *m = folder->models[i];
        print_grouping_notes(&m->grouping);
        if (m->missing > 0)
            printf("incomplete: %zu of %zu shards missing, first %s\n", m->missing,
                   m->missing + m->shard_count, m->first_missing);
    }
    return 0;
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

static void print_sizes(uint64_t in, uint64_t out)
{
    print_size(in);
    printf(" -> ");
    print_size(out);
    printf(" (%" PRIu64 " -> %" PRIu64 " bytes)\n", in, out);
}

/* One line for each file of a model folder. */
static int print_files(void *data, struct mxfs_folder *folder)
{
    struct listing *l = data;

    for (size_t p = 0; p < folder->plan_count; p++) {
        char *file = mxfs_repo_file(&l->source->repo, folder, folder->plans[p]);
        char shown[NAME_MAX_SHOWN];
        uint64_t in, out;
        if (!file)
            return -ENOMEM;
        mxfs_escape(shown, sizeof(shown), file, strlen(file));
        free(file);
        mxfs_plan_totals(folder->plans[p], &in, &out);
        printf("file: %s: %zu tensors, ", shown, folder->plans[p]->count);
        print_sizes(in, out);
    }
    return 0;
}

static int print_table(const struct cmd_source *s)
{
    struct mxfs_folder *root = (struct mxfs_folder *)&s->repo.root;
    struct listing l = {.source = s, .widths = {4, 5, 5, 6}};
    struct cmd_totals t = cmd_source_totals(s);
    struct widths *w = &l.widths;

    mxfs_repo_visit(root, measure_folder, &l);
    if (w->name > NAME_WIDTH_MAX)
        w->name = NAME_WIDTH_MAX;
    printf("%-*s  %-4s  %-*s  %*s  %-*s  %s\n", w->name, "NAME", "TYPE", w->shape, "SHAPE",
           w->bytes, "BYTES", w->scheme, "SCHEME", "FROM");
    mxfs_repo_visit(root, print_folder, &l);
    mxfs_repo_visit(root, print_notes, &l);
    int rc = s->repo.is_file ? 0 : mxfs_repo_visit(root, print_files, &l);
    printf("total: %zu tensors, %zu of them dequantized, ", t.tensors, t.dequantized);
    print_sizes(t.bytes_in, t.bytes_out);
    return rc;
}

/* Writes one value and forgets it; a tree of all tensors would be larger than the model's. */
static int put_json(json_t *value)
{
    int rc = value ? json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY) : -1;
    json_decref(value);
    return rc;
}

static int put_name(const char *before, const char *name, size_t len)
{
    fputs(before, stdout);
    return put_json(json_stringn(name, len));
}

static int put_string(const char *before, const char *text)
{
    fputs(before, stdout);
    /* Paths need not be UTF-8. */
    json_t *value = json_string(text);
    return put_json(value ? value : json_string_nocheck(text));
}

static int put_sources(const struct mxfs_output *o)
{
    const struct mxfs_tensor *sources[MXFS_PARTS_MAX];
    unsigned n = sources_of(o, sources);
    int rc = 0;

    fputs(",\"sources\":[", stdout);
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = put_name(i ? "," : "", sources[i]->name, sources[i]->name_len);
    putchar(']');
    return rc;
}

/* Numbers are printed, not handed to jansson: its integers are signed, dimensions are not. */
static int put_tensor(struct listing *l, const struct mxfs_folder *folder,
                      const struct mxfs_plan *plan, const struct mxfs_output *o)
{
    struct mxfs_output_info info = mxfs_output_info(o);
    char *file = mxfs_repo_file(&l->source->repo, folder, plan), view[MXFS_FILE_NAME_SIZE];

    if (!file)
        return -ENOMEM;
    int rc = put_name(l->printed++ ? ",\n{\"name\":" : "\n{\"name\":", info.name, info.name_len);
    printf(",\"dtype\":\"%s\",\"shape\":[", mxfs_dtype_name(info.dtype));
    for (uint32_t i = 0; i < info.rank; i++)
        printf("%s%" PRIu64, i ? "," : "", info.shape[i]);
    printf("],\"bytes\":%" PRIu64, info.size);
    rc |= put_string(",\"file\":", file);
    printf(",\"offset\":%" PRIu64 ",\"scheme\":\"%s\"", o->offset, scheme_of(o));
    rc |= put_sources(o);
    mxfs_name_to_file(view, info.name, info.name_len, "");
    rc |= put_string(",\"view\":", view);
    putchar('}');
    free(file);
    return rc;
}

static int put_folder(void *data, struct mxfs_folder *folder)
{
    return each_output(data, folder, put_tensor);
}

static int put_refusals(void *data, struct mxfs_folder *folder)
{
    struct listing *l = data;
    int rc = 0;

    for (size_t m = 0; m < folder->model_count; m++) {
        const struct mxfs_grouping *g = &folder->models[m]->grouping;
        for (size_t i = 0; i < g->refusal_count && rc == 0; i++) {
            const struct mxfs_refusal *r = &g->refusals[i];
            rc = put_string(l->printed++ ? ",{\"scheme\":" : "{\"scheme\":", r->scheme);
            rc |= put_string(",\"reason\":", r->reason);
            printf(",\"count\":%zu,\"first\":", r->count);
            rc |=
                put_json(r->first ? json_stringn(r->first->name, r->first->name_len) : json_null());
            putchar('}');
        }
    }
    return rc;
}

static int print_json(const struct cmd_source *s, const char *given)
{
    struct mxfs_folder *root = (struct mxfs_folder *)&s->repo.root;
    struct cmd_totals t = cmd_source_totals(s);
    struct listing l = {.source = s};

    int rc = put_string("{\"source\":", given);
    printf(",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"tensors\":[", t.bytes_in,
           t.bytes_out);
    rc |= mxfs_repo_visit(root, put_folder, &l);
    fputs("\n],\"unsupported\":[", stdout);
    l.printed = 0;
    rc |= mxfs_repo_visit(root, put_refusals, &l);
    puts("]}");
    return rc;
}

int cmd_list(const struct mxfs_options *options, struct mxfs_error *err)
{
    struct cmd_source s;

    int rc = cmd_source_open(&s, options, err);
    if (rc != 0)
        return rc;
    if ((options->json ? print_json(&s, options->operand[0]) : print_table(&s)) != 0)
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "%s: the list cannot be made", s.path);
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, errno, "writing to stdout: %s", strerror(errno));
    cmd_source_close(&s);
    return rc;
}
