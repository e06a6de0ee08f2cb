/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Building a tree: breadth first, so that the children of a folder are appended in one run.
 */
#include "nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/log.h"

static size_t view_forms_shown(const struct mxfs_tree *t)
{
    return (size_t)t->options.tensors + (size_t)t->options.npy;
}

static bool has_views(const struct mxfs_tree *t, const struct mxfs_folder *f)
{
    return f->plan_count > 0 && view_forms_shown(t) > 0;
}

static int allocate(struct mxfs_tree *t, const struct mxfs_repo *repo)
{
    size_t nodes = 1, views = 0, folders = 0;

    for (size_t i = 0; i < repo->folder_count; i++) {
        nodes += repo->folders[i]->count;
        if (has_views(t, repo->folders[i])) {
            nodes += view_forms_shown(t);
            views += view_forms_shown(t);
            folders++;
        }
    }
    t->nodes = calloc(nodes, sizeof(*t->nodes));
    t->views = calloc(views + 1, sizeof(*t->views));
    t->outputs = calloc(folders + 1, sizeof(struct view_outputs *));
    return t->nodes && t->views && t->outputs ? 0 : -ENOMEM;
}

static int add_view(struct mxfs_tree *t, size_t parent, const struct tree_view_outputs *outputs,
                    enum tree_view_form form, struct mxfs_error *err)
{
    struct tree_placed_view *v = &t->views[t->view_count];

    t->nodes[t->node_count++] = (struct tree_node){
        .name = tree_view_name(form), .parent = parent, .kind = TREE_VIEW, .view = t->view_count++};
    return tree_view_init(&v->view, outputs, form, err);
}

static int add_views(struct mxfs_tree *t, size_t parent, const struct mxfs_folder *folder,
                     struct mxfs_error *err)
{
    struct tree_view_outputs *outputs = calloc(1, sizeof(*outputs));

    if (!outputs)
        return -ENOMEM;
    t->outputs[t->outputs_count++] = outputs;
    int rc = tree_view_collect(outputs, folder, err);
    if (rc == 0 && t->options.tensors)
        rc = add_view(t, parent, outputs, TREE_VIEW_TENSORS, err);
    if (rc == 0 && t->options.npy)
        rc = add_view(t, parent, outputs, TREE_VIEW_NPY, err);
    return rc;
}

static mode_t withheld_by_companions(const struct mxfs_plan *plan)
{
    mode_t withheld = 0;

    for (size_t i = 0; i < plan->count; i++)
        withheld |= tree_nodes_withheld(plan, &plan->outputs[i]);
    return withheld;
}

/* Whether an entry can be shown. Says so once when one cannot: a source may have any number. */
static bool fits(struct mxfs_tree *t, const struct mxfs_folder *folder, const char *name)
{
    size_t len = strlen(name);

    if (len > MXFS_TREE_NAME_MAX) {
        if (t->too_long++ == 0)
            mxfs_log(MXFS_LOG_WARNING,
                     "%s: names of more than %d bytes are not shown; the first is %s", folder->path,
                     MXFS_TREE_NAME_MAX, mxfs_quote(name, len).text);
        return false;
    }
    if (len > t->name_max)
        t->name_max = len;
    return true;
}

static void add_entry(struct mxfs_tree *t, size_t parent, struct mxfs_entry *e)
{
    struct tree_node *n = &t->nodes[t->node_count++];

    *n = (struct tree_node){.name = e->name, .parent = parent, .kind = TREE_FILE, .entry = e};
    if (e->kind == MXFS_ENTRY_VIRTUAL && t->options.source_permissions)
        n->withheld = withheld_by_companions(e->plan);
    if (e->kind == MXFS_ENTRY_FOLDER) {
        n->kind = TREE_FOLDER;
        n->folder = e->folder;
    }
}

/* Appends the children of node `at`, views among the entries, and sorts them. */
static int add_children(struct mxfs_tree *t, size_t at, struct mxfs_error *err)
{
    const struct mxfs_folder *folder = t->nodes[at].folder;
    size_t first = t->node_count;

    for (size_t i = 0; i < folder->count; i++) {
        if (fits(t, folder, folder->entries[i].name))
            add_entry(t, at, &folder->entries[i]);
    }
    if (has_views(t, folder)) {
        int rc = add_views(t, at, folder, err);
        if (rc != 0)
            return rc;
    }
    struct tree_node *children = &t->nodes[first];
    size_t count = t->node_count - first;
    if (count > 1)
        qsort(children, count, sizeof(*children), tree_nodes_compare);
    t->nodes[at].first_child = first;
    t->nodes[at].child_count = count;
    for (size_t i = 1; i < count; i++) {
        if (tree_nodes_compare(&children[i - 1], &children[i]) == 0)
            return mxfs_fail(err, MXFS_EXIT_USAGE, EEXIST,
                             "%s: the source has an entry named like the view %s/; use "
                             "--views=none",
                             folder->path, children[i].name);
    }
    return 0;
}

/* Only root and the owner may let --uid and --gid hand a source's rights to another user. */
static int check_owners(const struct mxfs_tree *t, struct mxfs_error *err)
{
    const struct mxfs_tree_options *o = &t->options;

    for (size_t i = 0; i < t->node_count && o->source_permissions; i++) {
        const struct stat *st = tree_nodes_source(t, &t->nodes[i]);
        bool moved = (o->set_uid && o->uid != st->st_uid) || (o->set_gid && o->gid != st->st_gid);
        if (moved && !tree_nodes_may_chown(t, st))
            return mxfs_fail(err, MXFS_EXIT_USAGE, EPERM,
                             "--%s with --allow-other: only root and the owner of \"%s\" may show "
                             "it as owned by another",
                             o->set_uid ? "uid" : "gid",
                             i > 0 ? t->nodes[i].name : t->nodes[i].folder->path);
    }
    return 0;
}

/* Numbers the files of views and adds up totals, once all nodes are in their final places. */
static void number(struct mxfs_tree *t)
{
    uint64_t next = t->node_count + 1;

    for (size_t i = 0; i < t->node_count; i++) {
        if (t->nodes[i].kind == TREE_VIEW)
            t->views[t->nodes[i].view].node = i;
        if (t->nodes[i].kind == TREE_FILE)
            t->total_size += tree_nodes_file_size(&t->nodes[i]);
    }
    for (size_t v = 0; v < t->view_count; v++) {
        t->views[v].first_inode = next;
        next += t->views[v].view.outputs->count;
    }
    t->file_count = next - 1;
}

static int build(struct mxfs_tree *t, const struct mxfs_repo *repo, struct mxfs_error *err)
{
    int rc = allocate(t, repo);

    if (rc != 0)
        return rc;
    t->nodes[t->node_count++] =
        (struct tree_node){.name = "", .kind = TREE_FOLDER, .folder = repo->folders[0]};
    /* Breadth first: children are added behind all nodes there are. */
    for (size_t i = 0; i < t->node_count && rc == 0; i++) {
        if (t->nodes[i].kind == TREE_FOLDER)
            rc = add_children(t, i, err);
    }
    if (rc == 0)
        rc = check_owners(t, err);
    if (rc == 0)
        number(t);
    return rc;
}

int mxfs_tree_new(struct mxfs_tree **out, const struct mxfs_view *view,
                  const struct mxfs_tree_options *options, struct mxfs_error *err)
{
    struct mxfs_tree *t = calloc(1, sizeof(*t));
    int rc = -ENOMEM;

    *out = NULL;
    if (t) {
        t->env = &view->env;
        t->options = *options;
        t->uid = geteuid();
        t->gid = getegid();
        t->name_max = MXFS_FILE_NAME_SIZE - 1;
        rc = build(t, &view->repo, err);
    }
    if (rc == -ENOMEM)
        mxfs_fail_memory(err, NULL);
    if (rc == 0)
        *out = t;
    else
        mxfs_tree_free(t);
    return rc;
}

void mxfs_tree_free(struct mxfs_tree *tree)
{
    if (!tree)
        return;
    for (size_t i = 0; i < tree->view_count; i++)
        tree_view_fini(&tree->views[i].view);
    for (size_t i = 0; i < tree->outputs_count; i++) {
        free(tree->outputs[i]->sorted);
        free(tree->outputs[i]);
    }
    free(tree->views);
    free(tree->outputs);
    free(tree->nodes);
    free(tree);
}
