/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The one table of options.
 */
#include "table.h"

#define AT(field) offsetof(struct mxfs_options, field)
#define MOUNT_NOISE(word)                                                   \
    {                                                                       \
        word, 0, OPTION_FLAG, AT(ignored), NULL, NULL, NULL, 0, 0, ON_MOUNT \
    }

/* The largest user or group: the next number means "as it is" to chown(2). */
#define ID_MAX ((uint64_t)UINT32_MAX - 1)

/* For which commands an option means something. */
enum {
    ON_MOUNT = 1 << MXFS_COMMAND_MOUNT,
    ON_LIST = 1 << MXFS_COMMAND_LIST,
    ON_CAT = 1 << MXFS_COMMAND_CAT,
    ON_EXPORT = 1 << MXFS_COMMAND_EXPORT,
    ON_VERIFY = 1 << MXFS_COMMAND_VERIFY,
    ON_SOURCES = ON_MOUNT | ON_LIST | ON_CAT | ON_EXPORT | ON_VERIFY, /* all that open a SOURCE */
    ON_ANY = (1 << MXFS_COMMAND_END) - 1,
};

const struct command_row mxfs_command_table[MXFS_COMMAND_HELP] = {
    [MXFS_COMMAND_MOUNT] = {"", 2, "mxfs [OPTIONS] SOURCE MOUNTPOINT",
                            "show SOURCE dequantized at MOUNTPOINT"},
    [MXFS_COMMAND_LIST] = {"list", 1, "mxfs list SOURCE", "say what would be shown"},
    [MXFS_COMMAND_CAT] = {"cat", 2, "mxfs cat SOURCE TENSOR", "write a tensor's bytes to stdout"},
    [MXFS_COMMAND_EXPORT] = {"export", 2, "mxfs export SOURCE DEST",
                             "write what would be shown (-: stdout)"},
    [MXFS_COMMAND_VERIFY] = {"verify", 2, "mxfs verify SOURCE REFERENCE",
                             "compare with REFERENCE, bit for bit"},
    [MXFS_COMMAND_STATS] = {"stats", 1, "mxfs stats MOUNTPOINT", "what a running mount has done"},
    [MXFS_COMMAND_UNMOUNT] = {"-u", 1, "mxfs -u MOUNTPOINT", "unmount"},
};

const struct option_row mxfs_option_table[] = {
    {"dtype", 0, OPTION_CHOICE, AT(dtype), "TYPE", "auto|bf16|f16|f32",
     "type of the dequantized tensors: auto, bf16, f16 or f32 (auto: what config.json says if that "
     "is bfloat16 or float32, else bf16)",
     0, 0, ON_SOURCES},
    {"views", 0, OPTION_STRING, AT(views), "LIST", NULL,
     "extra forms to show: none (the default for a folder), tensors, npy or tensors,npy (the "
     "default for a file)",
     0, 0, ON_MOUNT},
    {"unsupported", 0, OPTION_CHOICE, AT(unsupported), "HOW", "refuse|raw",
     "what to do with tensors that cannot be dequantized exactly: refuse (exit 4, the default) or "
     "show them raw, as stored",
     0, 0, ON_SOURCES},
    {"only", 0, OPTION_STRING, AT(only), "GLOB", NULL,
     "show only the tensors whose names match, e.g. \"*.layers.0.*\"", 0, 0, ON_SOURCES},
    {"scheme", 0, OPTION_STRING, AT(scheme), "NAMES", NULL,
     "decode by this scheme alone (or these: fp8,nvfp4), for a quant_method that is not known "
     "(names: as in mxfs list)",
     0, 0, ON_SOURCES},
    {"partial", 0, OPTION_FLAG, AT(partial), NULL, NULL,
     "show what is there of a model of which shards are missing", 0, 0, ON_SOURCES},
    {"follow-symlinks", 0, OPTION_FLAG, AT(follow_symlinks), NULL, NULL,
     "with --allow-other: follow links out of SOURCE too", 0, 0, ON_MOUNT},
    {"cache-size", 0, OPTION_SIZE, AT(cache_size), "SIZE", NULL,
     "memory for what will be read again, e.g. 64M (the default) or 1G", MXFS_CACHE_SIZE_MIN,
     (uint64_t)1 << 46, ON_SOURCES},
    {"kernel", 0, OPTION_STRING, AT(kernel), "NAME", NULL,
     "decoding kernel instead of the best for this processor: scalar, avx2, ...", 0, 0, ON_SOURCES},
    {"threads", 0, OPTION_NUMBER, AT(threads), "N", NULL,
     "most threads that answer requests (default: 10 to 16, by processors)", 1, 256, ON_MOUNT},
    {"allow-other", 0, OPTION_FLAG, AT(allow_other), NULL, NULL,
     "let other users in, with the permissions of the source", 0, 0, ON_MOUNT},
    {"uid", 0, OPTION_NUMBER, AT(uid), "N", NULL, "show everything as this user's", 0, ID_MAX,
     ON_MOUNT},
    {"gid", 0, OPTION_NUMBER, AT(gid), "N", NULL, "show everything as this group's", 0, ID_MAX,
     ON_MOUNT},
    {"umask", 0, OPTION_OCTAL, AT(umask), "OCTAL", NULL,
     "show permissions 0444 without these bits; with --allow-other, wider ones than the source's "
     "only for root and its owner",
     0, 0777, ON_MOUNT},
    {"auto-unmount", 0, OPTION_FLAG, AT(auto_unmount), NULL, NULL,
     "unmount when the process dies, however it dies", 0, 0, ON_MOUNT},
    {"no-sandbox", 0, OPTION_FLAG, AT(no_sandbox), NULL, NULL,
     "keep the privileges, files and system calls that serving does not need", 0, 0, ON_MOUNT},
    {"direct-io", 0, OPTION_FLAG, AT(direct_io), NULL, NULL,
     "bypass the page cache (shared mappings then fail)", 0, 0, ON_MOUNT},
    {"readahead", 0, OPTION_SIZE, AT(readahead), "SIZE", NULL,
     "how far the kernel reads ahead (default: 512K for root; others get no more than 128K)", 4096,
     (uint64_t)16 << 20, ON_MOUNT},
    {"xattr", 0, OPTION_FLAG, AT(xattr), NULL, NULL,
     "give tensor files the attributes user.mxfs.scheme, .shape, .dtype and .sources", 0, 0,
     ON_MOUNT},
    {"json", 0, OPTION_FLAG, AT(json), NULL, NULL, "list, stats: print one JSON object", 0, 0,
     ON_LIST | 1 << MXFS_COMMAND_STATS},
    {"tree", 0, OPTION_FLAG, AT(tree), NULL, NULL, "list: show a tree of modules, alike ones once",
     0, 0, ON_LIST},
    {"schemes", 0, OPTION_FLAG, AT(schemes), NULL, NULL,
     "list: without SOURCE, show the formats that are known and what they are made of", 0, 0,
     ON_LIST},
    {"hash", 0, OPTION_FLAG, AT(hash), NULL, NULL,
     "list: add a hash of each tensor's bytes as shown (XXH3, 128 bits)", 0, 0, ON_LIST},
    {"only-scheme", 0, OPTION_STRING, AT(only_scheme), "GLOB", NULL,
     "list: only tensors of the schemes that match, e.g. \"mxfp4*\" (plain: not quantized)", 0, 0,
     ON_LIST},
    {"force", 0, OPTION_FLAG, AT(force), NULL, NULL,
     "export: overwrite DEST (of a folder: its files of the same names); export, cat: write to a "
     "terminal",
     0, 0, ON_EXPORT | ON_CAT},
    {"jobs", 'j', OPTION_NUMBER, AT(jobs), "N", NULL,
     "export, verify, list --hash: threads (default: all processors)", 1, 1024,
     ON_LIST | ON_EXPORT | ON_VERIFY},
    {"unmount", 'u', OPTION_FLAG, AT(unmount), NULL, NULL, "take away the mount at MOUNTPOINT", 0,
     0, 1 << MXFS_COMMAND_UNMOUNT},
    {"stop-timeout", 0, OPTION_NUMBER, AT(stop_timeout), "SECONDS", NULL,
     "how long open readers may go on after SIGTERM (default: 10)", 0, 86400, ON_MOUNT},
    {"idle-timeout", 0, OPTION_NUMBER, AT(idle_timeout), "SECONDS", NULL,
     "unmount after that long without any request and without open files", 1, 31536000, ON_MOUNT},
    {"verbose", 'v', OPTION_FLAG, AT(verbose), NULL, NULL, "say more", 0, 0, ON_SOURCES},
    {"quiet", 'q', OPTION_FLAG, AT(quiet), NULL, NULL, "say only what went wrong", 0, 0,
     ON_SOURCES},
    {"foreground", 'f', OPTION_FLAG, AT(foreground), NULL, NULL, "do not go to the background", 0,
     0, ON_MOUNT},
    {"debug", 'd', OPTION_FLAG, AT(debug), NULL, NULL, "print every request; implies --foreground",
     0, 0, ON_SOURCES},
    {"generate", 0, OPTION_CHOICE, AT(generate), "WHAT", "none|man|bash|zsh|fish",
     "print the man page (man) or the completions of a shell (bash, zsh, fish)", 0, 0, ON_ANY},
    {"help", 'h', OPTION_FLAG, AT(help), NULL, NULL, "print this text", 0, 0, ON_ANY},
    {"version", 'V', OPTION_FLAG, AT(version), NULL, NULL, "print the version", 0, 0, ON_ANY},
    /* What mount(8) and fstab hand to every helper; the mount is always ro,nosuid,nodev. */
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
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0, 0},
};
