/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Permission bits that grant no more than the POSIX ACL of a file (acl(5)).
 *
 * The group bits of a file with an ACL are the mask of the ACL, not the rights of its group, and
 * the ACL may give single users and groups fewer rights than others have. A mount shows only bits,
 * so they must not grant more than the ACL does. Thread safety: per call.
 */
#ifndef MXFS_RIGHTS_H
#define MXFS_RIGHTS_H

#include <sys/stat.h>

/**
 * Like stat(), but without the group and other bits that the ACL denies to any of their users.
 * Returns 0 or -errno.
 */
int mxfs_rights_stat(const char *path, struct stat *st);

/** Like mxfs_rights_stat(), for an open file. */
int mxfs_rights_fstat(int fd, struct stat *st);

#endif
