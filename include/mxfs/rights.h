/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Whom the permission bits of a file let in where it has a POSIX ACL (acl(5)).
 *
 * The group bits of such a file are the mask of the ACL and no right of its group, and some users
 * and groups may have fewer rights than the others. A mount shows bits alone, so they must not say
 * more than the ACL.
 * Thread safety: per call.
 */
#ifndef MXFS_RIGHTS_H
#define MXFS_RIGHTS_H

#include <sys/stat.h>

/** stat(), with no bit for group and others that the ACL denies any one of them. 0 or -errno. */
int mxfs_rights_stat(const char *path, struct stat *st);

/** The same of an open file. */
int mxfs_rights_fstat(int fd, struct stat *st);

#endif
