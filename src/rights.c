/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * POSIX ACLs, read from the kernel's extended attribute (linux/posix_acl_xattr.h).
 */
#include "mxfs/rights.h"

#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/xattr.h>

enum {
    ALL = 07,       /* read, write and execute */
    ACL_MAX = 4096, /* bytes of an ACL: some 500 entries */
};

static const char attribute[] = "system.posix_acl_access";

/*
 * Clears bits that an ACL denies. An ACL is a header, and entries of tag, rights, and user or
 * group.
 */
static void narrow(struct stat *st, const uint8_t *acl, size_t size)
{
    unsigned mask = ALL, group = ALL, named = ALL, others = st->st_mode & ALL;
    bool has_named = false;

    for (size_t at = sizeof(struct posix_acl_xattr_header);
         at + sizeof(struct posix_acl_xattr_entry) <= size;
         at += sizeof(struct posix_acl_xattr_entry)) {
        unsigned tag = acl[at] | (unsigned)acl[at + 1] << 8, may = acl[at + 2] & ALL;
        if (tag == ACL_MASK)
            mask = may;
        else if (tag == ACL_GROUP_OBJ)
            group = may;
        else if (tag == ACL_USER || tag == ACL_GROUP) {
            named &= may;
            has_named = true;
        }
    }
    if (has_named)
        named &= mask;
    st->st_mode &= ~(mode_t)(ALL << 3 | ALL);
    st->st_mode |= (group & mask & named) << 3 | (others & named);
}

/* `size` is what getxattr() returned. An ACL too long to read grants nothing. */
static void apply(struct stat *st, const uint8_t *acl, ssize_t size)
{
    if (size >= 0)
        narrow(st, acl, (size_t)size);
    else if (errno == ERANGE)
        st->st_mode &= ~(mode_t)(ALL << 3 | ALL);
}

int mxfs_rights_stat(const char *path, struct stat *st)
{
    uint8_t acl[ACL_MAX];

    if (stat(path, st) != 0)
        return -errno;
    apply(st, acl, getxattr(path, attribute, acl, sizeof(acl)));
    return 0;
}

int mxfs_rights_fstat(int fd, struct stat *st)
{
    uint8_t acl[ACL_MAX];

    if (fstat(fd, st) != 0)
        return -errno;
    apply(st, acl, fgetxattr(fd, attribute, acl, sizeof(acl)));
    return 0;
}
