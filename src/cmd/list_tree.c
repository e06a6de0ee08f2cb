/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list --tree: names cut at their dots. A module with one thing in it shares its line, and
 * numbered neighbours with the same tensors (the layers of a model) are shown once. Below DEPTH_MAX
 * modules every tensor has a line of its own, since a name of a megabyte may have as many dots.
 */
#include "list_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list_table.h"
#include "mxfs/text.h"

enum {
    INDENT = 2,                      /* columns by which what is in a module is moved right */
    LABEL_TEXT = CMD_NAME_TEXT + 64, /* room for a label */
    WIDTH_MAX = 60,                  /* labels that are wider do not move the other columns */
    DEPTH_MAX = 32,                  /* nested modules that are shown; real models have ten */
};

/* A tensor, and its name. */
struct leaf {
    const struct cmd_row *row;
    struct mxfs_output_info info;
};

struct tree {
    bool measuring; /* how wide the names are, before anything is printed */
    size_t width;
};

/* A run of leaves below one module: their names have the first `skip` bytes in common. */
struct node {
    const struct leaf *leaf, *end;
    size_t skip;
};

/* Length of the component of a name that begins at `skip`. */
static size_t component(const struct leaf *l, size_t skip)
{
    const char *from = l->info.name + skip;
    const char *dot = memchr(from, '.', l->info.name_len - skip);
    return dot ? (size_t)(dot - from) : l->info.name_len - skip;
}

static bool is_number(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
    }
    return len > 0;
}

static int compare_component(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len && is_number(a, a_len) && is_number(b, b_len))
        return a_len < b_len ? -1 : 1;
    return mxfs_name_compare(a, a_len, b, b_len);
}

/* Compares by folder, then component by component, numbers as numbers, so that the contents of a
 * module are neighbours. */
static int compare_leaves(const void *a, const void *b)
{
    const struct leaf *x = a, *y = b;
    int c = strcmp(x->row->file->folder->path, y->row->file->folder->path);

    for (size_t i = 0, k = 0; c == 0;) {
        size_t n = component(x, i), m = component(y, k);
        c = compare_component(x->info.name + i, n, y->info.name + k, m);
        i += n + 1;
        k += m + 1;
        if (c == 0 && (i > x->info.name_len || k > y->info.name_len))
            return (i <= x->info.name_len) - (k <= y->info.name_len);
    }
    return c;
}

/* The first child of a node: the leaves that share the next component with its first leaf. */
static struct node first_child(const struct node *n)
{
    size_t len = component(n->leaf, n->skip);
    struct node child = {n->leaf, n->leaf + 1, n->skip + len + 1};

    while (child.end < n->end && component(child.end, n->skip) == len &&
           memcmp(child.end->info.name + n->skip, n->leaf->info.name + n->skip, len) == 0)
        child.end++;
    return child;
}

/* Whether it is a tensor, not a module: its name ends here. */
static bool ends_here(const struct node *n)
{
    return n->skip > n->leaf->info.name_len;
}

static const char *label_of(const struct node *child, size_t skip, size_t *len)
{
    *len = child->skip - 1 - skip;
    return child->leaf->info.name + skip;
}

static bool same_leaf(const struct leaf *a, size_t a_skip, const struct leaf *b, size_t b_skip)
{
    const struct mxfs_output_info *x = &a->info, *y = &b->info;

    if (a_skip > x->name_len || b_skip > y->name_len)
        return false; /* only modules are summed up, not tensors */
    return mxfs_name_compare(x->name + a_skip, x->name_len - a_skip, y->name + b_skip,
                             y->name_len - b_skip) == 0 &&
           x->dtype == y->dtype && x->rank == y->rank &&
           (x->rank == 0 || memcmp(x->shape, y->shape, x->rank * sizeof(*x->shape)) == 0) &&
           mxfs_output_scheme(a->row->output) == mxfs_output_scheme(b->row->output);
}

static bool are_alike(const struct node *a, const struct node *b)
{
    if (a->end - a->leaf != b->end - b->leaf)
        return false;
    for (ptrdiff_t i = 0; i < a->end - a->leaf; i++) {
        if (!same_leaf(&a->leaf[i], a->skip, &b->leaf[i], b->skip))
            return false;
    }
    return true;
}

static void print_label(struct tree *t, unsigned depth, const char *label)
{
    size_t width = depth * INDENT + strlen(label);

    if (t->measuring)
        t->width = width > t->width && width <= WIDTH_MAX ? width : t->width;
    else
        printf("%*s%-*s  ", (int)(depth * INDENT), "", (int)(t->width - depth * INDENT), label);
}

static void print_leaf(struct tree *t, const struct leaf *l, unsigned depth, const char *label)
{
    char sizes[2][MXFS_TEXT_SIZE];
    const struct mxfs_output *o = l->row->output;

    print_label(t, depth, label);
    if (t->measuring)
        return;
    printf("%s ", mxfs_dtype_name(l->info.dtype));
    mxfs_text_dims(stdout, l->info.shape, l->info.rank);
    fputs("  ", stdout);
    if (o->group)
        printf("%s -> %s  %s\n", mxfs_text_size(sizes[0], cmd_stored_size(o)),
               mxfs_text_size(sizes[1], l->info.size), mxfs_output_scheme(o));
    else
        printf("%s\n", mxfs_text_size(sizes[0], l->info.size));
}

static void print_module(struct tree *t, const struct node *n, unsigned depth, const char *label)
{
    char sizes[2][MXFS_TEXT_SIZE];
    uint64_t in = 0, out = 0;

    print_label(t, depth, label);
    if (t->measuring)
        return;
    for (const struct leaf *l = n->leaf; l < n->end; l++) {
        in += cmd_stored_size(l->row->output);
        out += l->info.size;
    }
    printf("%td tensor%s, %s", n->end - n->leaf, n->end - n->leaf == 1 ? "" : "s",
           mxfs_text_size(sizes[0], in));
    if (in != out)
        printf(" -> %s", mxfs_text_size(sizes[1], out));
    putchar('\n');
}

static void print_children(struct tree *t, const struct node *n, unsigned depth);

/* A run of numbered neighbours that are alike, or a single module. */
struct run {
    struct node first, last; /* the same for a single one */
    struct node all;         /* the leaves of all of them */
    size_t skip;             /* of their parent */
    size_t count;
};

/* "0-31 (32 alike)" */
static void label_run(char label[LABEL_TEXT], const struct run *a)
{
    size_t len, last_len;
    const char *name = label_of(&a->first, a->skip, &len);
    const char *last_name = label_of(&a->last, a->skip, &last_len);
    size_t used = mxfs_escape(label, CMD_NAME_TEXT / 2, name, len);

    label[used++] = '-';
    used += mxfs_escape(label + used, CMD_NAME_TEXT / 4, last_name, last_len);
    snprintf(label + used, LABEL_TEXT - used, " (%zu alike)", a->count);
}

/* "model.layers": a module whose only content is another module shares its line; *node becomes the
 * innermost one. */
static void label_chain(char label[LABEL_TEXT], struct node *node, size_t skip)
{
    size_t len;
    const char *name = label_of(node, skip, &len);
    size_t used = mxfs_escape(label, CMD_NAME_TEXT / 2, name, len);

    for (struct node child = first_child(node); !ends_here(&child) && child.end == node->end;
         child = first_child(node)) {
        name = label_of(&child, node->skip, &len);
        if (used + len + 2 >= CMD_NAME_TEXT)
            break;
        label[used++] = '.';
        used += mxfs_escape(label + used, CMD_NAME_TEXT - used, name, len);
        *node = child;
    }
}

/* A line for the modules, and the children of the first one. */
static void print_modules(struct tree *t, const struct run *a, unsigned depth)
{
    struct node shown = a->first;
    char label[LABEL_TEXT];
    size_t len;

    if (a->count == 1 && shown.end - shown.leaf == 1) { /* nothing but one tensor */
        const char *name = label_of(&shown, a->skip, &len);
        mxfs_escape(label, CMD_NAME_TEXT, name, shown.leaf->info.name_len - a->skip);
        print_leaf(t, shown.leaf, depth, label);
        return;
    }
    if (a->count > 1)
        label_run(label, a);
    else
        label_chain(label, &shown, a->skip);
    print_module(t, &a->all, depth, label);
    print_children(t, &shown, depth + 1);
}

/* Prints the tensor that has the first child's name, if there is one; the rest stays in *child. */
static bool take_leaf(struct tree *t, struct node *child, size_t skip, unsigned depth)
{
    char label[LABEL_TEXT];
    size_t len;

    if (!ends_here(child))
        return false;
    const char *name = label_of(child, skip, &len);
    mxfs_escape(label, CMD_NAME_TEXT, name, len);
    print_leaf(t, child->leaf++, depth, label);
    return true;
}

/* The run of modules that begins with `child`; `rest` is what follows it, and is shortened. */
static struct run take_alike(const struct node *child, struct node *rest)
{
    struct run a = {*child, *child, *child, rest->skip, 1};
    size_t len;
    const char *name = label_of(child, rest->skip, &len);

    while (is_number(name, len) && rest->leaf < rest->end) {
        struct node other = first_child(rest);
        name = label_of(&other, rest->skip, &len);
        if (!is_number(name, len) || !are_alike(child, &other))
            break;
        a.last = other;
        a.all.end = rest->leaf = other.end;
        a.count++;
    }
    return a;
}

/* All leaves of a node, each with the rest of its name. */
static void print_leaves(struct tree *t, const struct node *n, unsigned depth)
{
    char label[LABEL_TEXT];

    for (const struct leaf *l = n->leaf; l < n->end; l++) {
        mxfs_escape(label, CMD_NAME_TEXT, l->info.name + n->skip, l->info.name_len - n->skip);
        print_leaf(t, l, depth, label);
    }
}

static void print_children(struct tree *t, const struct node *n, unsigned depth)
{
    struct node rest = *n;

    if (depth >= DEPTH_MAX) {
        print_leaves(t, n, depth);
        return;
    }
    while (rest.leaf < rest.end) {
        struct node child = first_child(&rest);
        rest.leaf = child.end;
        if (take_leaf(t, &child, n->skip, depth)) {
            if (child.leaf <
                child.end) /* more below the same name, or another tensor of that name */
                rest.leaf = child.leaf;
            continue;
        }
        struct run a = take_alike(&child, &rest);
        print_modules(t, &a, depth);
    }
}

/* All folders, each below a line of its own unless it is the root. */
static void print_all(struct tree *t, const struct cmd_listing *l, const struct leaf *leaves)
{
    for (size_t i = 0, end; i < l->count; i = end) {
        const struct mxfs_folder *folder = leaves[i].row->file->folder;
        const char *below = folder->below;
        char shown[CMD_NAME_TEXT];
        for (end = i; end < l->count && leaves[end].row->file->folder == folder; end++)
            ;
        struct node all = {&leaves[i], &leaves[end], 0};
        if (below[0]) {
            mxfs_escape(shown, sizeof(shown) - 1, below + 1, strlen(below + 1));
            print_module(t, &all, 0, strcat(shown, "/"));
        }
        print_children(t, &all, below[0] != '\0');
    }
}

int cmd_list_tree(const struct cmd_listing *listing)
{
    struct leaf *leaves = malloc((listing->count + 1) * sizeof(*leaves));
    struct tree tree = {.measuring = true};

    if (!leaves)
        return -ENOMEM;
    for (size_t i = 0; i < listing->count; i++)
        leaves[i] = (struct leaf){&listing->rows[i], mxfs_output_info(listing->rows[i].output)};
    if (listing->count > 1)
        qsort(leaves, listing->count, sizeof(*leaves), compare_leaves);
    print_all(&tree, listing, leaves);
    tree.measuring = false;
    print_all(&tree, listing, leaves);
    free(leaves);
    cmd_list_notes(listing);
    return 0;
}
