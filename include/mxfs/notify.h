/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Messages to the service manager: the sd_notify protocol (datagrams to the socket that
 * NOTIFY_SOCKET names), without libsystemd.
 *
 * Source: sd_notify(3). Thread safety: the two calls must not overlap.
 */
#ifndef MXFS_NOTIFY_H
#define MXFS_NOTIFY_H

/**
 * Connects to the service manager, while the process still may. Returns 0, also without a service
 * manager, or -errno.
 */
int mxfs_notify_connect(void);

/**
 * Sends `state` ("READY=1\nSTATUS=...") and disconnects: the service manager of root obeys such
 * messages, even about other processes, so the socket should not stay open. Does nothing when not
 * connected, and ignores a failure to send.
 */
void mxfs_notify_once(const char *state);

#endif
