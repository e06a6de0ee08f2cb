/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The tree: names, inodes, listing by cookie, views with shortened names, attributes.
 */
#include "mxfs/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "mxfs/path.h"
#include "support/spec.h"

/** A tree and the objects that it needs. */
struct fixture {
    struct mxfs_view view;
    struct mxfs_vfile_reader reader;
    struct mxfs_tree *tree;
};

static int try_open(struct fixture *f, const char *path, struct mxfs_tree_options options,
                    struct mxfs_error *err)
{
    const struct mxfs_choices how = {.cache_size = 1 << 20};

    memset(f, 0, sizeof(*f));
    int rc = mxfs_view_open(&f->view, path, &how, err);
    ck_assert_msg(rc == 0, "%s", err->text);
    f->reader.env = &f->view.env;
    return mxfs_tree_new(&f->tree, &f->view, &options, err);
}

static void open_tree(struct fixture *f, const char *path, struct mxfs_tree_options options)
{
    struct mxfs_error err = {0};

    ck_assert_msg(try_open(f, path, options, &err) == 0, "%s", err.text);
}

static void close_tree(struct fixture *f)
{
    mxfs_tree_free(f->tree);
    mxfs_vfile_reader_fini(&f->reader);
    mxfs_view_close(&f->view);
}

static const struct mxfs_tree_options both = {.tensors = true, .npy = true};
static const struct mxfs_tree_options neither = {.tensors = false};

/* The inode at a path of plain names, which must exist. */
static uint64_t walk(const struct fixture *f, const char *path, struct stat *st)
{
    char copy[1000], *rest;

    snprintf(copy, sizeof(copy), "%s", path);
    ck_assert_int_eq(mxfs_tree_getattr(f->tree, MXFS_ROOT_INODE, st), 0);
    for (char *name = strtok_r(copy, "/", &rest); name; name = strtok_r(NULL, "/", &rest))
        ck_assert_msg(mxfs_tree_lookup(f->tree, st->st_ino, name, st) == 0, "%s: no %s", path,
                      name);
    return st->st_ino;
}

/* The names in a folder after "." and "..", separated by spaces. Every entry is looked up, too. */
static char *list(const struct fixture *f, const char *path)
{
    struct stat dir, again;
    struct mxfs_tree_entry e;
    uint64_t ino = walk(f, path, &dir), cookie = 0;
    char *text = NULL;
    size_t len, count = 0;
    FILE *out = open_memstream(&text, &len);

    for (int rc; (rc = mxfs_tree_next(f->tree, ino, &cookie, &e)) != 0; count++) {
        ck_assert_int_eq(rc, 1);
        ck_assert_uint_eq(strlen(e.name), e.name_len);
        ck_assert_int_eq(mxfs_tree_lookup(f->tree, ino, e.name, &again), 0);
        ck_assert_int_eq(memcmp(&e.st, &again, sizeof(again)), 0);
        ck_assert_int_eq(mxfs_tree_getattr(f->tree, e.st.st_ino, &again), 0);
        ck_assert_int_eq(memcmp(&e.st, &again, sizeof(again)), 0);
        if (count < 2)
            ck_assert_str_eq(e.name, count == 0 ? "." : "..");
        else
            fprintf(out, "%s%s", count > 2 ? " " : "", e.name);
    }
    fclose(out);
    ck_assert_uint_ge(count, 2);
    ck_assert_int_eq(mxfs_tree_next(f->tree, ino, &cookie, &e), 0); /* still the end */
    return text;
}

static void check_list(const struct fixture *f, const char *path, const char *expected)
{
    char *text = list(f, path);
    ck_assert_msg(strcmp(text, expected) == 0, "%s: \"%s\", not \"%s\"", path, text, expected);
    free(text);
}

static struct test_path make_file(const char *tensors)
{
    struct spec *spec = spec_new_filled(tensors);
    struct test_path path = spec_write(spec, test_folder().text, "model.safetensors");

    spec_free(spec);
    return path;
}

static const char sample[] = "b F32 2,3; a_blocks U8 4,1,16; a_scales U8 4,1; sub/c U8 5; f F4 2;"
                             ".hidden I64 1; empty BF16 0";

START_TEST(a_file_with_views)
{
    struct fixture f;

    open_tree(&f, make_file(sample).text, both);
    check_list(&f, "", "model.safetensors npy tensors");
    check_list(&f, "tensors", "%2Ehidden a b empty f sub%2Fc");
    check_list(&f, "npy", "%2Ehidden.npy a.npy b.npy empty.npy sub%2Fc.npy"); /* NumPy has no F4 */
    close_tree(&f);
}
END_TEST

START_TEST(views_that_were_asked_for)
{
    struct test_path path = make_file(sample);
    struct fixture f;
    struct stat st;

    open_tree(&f, path.text, neither);
    check_list(&f, "", "model.safetensors");
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, MXFS_ROOT_INODE, "tensors", &st), -ENOENT);
    close_tree(&f);
    open_tree(&f, path.text, (struct mxfs_tree_options){.npy = true});
    check_list(&f, "", "model.safetensors npy");
    close_tree(&f);
    open_tree(&f, path.text, (struct mxfs_tree_options){.tensors = true});
    check_list(&f, "", "model.safetensors tensors");
    close_tree(&f);
}
END_TEST

START_TEST(lookups)
{
    struct fixture f;
    struct stat st, root, view, file;
    static const char *const absent[] = {"",    "A",       "a ",        "a_blocks", "sub/c",
                                         "sub", ".hidden", "%2ehidden", "%61",      "a.npy",
                                         "%",   "~",       "sub%2fc"};
    char long_name[400];

    open_tree(&f, make_file(sample).text, both);
    walk(&f, "", &root);
    walk(&f, "tensors", &view);
    walk(&f, "tensors/a", &file);
    ck_assert_uint_eq(root.st_ino, MXFS_ROOT_INODE);
    for (size_t i = 0; i < MXFS_COUNT(absent); i++)
        ck_assert_msg(mxfs_tree_lookup(f.tree, view.st_ino, absent[i], &st) == -ENOENT, "%s",
                      absent[i]);
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, view.st_ino, long_name, &st), -ENOENT);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, root.st_ino, long_name, &st), -ENOENT);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, root.st_ino, "model", &st), -ENOENT);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, file.st_ino, "x", &st), -ENOTDIR);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, walk(&f, "model.safetensors", &st), "x", &st),
                     -ENOTDIR);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, file.st_ino, "..", &st), 0);
    ck_assert_uint_eq(st.st_ino, view.st_ino);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, view.st_ino, "..", &st), 0);
    ck_assert_uint_eq(st.st_ino, root.st_ino);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, root.st_ino, "..", &st), 0);
    ck_assert_uint_eq(st.st_ino, root.st_ino);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, view.st_ino, ".", &st), 0);
    ck_assert_uint_eq(st.st_ino, view.st_ino);
    close_tree(&f);
}
END_TEST

/* Numbers that are not inodes are rejected by every call. */
START_TEST(inodes)
{
    struct test_path path = make_file(sample);
    struct fixture f, g;
    struct stat st, other;
    struct mxfs_tree_entry e;
    char byte;
    size_t files = 0, dirs = 0;
    struct statvfs fs;

    open_tree(&f, path.text, both);
    open_tree(&g, path.text, both);
    for (uint64_t ino = 0; ino < 100; ino++) {
        uint64_t cookie = 0;
        if (mxfs_tree_getattr(f.tree, ino, &st) == 0) {
            ck_assert_uint_eq(st.st_ino, ino);
            *(S_ISDIR(st.st_mode) ? &dirs : &files) += 1;
            ck_assert_int_eq(mxfs_tree_getattr(g.tree, ino, &other), 0); /* as after a remount */
            ck_assert_int_eq(memcmp(&st, &other, sizeof(st)), 0);
            if (S_ISREG(st.st_mode))
                ck_assert_int_eq(mxfs_tree_next(f.tree, ino, &cookie, &e), -ENOTDIR);
            else
                ck_assert_int_eq(mxfs_tree_read(f.tree, ino, &f.reader, &byte, 1, 0), -EISDIR);
            continue;
        }
        ck_assert_int_eq(mxfs_tree_getattr(f.tree, ino, &st), -ENOENT);
        ck_assert_int_eq(mxfs_tree_lookup(f.tree, ino, "a", &st), -ENOENT);
        ck_assert_int_eq(mxfs_tree_next(f.tree, ino, &cookie, &e), -ENOENT);
        ck_assert_int_eq(mxfs_tree_read(f.tree, ino, &f.reader, &byte, 1, 0), -ENOENT);
    }
    ck_assert_uint_eq(dirs, 3);
    ck_assert_uint_eq(files, 1 + 6 + 5);
    ck_assert_int_eq(mxfs_tree_getattr(f.tree, UINT64_MAX, &st), -ENOENT);
    mxfs_tree_statfs(f.tree, &fs);
    ck_assert_uint_eq(fs.f_namemax, 255);
    ck_assert_uint_ge(fs.f_files, files + dirs);
    ck_assert_uint_eq(fs.f_bfree + fs.f_bavail + fs.f_ffree, 0);
    close_tree(&f);
    close_tree(&g);
}
END_TEST

START_TEST(attributes)
{
    struct test_path path = make_file(sample);
    struct fixture f;
    struct stat st, source;

    ck_assert_int_eq(chmod(path.text, 0640), 0);
    ck_assert_int_eq(stat(path.text, &source), 0);
    open_tree(&f, path.text, both);
    walk(&f, "model.safetensors", &st);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0444);
    ck_assert_int_eq(st.st_size, (off_t)f.view.repo.files[0].plan->size);
    ck_assert_uint_eq(st.st_uid, geteuid());
    ck_assert_uint_eq(st.st_nlink, 1);
    ck_assert_int_eq(st.st_mtim.tv_sec, source.st_mtim.tv_sec);
    ck_assert_int_eq(st.st_mtim.tv_nsec, source.st_mtim.tv_nsec);
    ck_assert_int_eq(st.st_blocks, (st.st_size + 511) / 512);
    walk(&f, "", &st);
    ck_assert_uint_eq(st.st_mode, S_IFDIR | 0555);
    ck_assert_uint_eq(st.st_nlink, 4);
    walk(&f, "tensors/a", &st);
    ck_assert_int_eq(st.st_size, 4 * 32 * 2);
    walk(&f, "npy/a.npy", &st);
    ck_assert_int_eq(st.st_size, 128 + 4 * 32 * 4);
    walk(&f, "tensors/empty", &st);
    ck_assert_int_eq(st.st_size, 0);
    close_tree(&f);
    open_tree(&f, path.text,
              (struct mxfs_tree_options){.tensors = true, .npy = true, .source_permissions = true});
    walk(&f, "tensors/a", &st);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0440);
    ck_assert_uint_eq(st.st_uid, source.st_uid);
    walk(&f, "tensors", &st);
    ck_assert_uint_eq(st.st_mode, S_IFDIR | 0550);
    close_tree(&f);
}
END_TEST

/* Checks the attributes of a file and a folder in a tree that `maker` builds, or "refused". */
static void check_identity(const char *path, uid_t maker, struct mxfs_tree_options options,
                           const char *expected)
{
    struct fixture f;
    struct stat file, folder;
    struct mxfs_error err = {0};
    char text[200] = "refused";

    ck_assert_int_eq(seteuid(maker), 0);
    int rc = try_open(&f, path, options, &err);
    ck_assert_int_eq(seteuid(0), 0);
    if (rc == 0) {
        walk(&f, "tensors/a", &file);
        walk(&f, "tensors", &folder);
        snprintf(text, sizeof(text), "%u:%u %o %o", file.st_uid, file.st_gid, file.st_mode & 07777,
                 folder.st_mode & 07777);
    } else {
        ck_assert_int_eq(err.code, MXFS_EXIT_USAGE);
        ck_assert_ptr_nonnull(strstr(err.text, "only root and the owner"));
    }
    ck_assert_msg(strcmp(text, expected) == 0, "%s, not %s", text, expected);
    close_tree(&f);
}

#define SHOWN .tensors = true, .source_permissions

/* A source of user 7, group 8, mode 0640, readable by all three makers. */
START_TEST(identity)
{
    struct test_path path = make_file(sample);
    enum { ROOT = 0, OWNER = 7, OTHER = 9 };

    if (geteuid() != 0)
        return; /* only root can become each of them */
    char *folder = mxfs_path_dirname(path.text), *above = mxfs_path_dirname(folder);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(chmod(above, 0755), 0);
    free(folder);
    free(above);
    ck_assert_int_eq(chown(path.text, OWNER, 8), 0);
    ck_assert_int_eq(setegid(8), 0);
    ck_assert_int_eq(chmod(path.text, 0640), 0);
    struct mxfs_tree_options nothing = {SHOWN = true}, mask = {SHOWN = true, .set_umask = true},
                             wide = mask, user = nothing, group = nothing, same = nothing;
    mask.umask = 0477;
    user.set_uid = group.set_gid = same.set_uid = same.set_gid = true;
    user.uid = group.gid = 5;
    same.uid = OWNER;
    same.gid = 8;
    check_identity(path.text, OTHER, nothing, "7:8 440 550");
    check_identity(path.text, ROOT, mask, "7:8 0 0");
    check_identity(path.text, ROOT, wide, "7:8 444 555");
    check_identity(path.text, OWNER, wide, "7:8 444 555");
    check_identity(path.text, OTHER, wide, "7:8 440 550"); /* no more than the source allows */
    check_identity(path.text, ROOT, user, "5:8 440 550");
    check_identity(path.text, OWNER, group, "7:5 440 550");
    check_identity(path.text, OTHER, user, "refused");
    check_identity(path.text, OTHER, group, "refused");
    check_identity(path.text, OTHER, same, "7:8 440 550");
    user.source_permissions = wide.source_permissions = false; /* no access for other users */
    check_identity(path.text, OTHER, user, "5:8 444 555");
    check_identity(path.text, OTHER, wide, "9:8 444 555");
    ck_assert_int_eq(setegid(0), 0);
}
END_TEST

START_TEST(reads)
{
    struct fixture f;
    struct stat st;
    uint8_t whole[4096], part[4096];

    open_tree(&f, make_file(sample).text, both);
    uint64_t file = walk(&f, "model.safetensors", &st);
    ssize_t size = mxfs_tree_read(f.tree, file, &f.reader, whole, sizeof(whole), 0);
    ck_assert_int_eq(size, st.st_size);
    uint64_t view = walk(&f, "tensors/a", &st);
    ck_assert_int_eq(mxfs_tree_read(f.tree, view, &f.reader, part, sizeof(part), 0), st.st_size);
    const struct mxfs_plan *plan = f.view.repo.files[0].plan;
    const struct mxfs_output *o = &plan->outputs[plan->by_name[mxfs_plan_find(plan, "a", 1)]];
    ck_assert_int_eq(memcmp(part, whole + o->offset, (size_t)st.st_size), 0);
    uint64_t npy = walk(&f, "npy/sub%2Fc.npy", &st);
    ck_assert_int_eq(mxfs_tree_read(f.tree, npy, &f.reader, part, 6, 0), 6);
    ck_assert_int_eq(memcmp(part, "\x93NUMPY", 6), 0);
    ck_assert_int_eq(mxfs_tree_read(f.tree, npy, &f.reader, part, 100, (uint64_t)st.st_size), 0);
    close_tree(&f);
}
END_TEST

/* Listing can continue from any cookie that was returned. */
START_TEST(listing_goes_on_at_any_cookie)
{
    struct fixture f;
    struct stat st;
    struct mxfs_tree_entry entries[20], e;
    uint64_t cookies[20] = {0};
    size_t n = 0;

    open_tree(&f, make_file(sample).text, both);
    uint64_t dir = walk(&f, "npy", &st);
    for (uint64_t c = 0; mxfs_tree_next(f.tree, dir, &c, &entries[n]) == 1; n++)
        cookies[n + 1] = c;
    ck_assert_uint_eq(n, 7);
    for (size_t i = n; i-- > 0;) {
        uint64_t c = cookies[i];
        ck_assert_int_eq(mxfs_tree_next(f.tree, dir, &c, &e), 1);
        ck_assert_str_eq(e.name, entries[i].name);
        ck_assert_uint_eq(c, cookies[i + 1]);
    }
    for (uint64_t c = 1000, left = 3; left > 0; left--)
        ck_assert_int_eq(mxfs_tree_next(f.tree, dir, &c, &e), 0);
    close_tree(&f);
}
END_TEST

/* Two long names that differ only at the end, one that just fits, and one too long once escaped. */
START_TEST(names_that_are_cut)
{
    struct test_path dir = test_folder();
    char stem[300], slashes[101] = "", file[2000], *text;
    struct fixture f;
    struct stat st;

    memset(stem, 'n', sizeof(stem));
    memset(slashes, '/', sizeof(slashes) - 1);
    int len = snprintf(file + 8, sizeof(file) - 8,
                       "{\"%.299s1\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                       "\"%.299s2\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},"
                       "\"%.255s\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[3,6]},"
                       "\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[6,7]}}",
                       stem, stem, stem, slashes);
    mxfs_store_le64(file, (uint64_t)len);
    memcpy(file + 8 + len, "abbcccd", 7);
    struct test_path path = test_write(dir.text, "m.safetensors", file, 8 + (size_t)len + 7);
    open_tree(&f, path.text, both);
    for (int view = 0; view < 2; view++) {
        text = list(&f, view ? "npy" : "tensors"); /* looks up every name */
        size_t tildes = 0;
        for (const char *c = text; *c; c++)
            tildes += *c == '~';
        ck_assert_uint_eq(tildes, view ? 4 : 3);
        free(text);
    }
    walk(&f, "tensors", &st);
    char wrong[MXFS_FILE_NAME_SIZE];
    snprintf(wrong, sizeof(wrong), "%.222s~0123456789abcdef0123456789abcdef", stem);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, st.st_ino, wrong, &st), -ENOENT);
    close_tree(&f);
}
END_TEST

START_TEST(a_file_with_the_name_of_a_view)
{
    struct spec *spec = spec_new_filled(sample);
    struct test_path path = spec_write(spec, test_folder().text, "tensors");
    struct mxfs_error err = {0};
    struct fixture f;

    spec_free(spec);
    ck_assert_int_lt(try_open(&f, path.text, both, &err), 0);
    ck_assert_ptr_null(f.tree);
    ck_assert_int_eq(err.code, MXFS_EXIT_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "--views=none"));
    close_tree(&f);
    open_tree(&f, path.text, neither);
    check_list(&f, "", "tensors");
    close_tree(&f);
}
END_TEST

/* Folders with tensors have views of their own; other files are shown as they are. */
START_TEST(folders)
{
    struct test_path dir = test_folder(), sub = test_join(dir.text, "sub");
    struct spec *spec = spec_new_filled("a_blocks U8 1,16; a_scales U8 1");
    struct fixture f;
    struct stat st;
    char buf[100];

    ck_assert_int_eq(mkdir(sub.text, 0700), 0);
    ck_assert_int_eq(mkdir(test_join(dir.text, "text").text, 0700), 0);
    spec_write(spec, dir.text, "m.safetensors");
    spec_write(spec, sub.text, "n.safetensors");
    spec_free(spec);
    test_write_text(dir.text, "README.md", "read me");
    test_write_text(sub.text, "config.json",
                    "{\"x\": 1, \"quantization_config\": {\"quant_method\": \"mxfp4\"}}");
    open_tree(&f, dir.text, both);
    check_list(&f, "", "README.md m.safetensors npy sub tensors text");
    check_list(&f, "sub", "config.json n.safetensors npy tensors");
    check_list(&f, "text", "");
    check_list(&f, "sub/tensors", "a");
    uint64_t readme = walk(&f, "README.md", &st);
    ck_assert_int_eq(mxfs_tree_read(f.tree, readme, &f.reader, buf, sizeof(buf), 5), 2);
    ck_assert_int_eq(memcmp(buf, "me", 2), 0);
    uint64_t config = walk(&f, "sub/config.json", &st);
    ssize_t got = mxfs_tree_read(f.tree, config, &f.reader, buf, sizeof(buf) - 1, 0);
    ck_assert_int_eq(got, st.st_size);
    buf[got] = '\0';
    ck_assert_ptr_null(strstr(buf, "quantization_config"));
    ck_assert_int_eq(mxfs_tree_read(f.tree, config, &f.reader, buf, 10, (uint64_t)got), 0);
    uint64_t sub_ino = walk(&f, "sub", &st);
    ck_assert_int_eq(mxfs_tree_lookup(f.tree, walk(&f, "sub/npy", &st), "..", &st), 0);
    ck_assert_uint_eq(st.st_ino, sub_ino);
    close_tree(&f);
}
END_TEST

/* The attributes of the file at `path`, as "name=value" lines. */
static char *attributes_of(const struct fixture *f, const char *path)
{
    char names[1000], value[1000], *text = NULL;
    size_t len;
    struct stat st;
    FILE *out = open_memstream(&text, &len);
    uint64_t ino = walk(f, path, &st);
    ssize_t n = mxfs_tree_listxattr(f->tree, ino, names, sizeof(names));

    ck_assert_int_eq(n, mxfs_tree_listxattr(f->tree, ino, NULL, 0));
    for (const char *name = names; name < names + n; name += strlen(name) + 1) {
        ssize_t size = mxfs_tree_getxattr(f->tree, ino, name, value, sizeof(value));
        ck_assert_int_gt(size, 0);
        fprintf(out, "%s=%.*s\n", name, (int)size, value);
    }
    fclose(out);
    return text;
}

static void check_attributes(const struct fixture *f, const char *path, const char *expected)
{
    char *text = attributes_of(f, path);
    ck_assert_msg(strcmp(text, expected) == 0, "%s: %s", path, text);
    free(text);
}

START_TEST(extended_attributes)
{
    struct fixture f;

    open_tree(&f, make_file(sample).text, both);
    check_attributes(&f, "tensors/a",
                     "user.mxfs.scheme=mxfp4-blocks\nuser.mxfs.shape=[4,32]\n"
                     "user.mxfs.dtype=BF16\nuser.mxfs.sources=[\"a_blocks\",\"a_scales\"]\n");
    check_attributes(&f, "npy/b.npy",
                     "user.mxfs.scheme=plain\nuser.mxfs.shape=[2,3]\n"
                     "user.mxfs.dtype=F32\nuser.mxfs.sources=[\"b\"]\n");
    check_attributes(&f, "model.safetensors", "");
    check_attributes(&f, "tensors", "");
    close_tree(&f);
}
END_TEST

/* Sizes as in getxattr(2) and listxattr(2), and attributes that do not exist. */
START_TEST(extended_attributes_and_sizes)
{
    struct fixture f;
    struct stat st;
    char buf[100] = "";

    open_tree(&f, make_file(sample).text, both);
    uint64_t ino = walk(&f, "tensors/b", &st);
    ck_assert_int_eq(mxfs_tree_getxattr(f.tree, ino, "user.mxfs.shape", NULL, 0), 5);
    ck_assert_int_eq(mxfs_tree_getxattr(f.tree, ino, "user.mxfs.shape", buf, 5), 5);
    ck_assert_str_eq(buf, "[2,3]");
    ck_assert_int_eq(mxfs_tree_getxattr(f.tree, ino, "user.mxfs.shape", buf, 4), -ERANGE);
    ck_assert_int_eq(mxfs_tree_listxattr(f.tree, ino, buf, 4), -ERANGE);
    ck_assert_int_eq(mxfs_tree_getxattr(f.tree, ino, "user.mxfs.", buf, 5), -ENODATA);
    ck_assert_int_eq(mxfs_tree_getxattr(f.tree, 1, "user.mxfs.shape", buf, 5), -ENODATA);
    ck_assert_int_eq(mxfs_tree_getxattr(f.tree, 999, "user.mxfs.shape", buf, 5), -ENOENT);
    ck_assert_int_eq(mxfs_tree_listxattr(f.tree, 999, buf, 5), -ENOENT);
    close_tree(&f);
}
END_TEST

START_TEST(free_accepts_null)
{
    mxfs_tree_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree");
    TCase *tests = tcase_create("trees");

    test_use_folder(tests);
    tcase_add_test(tests, a_file_with_views);
    tcase_add_test(tests, views_that_were_asked_for);
    tcase_add_test(tests, lookups);
    tcase_add_test(tests, inodes);
    tcase_add_test(tests, attributes);
    tcase_add_test(tests, identity);
    tcase_add_test(tests, reads);
    tcase_add_test(tests, listing_goes_on_at_any_cookie);
    tcase_add_test(tests, names_that_are_cut);
    tcase_add_test(tests, a_file_with_the_name_of_a_view);
    tcase_add_test(tests, folders);
    tcase_add_test(tests, extended_attributes);
    tcase_add_test(tests, extended_attributes_and_sizes);
    tcase_add_test(tests, free_accepts_null);
    suite_add_tcase(suite, tests);
    return test_run(suite);
}
