/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Permission bits that grant no more than a file's POSIX ACL (acl(5)).
 *
 * For a file with an ACL, the group bits are the mask of the ACL, not the rights of the group, and
 * the ACL may give particular users and groups fewer rights than others. A mount shows only
 * permission bits, so these must not grant more than the ACL does. Thread safety: per call.
 */
#ifndef MXFS_RIGHTS_H
#define MXFS_RIGHTS_H

#include <sys/stat.h>

/**
 * Like stat(), but clears the group and other bits that the ACL denies to any user or group.
 * Returns 0 or -errno.
 */
int mxfs_rights_stat(const char *path, struct stat *st);

/** Like mxfs_rights_stat(), for an open file. */
int mxfs_rights_fstat(int fd, struct stat *st);

#endif
