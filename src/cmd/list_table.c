/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list as a table: on a terminal aligned and with human-readable sizes, elsewhere exact, one
 * tensor per line, with columns separated by tabs. Nothing else in the output contains a tab.
 */
#include "list_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/text.h"
#include "progress.h"

enum { NAME_WIDTH_MAX = 72, GAP = 2 };

/* Widths of the aligned columns. The last, FROM, is 0 (left out) if it does not fit. */
struct widths {
    int name, type, shape, size, scheme, from;
};

static int wider(int a, size_t b)
{
    return (size_t)a < b ? (int)b : a;
}

/* The length of the common prefix of both names. */
static size_t common(const struct mxfs_output_info *info, const struct mxfs_tensor *t)
{
    size_t n = 0;
    while (n < info->name_len && n < t->name_len && info->name[n] == t->name[n])
        n++;
    return n;
}

/*
 * Writes the names of the stored tensors, with "*" for the prefix that they share with the tensor's
 * name if `abridged`. Returns how many characters that takes; `out` may be NULL.
 */
static size_t write_sources(FILE *out, const struct mxfs_output *o, bool abridged)
{
    const struct mxfs_tensor *sources[MXFS_PARTS_MAX];
    struct mxfs_output_info info = mxfs_output_info(o);
    unsigned n = mxfs_output_sources(o, sources);
    char name[CMD_NAME_TEXT];
    size_t length = 0;

    if (abridged && o->tensor)
        return 0;
    for (unsigned i = 0; i < n; i++) {
        size_t skip = abridged ? common(&info, sources[i]) : 0;
        length += (i > 0 ? 1u : 0u) + (skip > 0 ? 1u : 0u);
        length +=
            mxfs_escape(name, sizeof(name), sources[i]->name + skip, sources[i]->name_len - skip);
        if (out)
            fprintf(out, "%s%s%s", i ? " " : "", skip ? "*" : "", name);
    }
    return length;
}

static void measure(struct widths *w, const struct mxfs_output *o)
{
    struct mxfs_output_info info = mxfs_output_info(o);
    char text[CMD_NAME_TEXT], size[MXFS_TEXT_SIZE];

    w->name = wider(w->name, mxfs_escape(text, sizeof(text), info.name, info.name_len));
    w->type = wider(w->type, strlen(mxfs_dtype_name(info.dtype)));
    w->shape = wider(w->shape, (size_t)mxfs_text_dims(NULL, info.shape, info.rank));
    w->size = wider(w->size, strlen(mxfs_text_size(size, info.size)));
    w->scheme = wider(w->scheme, strlen(mxfs_output_scheme(o)));
    w->from = wider(w->from, write_sources(NULL, o, true));
}

static void print_exact_row(const struct cmd_listing *l, size_t i)
{
    const struct mxfs_output *o = l->rows[i].output;
    struct mxfs_output_info info = mxfs_output_info(o);
    char name[CMD_NAME_TEXT];

    mxfs_escape(name, sizeof(name), info.name, info.name_len);
    printf("%s\t%s\t", name, mxfs_dtype_name(info.dtype));
    mxfs_text_dims(stdout, info.shape, info.rank);
    printf("\t%" PRIu64 "\t%s\t", info.size, mxfs_output_scheme(o));
    if (l->hashes)
        printf("%s\t", l->hashes[i]);
    write_sources(stdout, o, false);
    putchar('\n');
}

static void print_exact(const struct cmd_listing *l)
{
    printf("NAME\tTYPE\tSHAPE\tBYTES\tSCHEME\t%sFROM\n", l->hashes ? "XXH128\t" : "");
    for (size_t i = 0; i < l->count; i++)
        print_exact_row(l, i);
}

static void print_aligned_row(const struct cmd_listing *l, const struct widths *w, size_t i)
{
    const struct mxfs_output *o = l->rows[i].output;
    struct mxfs_output_info info = mxfs_output_info(o);
    char name[CMD_NAME_TEXT], size[MXFS_TEXT_SIZE];

    mxfs_escape(name, sizeof(name), info.name, info.name_len);
    printf("%-*s  %-*s  ", w->name, name, w->type, mxfs_dtype_name(info.dtype));
    int shape = mxfs_text_dims(stdout, info.shape, info.rank);
    printf("%*s  %*s  ", w->shape - shape, "", w->size, mxfs_text_size(size, info.size));
    if (l->hashes)
        printf("%s  ", l->hashes[i]);
    if (o->tensor || !w->from) { /* no trailing blanks */
        puts(mxfs_output_scheme(o));
        return;
    }
    printf("%-*s  ", w->scheme, mxfs_output_scheme(o));
    write_sources(stdout, o, true);
    putchar('\n');
}

static void print_aligned(const struct cmd_listing *l)
{
    struct widths w = {4, 4, 5, 4, 6, 4};

    for (size_t i = 0; i < l->count; i++)
        measure(&w, l->rows[i].output);
    if (w.name > NAME_WIDTH_MAX)
        w.name = NAME_WIDTH_MAX;
    int all = w.name + w.type + w.shape + w.size + w.scheme + w.from + 5 * GAP;
    if (all + (l->hashes ? CMD_HASH_TEXT - 1 + GAP : 0) > cmd_columns(STDOUT_FILENO))
        w.from = 0;
    printf("%-*s  %-*s  %-*s  %*s  ", w.name, "NAME", w.type, "TYPE", w.shape, "SHAPE", w.size,
           "SIZE");
    if (l->hashes)
        printf("%-*s  ", CMD_HASH_TEXT - 1, "XXH128");
    if (w.from)
        printf("%-*s  FROM\n", w.scheme, "SCHEME");
    else
        puts("SCHEME");
    for (size_t i = 0; i < l->count; i++)
        print_aligned_row(l, &w, i);
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

static void print_missing(const struct mxfs_model *m)
{
    char first[CMD_NAME_TEXT];

    if (m->missing == 0)
        return;
    mxfs_escape(first, sizeof(first), m->first_missing, strlen(m->first_missing));
    printf("incomplete: %zu of %zu shards missing, first %s\n", m->missing,
           m->missing + m->shard_count, first);
}

static void print_notes(const struct mxfs_repo *repo)
{
    for (size_t i = 0; i < repo->folder_count; i++) {
        const struct mxfs_folder *f = repo->folders[i];
        for (size_t m = 0; m < f->model_count; m++) {
            print_grouping_notes(&f->models[m]->grouping);
            print_missing(f->models[m]);
        }
    }
}

static void print_sizes(uint64_t in, uint64_t out)
{
    char sizes[2][MXFS_TEXT_SIZE];

    printf("%s -> %s", mxfs_text_size(sizes[0], in), mxfs_text_size(sizes[1], out));
    if (!isatty(STDOUT_FILENO)) /* programs want exact sizes */
        printf(" (%" PRIu64 " -> %" PRIu64 " bytes)", in, out);
    putchar('\n');
}

static void print_files(const struct mxfs_repo *repo)
{
    for (size_t i = 0; i < repo->file_count; i++) {
        const struct mxfs_file *f = &repo->files[i];
        char shown[CMD_NAME_TEXT];
        uint64_t in, out;
        mxfs_escape(shown, sizeof(shown), f->path, strlen(f->path));
        mxfs_plan_totals(f->plan, &in, &out);
        printf("file: %s: %zu tensors, ", shown, f->plan->count);
        print_sizes(in, out);
    }
}

/* Totals of one scheme. */
struct scheme_sum {
    const char *name;
    size_t count;
    uint64_t in, out;
};

static void print_schemes(const struct cmd_listing *l)
{
    struct scheme_sum sums[CMD_SCHEMES_MAX];
    size_t n = 0, k;

    for (size_t i = 0; i < l->count; i++) {
        const char *name = mxfs_output_scheme(l->rows[i].output);
        for (k = 0; k < n && strcmp(sums[k].name, name) != 0; k++)
            ;
        if (k == CMD_SCHEMES_MAX)
            continue;
        if (k == n)
            sums[n++] = (struct scheme_sum){.name = name};
        sums[k].count++;
        sums[k].in += cmd_stored_size(l->rows[i].output);
        sums[k].out += mxfs_output_info(l->rows[i].output).size;
    }
    for (k = 0; k < n; k++) {
        printf("scheme: %s: %zu tensors, ", sums[k].name, sums[k].count);
        print_sizes(sums[k].in, sums[k].out);
    }
}

void cmd_list_notes(const struct cmd_listing *listing)
{
    const struct mxfs_repo *repo = &listing->view->repo;
    struct cmd_totals t = cmd_listing_totals(listing);

    if (!listing->only_scheme) {
        print_notes(repo);
        if (!repo->is_file)
            print_files(repo);
    }
    print_schemes(listing);
    printf("total: %zu tensors, %zu of them dequantized, ", t.tensors, t.dequantized);
    print_sizes(t.bytes_in, t.bytes_out);
}

void cmd_list_table(const struct cmd_listing *listing)
{
    if (isatty(STDOUT_FILENO))
        print_aligned(listing);
    else
        print_exact(listing);
    cmd_list_notes(listing);
}
