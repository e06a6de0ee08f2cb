/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The one table of options.
 */
#include "table.h"

#define AT(field) offsetof(struct mxfs_options, field)

/* Settings that only the program has, by kind; CHOICE is one that the library shares. */
#define OWN(...) (&(const struct mxfs_setting){__VA_ARGS__})
#define FLAG(name, field) OWN(name, MXFS_SETTING_FLAG, AT(field), NULL, NULL, 0, 0)
#define STRING(name, field, arg) OWN(name, MXFS_SETTING_STRING, AT(field), arg, NULL, 0, 0)
#define NUMBER(name, field, arg, min, max) \
    OWN(name, MXFS_SETTING_NUMBER, AT(field), arg, NULL, min, max)
#define CHOICE(place) (&mxfs_choice_settings[MXFS_CHOICE_##place])

/* Accepted in -o lists, and ignored. */
#define MOUNT_NOISE(word)                      \
    {                                          \
        FLAG(word, ignored), 0, NULL, ON_MOUNT \
    }

_Static_assert(AT(choices) == 0, "offsets of choices are offsets of options");

/* The largest user or group ID: for chown(2), the next number means "unchanged". */
#define ID_MAX ((uint64_t)UINT32_MAX - 1)

/* Commands that an option applies to. */
enum {
    ON_MOUNT = 1 << MXFS_COMMAND_MOUNT,
    ON_LIST = 1 << MXFS_COMMAND_LIST,
    ON_CAT = 1 << MXFS_COMMAND_CAT,
    ON_EXPORT = 1 << MXFS_COMMAND_EXPORT,
    ON_VERIFY = 1 << MXFS_COMMAND_VERIFY,
    ON_SOURCES =
        ON_MOUNT | ON_LIST | ON_CAT | ON_EXPORT | ON_VERIFY, /* the commands that open a SOURCE */
    ON_ANY = (1 << MXFS_COMMAND_END) - 1,
};

const struct options_command options_commands[MXFS_COMMAND_HELP] = {
    [MXFS_COMMAND_MOUNT] = {"", 2, "mxfs [OPTIONS] SOURCE MOUNTPOINT",
                            "show SOURCE dequantized at MOUNTPOINT"},
    [MXFS_COMMAND_LIST] = {"list", 1, "mxfs list SOURCE", "list the tensors a mount would show"},
    [MXFS_COMMAND_CAT] = {"cat", 2, "mxfs cat SOURCE TENSOR", "write a tensor's bytes to stdout"},
    [MXFS_COMMAND_EXPORT] = {"export", 2, "mxfs export SOURCE DEST",
                             "write dequantized files (-: stdout)"},
    [MXFS_COMMAND_VERIFY] = {"verify", 2, "mxfs verify SOURCE REFERENCE",
                             "compare with REFERENCE, bit for bit"},
    [MXFS_COMMAND_STATS] = {"stats", 1, "mxfs stats MOUNTPOINT", "print a mount's statistics"},
    [MXFS_COMMAND_UNMOUNT] = {"-u", 1, "mxfs -u MOUNTPOINT", "unmount"},
};

const struct options_row options_table[] = {
    {CHOICE(DTYPE), 0,
     "type of the dequantized tensors: auto, bf16, f16 or f32 (auto: the one in config.json if "
     "that "
     "is bfloat16 or float32, else bf16)",
     ON_SOURCES},
    {CHOICE(ONLY), 0, "show only tensors whose names match, e.g. \"*.layers.0.*\"", ON_SOURCES},
    {CHOICE(UNSUPPORTED), 0,
     "tensors that cannot be dequantized exactly: refuse (exit 4, the default) or raw (show them "
     "as stored)",
     ON_SOURCES},
    {CHOICE(SCHEME), 0,
     "decode only with this scheme, or one of these (fp8,nvfp4), where the quant_method is "
     "unknown; "
     "mxfs list prints the names",
     ON_SOURCES},
    {CHOICE(PARTIAL), 0, "accept missing shards and show the tensors that are available",
     ON_SOURCES},
    {CHOICE(CACHE_SIZE), 0, "memory for caching data that is read again (default: 64M)",
     ON_SOURCES},
    {CHOICE(KERNEL), 0, "decoding kernel: scalar, avx2, ... (default: the best one for this CPU)",
     ON_SOURCES},
    {FLAG("verbose", verbose), 'v', "print more", ON_SOURCES},
    {FLAG("quiet", quiet), 'q', "print only errors", ON_SOURCES},
    {FLAG("debug", debug), 'd', "print every request; implies --foreground", ON_SOURCES},
    {STRING("views", views, "LIST"), 0,
     "extra views: none (the default for a folder), tensors, npy or tensors,npy (the default for a "
     "file)",
     ON_MOUNT},
    {FLAG("foreground", foreground), 'f', "stay in the foreground", ON_MOUNT},
    {FLAG("allow-other", allow_other), 0,
     "allow access by other users, with the permissions of the source", ON_MOUNT},
    {FLAG("follow-symlinks", follow_symlinks), 0,
     "with --allow-other: also follow links that lead out of SOURCE", ON_MOUNT},
    {NUMBER("uid", uid, "N", 0, ID_MAX), 0, "report all files as owned by user N", ON_MOUNT},
    {NUMBER("gid", gid, "N", 0, ID_MAX), 0, "report all files as owned by group N", ON_MOUNT},
    {OWN("umask", MXFS_SETTING_OCTAL, AT(umask), "OCTAL", NULL, 0, 0777), 0,
     "permission mask, as umask(2); with --allow-other, only root or the owner of the source may "
     "widen its permissions",
     ON_MOUNT},
    {FLAG("auto-unmount", auto_unmount), 0, "unmount even if the process is killed", ON_MOUNT},
    {NUMBER("idle-timeout", idle_timeout, "SECONDS", 1, 31536000), 0,
     "unmount after SECONDS of inactivity (no requests, no open files)", ON_MOUNT},
    {NUMBER("stop-timeout", stop_timeout, "SECONDS", 0, 86400), 0,
     "after SIGTERM, keep serving open files for up to SECONDS (default: 10)", ON_MOUNT},
    {NUMBER("threads", threads, "N", 1, 256), 0,
     "maximum worker threads (default: CPU count, 10-16)", ON_MOUNT},
    {OWN("readahead", MXFS_SETTING_SIZE, AT(readahead), "SIZE", NULL, 4096, (uint64_t)16 << 20), 0,
     "how far the kernel reads ahead (default: 512K for root; at most 128K for others)", ON_MOUNT},
    {FLAG("direct-io", direct_io), 0, "bypass the page cache (shared mappings then fail)",
     ON_MOUNT},
    {FLAG("xattr", xattr), 0,
     "add the attributes user.mxfs.scheme, .shape, .dtype and .sources to tensor files", ON_MOUNT},
    {FLAG("no-sandbox", no_sandbox), 0,
     "do not drop privileges, file access and system calls that serving does not need", ON_MOUNT},
    {FLAG("tree", tree), 0, "show a tree of modules, collapsing identical ones", ON_LIST},
    {FLAG("schemes", schemes), 0, "without SOURCE: show the known formats and their parts",
     ON_LIST},
    {FLAG("hash", hash), 0, "add a hash of each tensor's bytes as shown (XXH3, 128 bits)", ON_LIST},
    {STRING("only-scheme", only_scheme, "GLOB"), 0,
     "list only tensors whose scheme matches, e.g. \"mxfp4*\" (plain: not quantized)", ON_LIST},
    {FLAG("json", json), 0, "print one JSON object", ON_LIST | 1 << MXFS_COMMAND_STATS},
    {NUMBER("jobs", jobs, "N", 1, 1024), 'j',
     "worker threads (default: CPU count); with list, for --hash", ON_LIST | ON_EXPORT | ON_VERIFY},
    {FLAG("force", force), 0,
     "export: overwrite DEST (in a folder, files of the same names); both: write to a terminal",
     ON_CAT | ON_EXPORT},
    {FLAG("unmount", unmount), 'u', "unmount MOUNTPOINT", ON_ANY},
    {FLAG("help", help), 'h', "print this help; after a command, only its options", ON_ANY},
    {FLAG("version", version), 'V', "print the version", ON_ANY},
    {OWN("generate", MXFS_SETTING_CHOICE, AT(generate), "WHAT", "none|man|bash|zsh|fish", 0, 0), 0,
     "print the man page (man) or shell completions (bash, zsh, fish)", ON_ANY},
    /* Options that mount(8) passes to every helper; the mount is always ro,nosuid,nodev. */
    MOUNT_NOISE("ro"),
    MOUNT_NOISE("rw"),
    MOUNT_NOISE("defaults"),
    MOUNT_NOISE("dev"),
    MOUNT_NOISE("nodev"),
    MOUNT_NOISE("suid"),
    MOUNT_NOISE("nosuid"),
    MOUNT_NOISE("exec"),
    MOUNT_NOISE("noexec"),
    MOUNT_NOISE("atime"),
    MOUNT_NOISE("noatime"),
    MOUNT_NOISE("diratime"),
    MOUNT_NOISE("nodiratime"),
    MOUNT_NOISE("relatime"),
    MOUNT_NOISE("norelatime"),
    MOUNT_NOISE("strictatime"),
    MOUNT_NOISE("nostrictatime"),
    MOUNT_NOISE("lazytime"),
    MOUNT_NOISE("nolazytime"),
    MOUNT_NOISE("user"),
    MOUNT_NOISE("users"),
    MOUNT_NOISE("nouser"),
    MOUNT_NOISE("nofail"),
    MOUNT_NOISE("auto"),
    MOUNT_NOISE("noauto"),
    MOUNT_NOISE("_netdev"),
    {NULL, 0, NULL, 0},
};
