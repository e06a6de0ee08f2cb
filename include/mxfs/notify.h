/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Messages to the service manager: the sd_notify protocol (datagrams to the socket that
 * NOTIFY_SOCKET names), without libsystemd.
 *
 * Source: sd_notify(3). Thread safety: per call.
 */
#ifndef MXFS_NOTIFY_H
#define MXFS_NOTIFY_H

/**
 * Sends `state` ("READY=1\nSTATUS=...", "STOPPING=1"). Does nothing without a service manager, and
 * ignores a failure to send.
 */
void mxfs_notify(const char *state);

#endif
