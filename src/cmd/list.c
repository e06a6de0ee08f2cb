/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list: prints what a mount would show.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "list_hash.h"
#include "list_schemes.h"
#include "list_table.h"
#include "list_tree.h"
#include "mxfs/array.h"
#include "mxfs/names.h"
#include "mxfs/text.h"
#include "pieces.h"

/*
 * Writes one value and frees it: a JSON tree of all tensors would take more memory than the model's
 * own list. Write errors are checked once at the end, as for every other form. Returns 0 or
 * -ENOMEM.
 */
static int put_json(json_t *value)
{
    int rc = value ? json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY) : -1;

    json_decref(value);
    return rc == 0 || ferror(stdout) ? 0 : -ENOMEM;
}

static int put_name(const char *before, const char *name, size_t len)
{
    fputs(before, stdout);
    return put_json(json_stringn(name, len));
}

/* JSON must be UTF-8, paths need not be: escapes those that are not. */
static json_t *json_of_path(const char *text)
{
    json_t *value = json_string(text);
    size_t size = 4 * strlen(text) + 1;
    char *escaped = value ? NULL : malloc(size);

    if (escaped) {
        mxfs_escape(escaped, size, text, strlen(text));
        value = json_string(escaped);
        free(escaped);
    }
    return value;
}

static int put_path(const char *before, const char *text)
{
    fputs(before, stdout);
    return put_json(json_of_path(text));
}

static int put_sources(const struct mxfs_output *o)
{
    const struct mxfs_tensor *sources[MXFS_PARTS_MAX];
    unsigned n = mxfs_output_sources(o, sources);
    int rc = 0;

    fputs(",\"sources\":[", stdout);
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = put_name(i ? "," : "", sources[i]->name, sources[i]->name_len);
    putchar(']');
    return rc;
}

/* Prints numbers itself: jansson's integers are signed, dimensions are not. */
static int put_tensor(const struct cmd_listing *l, size_t i)
{
    const struct cmd_row *r = &l->rows[i];
    struct mxfs_output_info info = mxfs_output_info(r->output);
    char view[MXFS_FILE_NAME_SIZE];

    int rc = put_name(i ? ",\n{\"name\":" : "\n{\"name\":", info.name, info.name_len);
    if (rc != 0)
        return rc;
    printf(",\"dtype\":\"%s\",\"shape\":", mxfs_dtype_name(info.dtype));
    mxfs_text_dims(stdout, info.shape, info.rank);
    printf(",\"bytes\":%" PRIu64, info.size);
    if (l->hashes)
        printf(",\"xxh128\":\"%s\"", l->hashes[i]);
    rc = put_path(",\"file\":", r->file->path);
    if (rc != 0)
        return rc;
    printf(",\"offset\":%" PRIu64 ",\"scheme\":\"%s\"", r->output->offset,
           mxfs_output_scheme(r->output));
    rc = put_sources(r->output);
    if (rc != 0)
        return rc;
    mxfs_name_to_file(view, info.name, info.name_len, "");
    rc = put_path(",\"view\":", view);
    putchar('}');
    return rc;
}

static int put_refusal(const struct mxfs_refusal *r, const char *before)
{
    fputs(before, stdout);
    int rc = put_path("{\"scheme\":", r->scheme);
    if (rc == 0)
        rc = put_path(",\"reason\":", r->reason);
    printf(",\"count\":%zu,\"first\":", r->count);
    if (rc == 0)
        rc = put_json(r->first ? json_stringn(r->first->name, r->first->name_len) : json_null());
    putchar('}');
    return rc;
}

static int put_refusals(const struct mxfs_repo *repo)
{
    const char *before = "";
    int rc = 0;

    for (size_t i = 0; i < repo->folder_count; i++) {
        const struct mxfs_folder *f = repo->folders[i];
        for (size_t m = 0; m < f->model_count; m++) {
            const struct mxfs_grouping *g = &f->models[m]->grouping;
            for (size_t r = 0; r < g->refusal_count && rc == 0; r++, before = ",")
                rc = put_refusal(&g->refusals[r], before);
        }
    }
    return rc;
}

static int print_json(const struct cmd_listing *l, const char *given)
{
    struct cmd_totals t = cmd_listing_totals(l);
    int rc = put_path("{\"source\":", given);

    printf(",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"tensors\":[", t.bytes_in,
           t.bytes_out);
    for (size_t i = 0; i < l->count && rc == 0 && !ferror(stdout); i++)
        rc = put_tensor(l, i);
    fputs("\n],\"unsupported\":[", stdout);
    if (rc == 0)
        rc = put_refusals(&l->view->repo);
    puts("]}");
    return rc;
}

static int collect_file(struct cmd_listing *l, const struct mxfs_file *file)
{
    const struct mxfs_plan *plan = file->plan;
    struct cmd_row *rows =
        mxfs_array_grow(l->rows, l->count + plan->count, &l->capacity, sizeof(*rows));

    if (!rows)
        return -ENOMEM;
    l->rows = rows;
    for (size_t i = 0; i < plan->count; i++) {
        const struct mxfs_output *o = &plan->outputs[plan->by_name[i]];
        if (!l->only_scheme || fnmatch(l->only_scheme, mxfs_output_scheme(o), 0) == 0)
            rows[l->count++] = (struct cmd_row){file, o};
    }
    return 0;
}

/* Rejects a filter that no scheme can match. */
static int check_filter(const char *glob, struct mxfs_error *err)
{
    char known[MXFS_SCHEME_NAMES];

    if (!glob || fnmatch(glob, "plain", 0) == 0)
        return 0;
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++) {
        if (fnmatch(glob, (*s)->name, 0) == 0)
            return 0;
    }
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                     "--only-scheme=%s: expected a glob of: plain, %s", glob,
                     mxfs_scheme_names(known));
}

static int list(struct cmd_listing *l, const struct mxfs_options *o, struct mxfs_error *err)
{
    const struct mxfs_repo *repo = &l->view->repo;
    int rc = 0;

    for (size_t i = 0; i < repo->file_count && rc == 0; i++)
        rc = collect_file(l, &repo->files[i]);
    if (rc == 0 && o->hash)
        rc = cmd_listing_hash(l, cmd_jobs(o), o->quiet, err);
    if (rc != 0)
        return rc;
    if (o->json)
        return print_json(l, o->operand[0]);
    if (o->tree)
        return cmd_list_tree(l);
    cmd_list_table(l);
    return 0;
}

int cmd_list(const struct mxfs_options *options, struct mxfs_error *err)
{
    struct mxfs_choices choices = options->choices;
    struct mxfs_view view;
    struct cmd_listing l = {.view = &view, .only_scheme = options->only_scheme};

    if (options->schemes)
        return cmd_list_schemes(options, err);
    int rc = check_filter(options->only_scheme, err);
    if (rc != 0)
        return rc;
    choices.partial = true; /* the list reports missing shards */
    rc = cmd_open(&view, options->operand[0], &choices, err);
    if (rc != 0)
        return rc;
    rc = list(&l, options, err);
    if (rc != 0)
        mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: %s", view.path,
                  rc == -ENOMEM ? "out of memory" : strerror(-rc));
    free(l.rows);
    free(l.hashes);
    mxfs_view_close(&view);
    return rc;
}
