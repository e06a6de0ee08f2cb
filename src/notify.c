/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The sd_notify protocol: one datagram to the socket of the service manager.
 */
#include "mxfs/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager = -1;

/* Reads NOTIFY_SOCKET. Returns the address's size; 0 when there is none that we support. */
static socklen_t manager_address(struct sockaddr_un *address)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path ? strlen(path) : 0;

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (n < 2 || (path[0] != '/' && path[0] != '@') || n >= sizeof(address->sun_path))
        return 0;
    memcpy(address->sun_path, path, n);
    if (path[0] == '@') /* the abstract namespace: a leading NUL, no terminating one */
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

int mxfs_notify_connect(void)
{
    struct sockaddr_un address;
    socklen_t size = manager_address(&address);

    if (size == 0)
        return 0;
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager < 0)
        return -errno;
    if (connect(manager, (const struct sockaddr *)&address, size) == 0)
        return 0;
    int rc = -errno;
    close(manager);
    manager = -1;
    return rc;
}

void mxfs_notify_once(const char *state)
{
    if (manager < 0)
        return;
    send(manager, state, strlen(state), MSG_NOSIGNAL);
    close(manager);
    manager = -1;
}
