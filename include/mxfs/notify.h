/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Telling the service manager how the mount fares: the sd_notify protocol (datagrams to the socket
 * that NOTIFY_SOCKET names), without libsystemd.
 *
 * Source: sd_notify(3). Thread safety: per call.
 */
#ifndef MXFS_NOTIFY_H
#define MXFS_NOTIFY_H

/**
 * Sends `state` ("READY=1\nSTATUS=...", "STOPPING=1"). Does nothing where no service manager
 * listens; a failure to send is not an error of ours.
 */
void mxfs_notify(const char *state);

#endif
