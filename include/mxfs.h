/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * libmxfs: read a quantized safetensors file, or a model folder, as if it were dequantized.
 *
 *     struct mxfs_handle *h;
 *     char why[MXFS_ERROR_SIZE];
 *     if (mxfs_open(&h, "model.safetensors", NULL, why, sizeof(why)) != MXFS_OK)
 *         return fprintf(stderr, "%s\n", why), 1;
 *     size_t i = mxfs_find(h, "model.layers.0.mlp.experts.down_proj", 36);
 *     ssize_t n = mxfs_read_tensor(h, i, buffer, sizeof(buffer), 0);
 *     mxfs_close(h);
 *
 * Values, order, names and offsets are those of a mount made by the mxfs program. libfuse is not
 * needed. Thread safety: a handle may be used by any number of threads at once, but for
 * mxfs_close(), which must be the last call. Strings and descriptions are borrowed from the handle.
 */
#ifndef MXFS_H
#define MXFS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MXFS_API __attribute__((visibility("default")))

/** Room for any message of mxfs_open(). */
#define MXFS_ERROR_SIZE 1024

/** What mxfs_open() returns; the numbers are the exit codes of the mxfs program. */
enum mxfs_status {
    MXFS_OK = 0,
    MXFS_USAGE = 2,       /**< an option is wrong */
    MXFS_MALFORMED = 3,   /**< the source is not what its format says */
    MXFS_UNSUPPORTED = 4, /**< it is quantized in a way that cannot be dequantized exactly */
    MXFS_UNREADABLE = 5,  /**< it cannot be opened or read, or is incomplete */
    MXFS_FAILED = 6,      /**< anything else, such as memory */
};

/** An open source. */
struct mxfs_handle;

/** What mxfs_find() returns when there is no such tensor. */
#define MXFS_NO_TENSOR ((size_t)-1)

/** A tensor as shown. */
struct mxfs_description {
    const char *name; /**< UTF-8, `name_len` bytes, not terminated, may hold NUL */
    size_t name_len;
    const char *dtype;     /**< as in a safetensors header, e.g. "BF16" */
    const char *scheme;    /**< how it was quantized, e.g. "mxfp4-gptoss", or "plain" */
    const uint64_t *shape; /**< `rank` dimensions, row-major, outermost first */
    size_t rank;
    uint64_t size;   /**< bytes */
    size_t file;     /**< index of its virtual file */
    uint64_t offset; /**< of its first byte in that file */
};

/**
 * Opens a .safetensors file, a model folder or a Hugging Face cache folder. `options` is a list as
 * after the program's -o ("dtype=f32,cache-size=256M,only=*.layers.0.*"; options of mounting have
 * no effect), or NULL. Returns MXFS_OK, or another enum mxfs_status with one line in `why`
 * (`why_size` bytes; may be NULL, 0), and *out is NULL.
 */
MXFS_API int mxfs_open(struct mxfs_handle **out, const char *path, const char *options, char *why,
                       size_t why_size);

/** Closes and frees; accepts NULL. */
MXFS_API void mxfs_close(struct mxfs_handle *handle);

/** Number of tensors. They are numbered by file, and in a file by name. */
MXFS_API size_t mxfs_tensor_count(const struct mxfs_handle *handle);

/** Describes tensor `index` (below mxfs_tensor_count()). */
MXFS_API struct mxfs_description mxfs_describe(const struct mxfs_handle *handle, size_t index);

/** The index of a tensor by name, the first of that name, or MXFS_NO_TENSOR. */
MXFS_API size_t mxfs_find(const struct mxfs_handle *handle, const char *name, size_t name_len);

/**
 * Reads up to `len` bytes of a tensor from `offset` on. Returns their number (fewer than `len` only
 * at the end of the tensor, 0 behind it), or -errno: -EIO when the source fails or has changed.
 */
MXFS_API ssize_t mxfs_read_tensor(const struct mxfs_handle *handle, size_t index, void *buf,
                                  size_t len, uint64_t offset);

/** Number of virtual safetensors files. */
MXFS_API size_t mxfs_file_count(const struct mxfs_handle *handle);

/** The path of virtual file `file`, relative to the source's folder. */
MXFS_API const char *mxfs_file_name(const struct mxfs_handle *handle, size_t file);

/** Its size in bytes. */
MXFS_API uint64_t mxfs_file_size(const struct mxfs_handle *handle, size_t file);

/** Reads a virtual file as mxfs_read_tensor() reads a tensor. */
MXFS_API ssize_t mxfs_read_file(const struct mxfs_handle *handle, size_t file, void *buf,
                                size_t len, uint64_t offset);

/** The version of the library, e.g. "0.1.0". */
MXFS_API const char *mxfs_version(void);

#ifdef __cplusplus
}
#endif

#endif
