/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list: what a mount would show.
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
#include "mxfs/names.h"
#include "mxfs/text.h"
#include "pieces.h"

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
    json_t *value = json_string(text);

    fputs(before, stdout);
    if (!value) { /* paths need not be UTF-8, JSON has to be */
        size_t size = 4 * strlen(text) + 1;
        char *escaped = malloc(size);
        if (escaped)
            mxfs_escape(escaped, size, text, strlen(text));
        value = escaped ? json_string(escaped) : NULL;
        free(escaped);
    }
    return put_json(value);
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

/* Numbers are printed, not handed to jansson: its integers are signed, dimensions are not. */
static int put_tensor(struct cmd_listing *l, size_t i)
{
    const struct cmd_row *r = &l->rows[i];
    struct mxfs_output_info info = mxfs_output_info(r->output);
    char *file = mxfs_repo_file(&l->source->repo, r->folder, r->plan), view[MXFS_FILE_NAME_SIZE];

    if (!file)
        return -ENOMEM;
    int rc = put_name(i ? ",\n{\"name\":" : "\n{\"name\":", info.name, info.name_len);
    printf(",\"dtype\":\"%s\",\"shape\":", mxfs_dtype_name(info.dtype));
    mxfs_text_dims(stdout, info.shape, info.rank);
    printf(",\"bytes\":%" PRIu64, info.size);
    if (l->hashes)
        printf(",\"xxh128\":\"%s\"", l->hashes[i]);
    rc |= put_string(",\"file\":", file);
    printf(",\"offset\":%" PRIu64 ",\"scheme\":\"%s\"", r->output->offset,
           mxfs_output_scheme(r->output));
    rc |= put_sources(r->output);
    mxfs_name_to_file(view, info.name, info.name_len, "");
    rc |= put_string(",\"view\":", view);
    putchar('}');
    free(file);
    return rc;
}

static int put_refusals(void *data, struct mxfs_folder *folder)
{
    struct cmd_listing *l = data;
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

static int print_json(struct cmd_listing *l, const char *given)
{
    struct mxfs_folder *root = (struct mxfs_folder *)&l->source->repo.root;
    struct cmd_totals t = cmd_listing_totals(l);

    int rc = put_string("{\"source\":", given);
    printf(",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"tensors\":[", t.bytes_in,
           t.bytes_out);
    for (size_t i = 0; i < l->count && rc == 0; i++)
        rc = put_tensor(l, i);
    fputs("\n],\"unsupported\":[", stdout);
    rc |= mxfs_repo_visit(root, put_refusals, l);
    puts("]}");
    return rc;
}

static int collect_folder(void *data, struct mxfs_folder *folder)
{
    struct cmd_listing *l = data;

    for (size_t p = 0; p < folder->plan_count; p++) {
        const struct mxfs_plan *plan = folder->plans[p];
        void *grown = realloc(l->rows, (l->count + plan->count + 1) * sizeof(*l->rows));
        if (!grown)
            return -ENOMEM;
        l->rows = grown;
        for (size_t i = 0; i < plan->count; i++) {
            const struct mxfs_output *o = &plan->outputs[plan->by_name[i]];
            if (!l->only_scheme || fnmatch(l->only_scheme, mxfs_output_scheme(o), 0) == 0)
                l->rows[l->count++] = (struct cmd_row){folder, plan, o};
        }
    }
    return 0;
}

/* A filter that no scheme can match is a slip of the pen. */
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
    int rc = mxfs_repo_visit((struct mxfs_folder *)&l->source->repo.root, collect_folder, l);

    if (rc == 0 && o->hash)
        rc = cmd_listing_hash(l, cmd_jobs(o), o->quiet, err);
    if (rc != 0)
        return rc;
    return o->json ? print_json(l, o->operand[0]) : o->tree ? cmd_list_tree(l) : cmd_list_table(l);
}

int cmd_list(const struct mxfs_options *options, struct mxfs_error *err)
{
    struct cmd_source s;
    struct cmd_listing l = {.source = &s, .only_scheme = options->only_scheme};

    if (options->schemes)
        return cmd_list_schemes(options, err);
    int rc = check_filter(options->only_scheme, err);
    if (rc == 0)
        rc = cmd_source_open(&s, options, err);
    if (rc != 0)
        return rc;
    rc = list(&l, options, err);
    if (rc != 0)
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "%s: the list cannot be made", s.path);
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, errno, "writing to stdout: %s", strerror(errno));
    free(l.rows);
    free(l.hashes);
    cmd_source_close(&s);
    return rc;
}
