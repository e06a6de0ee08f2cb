# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
#
#   make            build/mxfs and build/libmxfs.a
#   make demo       install what is missing, build, mount a small model and read it
#   make check      lint, Check, pytest with the real readers (make check-core: without torch)
#   make unit lint  only these parts
#   make check-arm64  build for arm64, run the unit tests and an export under QEMU
#   make coverage   line coverage of the tests, by gcov; fails below COVERAGE_MIN (95) percent
#   make fsx        FSX_OPERATIONS (10000000) random reads through every system call, of every format
#   make soak       SOAK_SECONDS (3600) of mixed load: memory, descriptors and threads stay flat
#   make bench      ratios to a null filesystem, as a table (QUICK=1: fewer rounds)
#   make bench-scaling  speed by number of threads, readers and tensors, and by cache size
#   make install    install to $(DESTDIR)$(PREFIX)
#
# CC, CFLAGS, LDFLAGS, UNWINDER, BUILD, PREFIX and DESTDIR can be set; V=1 shows the commands. Changing flags
# rebuilds the targets that depend on them. To keep builds with different flags, give each a folder:
#   make BUILD=build-asan CFLAGS='-O1 -g -fsanitize=address,undefined'

BUILD ?= build
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
LDFLAGS ?= -Wl,-z,relro,-z,now
PKG_CONFIG ?= pkg-config
INSTALL ?= install

# Flags that the code depends on, so setting CFLAGS does not replace them. -ffp-contract=off: rounding is part of
# the contract.
REQUIRED := -std=c17 -D_GNU_SOURCE -Iinclude -ffp-contract=off -fPIC -fvisibility=hidden -pthread
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wcast-qual -Wconversion -Wsign-conversion -Wwrite-strings -Wformat=2 -Werror

# The library is everything below the FUSE adapter; the program adds the adapter, the command line and the
# commands. All sources are listed, so that a stray file is neither compiled nor shipped; the lint reports
# files that are in no list.
LIBRARY_SOURCES := \
	src/cache.c \
	src/choices.c \
	src/cpu.c \
	src/dtype.c \
	src/error.c \
	src/grouping.c \
	src/jsonedit/config.c \
	src/jsonedit/editor.c \
	src/jsonedit/index.c \
	src/json.c \
	src/kernel/avx2.c \
	src/kernel/avx2_affine.c \
	src/kernel/avx2_fp8.c \
	src/kernel/avx2_move.c \
	src/kernel/avx2_nvfp4.c \
	src/kernel/avx2_unpack.c \
	src/kernel/avx512.c \
	src/kernel/avx512_affine.c \
	src/kernel/avx512_bf16.c \
	src/kernel/avx512_code8.c \
	src/kernel/avx512_fp8.c \
	src/kernel/avx512_nvfp4.c \
	src/kernel/avx512_pick.c \
	src/kernel/avx512_unpack.c \
	src/kernel/kernel.c \
	src/kernel/neon.c \
	src/kernel/neon_affine.c \
	src/kernel/neon_fp8.c \
	src/kernel/neon_move.c \
	src/kernel/neon_nvfp4.c \
	src/kernel/neon_unpack.c \
	src/kernel/scalar.c \
	src/kernel/scalar_affine.c \
	src/kernel/scalar_scaled.c \
	src/kernel/scalar_unpack.c \
	src/kernel/tables.c \
	src/limits.c \
	src/log.c \
	src/model/config.c \
	src/model/copies.c \
	src/model/index.c \
	src/model/json.c \
	src/model/model.c \
	src/mxfs.c \
	src/names.c \
	src/notify.c \
	src/path.c \
	src/plan.c \
	src/pool.c \
	src/reach.c \
	src/repo/edit.c \
	src/repo/listing.c \
	src/repo/models.c \
	src/repo/repo.c \
	src/rights.c \
	src/safetensors/entry.c \
	src/safetensors/nameset.c \
	src/safetensors/parser.c \
	src/safetensors/safetensors.c \
	src/safetensors/write.c \
	src/scheme/bitsandbytes.c \
	src/scheme/blocks.c \
	src/scheme/fp8.c \
	src/scheme/fp8_spread.c \
	src/scheme/gptoss.c \
	src/scheme/gptq.c \
	src/scheme/index.c \
	src/scheme/int4_pairs.c \
	src/scheme/int8.c \
	src/scheme/int_packed.c \
	src/scheme/integers.c \
	src/scheme/integers_stream.c \
	src/scheme/match.c \
	src/scheme/mlx.c \
	src/scheme/mxfp4_rows.c \
	src/scheme/mxfp6.c \
	src/scheme/nvfp4.c \
	src/scheme/refused.c \
	src/scheme/scales.c \
	src/scheme/scheme.c \
	src/settings.c \
	src/source.c \
	src/stats.c \
	src/tensors.c \
	src/text.c \
	src/tree/build.c \
	src/tree/nodes.c \
	src/tree/tree.c \
	src/tree/view.c \
	src/tree/xattr.c \
	src/value.c \
	src/vfile/ahead.c \
	src/vfile/decode.c \
	src/vfile/env.c \
	src/vfile/npy.c \
	src/vfile/pass.c \
	src/vfile/unit.c \
	src/vfile/vfile.c \
	src/view.c
PROGRAM_SOURCES := \
	src/cmd/cat.c \
	src/cmd/cmd.c \
	src/cmd/dest.c \
	src/cmd/export.c \
	src/cmd/fit.c \
	src/cmd/list.c \
	src/cmd/list_hash.c \
	src/cmd/list_row.c \
	src/cmd/list_schemes.c \
	src/cmd/list_table.c \
	src/cmd/list_tree.c \
	src/cmd/mount.c \
	src/cmd/open.c \
	src/cmd/output.c \
	src/cmd/pieces.c \
	src/cmd/place.c \
	src/cmd/point.c \
	src/cmd/progress.c \
	src/cmd/sides.c \
	src/cmd/stage.c \
	src/cmd/stats.c \
	src/cmd/unmount.c \
	src/cmd/unnamed.c \
	src/cmd/verify.c \
	src/fs/buffers.c \
	src/fs/filter.c \
	src/fs/fs.c \
	src/fs/mountpoint.c \
	src/fs/ops.c \
	src/fs/place.c \
	src/fs/readahead.c \
	src/fs/room.c \
	src/fs/sandbox.c \
	src/fs/stats.c \
	src/fs/stream.c \
	src/fs/table.c \
	src/fs/unmounter.c \
	src/main.c \
	src/options/generate.c \
	src/options/help.c \
	src/options/options.c \
	src/options/table.c
UNIT_SOURCES := $(sort $(wildcard tests/unit/check_*.c))
UNIT_SUPPORT := $(sort $(wildcard tests/unit/support/*.c))
# Inputs and answers of the kernel operations, shared by the test and the benchmark.
KERNEL_CASES := $(sort $(wildcard tests/unit/kernel/*.c))
BENCH_SOURCES := $(sort $(wildcard tests/bench/*.c))
BENCH_SUPPORT := $(sort $(wildcard tests/bench/support/*.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
PROGRAM_OBJECTS := $(call objects,$(PROGRAM_SOURCES))
LIBRARY_OBJECTS := $(call objects,$(LIBRARY_SOURCES))
UNIT_OBJECTS := $(call objects,$(UNIT_SOURCES) $(UNIT_SUPPORT) $(KERNEL_CASES))
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SOURCES))
BENCH_OBJECTS := $(call objects,$(BENCH_SOURCES) $(BENCH_SUPPORT))
REPLAY_OBJECTS := $(call objects,$(FUZZ_SOURCES) tests/fuzz/program.c tests/fuzz/replay.c)
REPLAY_PROGRAMS := $(patsubst tests/fuzz/%.c,$(BUILD)/replay/%,$(FUZZ_SOURCES))
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SOURCES))

# Runs pkg-config once, and only when something is compiled, because `make demo` may have to install it first.
ask = $(if $(shell $(PKG_CONFIG) --exists $(3) && echo yes),,$(error not found by $(PKG_CONFIG): $(3). As root: \
	apt-get install pkg-config libfuse3-dev libseccomp-dev libjansson-dev libxxhash-dev check))$(eval \
	$(1) := $$(shell $(PKG_CONFIG) $(2) $(3)))$($(1))
LIBRARY_CFLAGS = $(call ask,LIBRARY_CFLAGS,--cflags,jansson libxxhash)
LIBRARY_LIBS = $(call ask,LIBRARY_LIBS,--libs,jansson libxxhash)
FUSE_CFLAGS = $(call ask,FUSE_CFLAGS,--cflags,fuse3 libseccomp)
FUSE_LIBS = $(call ask,FUSE_LIBS,--libs,fuse3 libseccomp)
CHECK_CFLAGS = $(call ask,CHECK_CFLAGS,--cflags,check)
CHECK_LIBS = $(call ask,CHECK_LIBS,--libs,check)

.PHONY: all unit lint bench bench-scaling fuzz fuzz-replay fsx soak check-asan check-tsan check-valgrind analyze check-arm64 coverage demo check check-core install uninstall clean distclean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/mxfs $(BUILD)/libmxfs.a $(BUILD)/libmxfs.so

# make V=1 shows the commands.
Q := $(if $(V),,@)
told = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

# glibc loads this library when libfuse ends its first thread, by pthread_cancel(), and in the sandbox nothing
# can be loaded: so it is linked. Set to nothing for a C library that does without (musl).
UNWINDER ?= -Wl,--push-state,--no-as-needed -lgcc_s -Wl,--pop-state

COMPILE = $(CC) $(REQUIRED) $(WARNINGS) $(CFLAGS)
LINK = $(CC) -pthread -pie $(CFLAGS) $(LDFLAGS)

$(BUILD)/mxfs: $(PROGRAM_OBJECTS) $(BUILD)/libmxfs.a $(BUILD)/link.flags
	$(call told,LINK,$@)
	$(Q)$(LINK) -o $@ $(PROGRAM_OBJECTS) $(BUILD)/libmxfs.a $(FUSE_LIBS) $(LIBRARY_LIBS) $(UNWINDER)

# Rebuilt from scratch, so that the object of a removed source does not stay in the archive.
$(BUILD)/libmxfs.a: $(LIBRARY_OBJECTS) $(BUILD)/members
	$(call told,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(LIBRARY_OBJECTS)

# The number after .so changes when programs must be relinked.
SONAME := libmxfs.so.0
$(BUILD)/$(SONAME): $(LIBRARY_OBJECTS) $(BUILD)/members $(BUILD)/link.flags
	$(call told,LINK,$@)
	$(Q)$(CC) -shared -pthread -Wl,-soname,$(SONAME) $(CFLAGS) $(LDFLAGS) -o $@ $(LIBRARY_OBJECTS) $(LIBRARY_LIBS)
$(BUILD)/libmxfs.so: $(BUILD)/$(SONAME)
	$(Q)ln -sf $(SONAME) $@

$(BUILD)/tests/check_%: $(BUILD)/obj/tests/unit/check_%.o $(call objects,$(UNIT_SUPPORT)) \
		$(BUILD)/libmxfs.a $(BUILD)/link.flags
	@mkdir -p $(@D)
	$(call told,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(CHECK_LIBS) $(LIBRARY_LIBS)
$(BUILD)/tests/check_kernel: $(call objects,$(KERNEL_CASES))

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(call objects,$(BENCH_SUPPORT)) $(BUILD)/libmxfs.a $(BUILD)/link.flags
	@mkdir -p $(@D)
	$(call told,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(FUSE_LIBS) $(LIBS) $(LIBRARY_LIBS)
$(BUILD)/bench/kernel_bench: $(call objects,$(KERNEL_CASES) $(UNIT_SUPPORT))
$(BUILD)/bench/kernel_bench: LIBS = $(CHECK_LIBS)

$(BUILD)/replay/%: $(BUILD)/obj/tests/fuzz/%.o $(call objects,tests/fuzz/replay.c) \
		$(BUILD)/libmxfs.a $(BUILD)/link.flags
	@mkdir -p $(@D)
	$(call told,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS) $(LIBRARY_LIBS)
# Whole folders go through the commands.
FOLDER_OBJECTS := $(call objects,tests/fuzz/program.c $(filter-out src/main.c,$(PROGRAM_SOURCES)))
$(BUILD)/replay/fuzz_folder: $(FOLDER_OBJECTS)
$(BUILD)/replay/fuzz_folder: LIBS = $(FUSE_LIBS)
$(BUILD)/folder.a: $(FOLDER_OBJECTS)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# The command line belongs to the program, not the library, so its tests link it themselves.
$(BUILD)/tests/check_options $(BUILD)/replay/fuzz_options: $(call objects,$(filter src/options/%,$(PROGRAM_SOURCES)))

# Only the adapter, the commands and the benchmarks (for the null filesystem) can include FUSE; only the tests
# can include Check and the private headers of src/.
$(PROGRAM_OBJECTS): EXTRA = $(FUSE_CFLAGS) $(LIBRARY_CFLAGS)
$(BENCH_OBJECTS): EXTRA = $(FUSE_CFLAGS)
$(call objects,tests/bench/kernel_bench.c): EXTRA = -Itests/unit $(CHECK_CFLAGS)
$(LIBRARY_OBJECTS): EXTRA = $(LIBRARY_CFLAGS)
$(REPLAY_OBJECTS): EXTRA = -Isrc $(LIBRARY_CFLAGS)
$(UNIT_OBJECTS): EXTRA = -Itests/unit -Isrc $(CHECK_CFLAGS) $(LIBRARY_CFLAGS)

$(BUILD)/obj/%.o: %.c $(BUILD)/compile.flags
	@mkdir -p $(@D)
	$(call told,CC,$<)
	$(Q)$(COMPILE) $(EXTRA) -MMD -MP -c -o $@ $<

# These files hold flags and lists that targets depend on; they are written only when those change.
record = @mkdir -p $(BUILD); echo '$(subst ','\'',$(1))' | cmp -s - $@ || echo '$(subst ','\'',$(1))' >$@
$(BUILD)/compile.flags: FORCE
	$(call record,$(COMPILE))
$(BUILD)/link.flags: FORCE
	$(call record,$(LINK) $(PROGRAM_OBJECTS))
$(BUILD)/members: FORCE
	$(call record,$(LIBRARY_OBJECTS))

# A command prefix that runs unit tests built for another architecture, such as qemu-aarch64.
EMULATOR ?=
unit: $(UNIT_PROGRAMS)
	@EMULATOR='$(EMULATOR)' tests/support/run-unit $(UNIT_PROGRAMS)

bench: all $(BENCH_PROGRAMS)
	@BUILD=$(BUILD) python3 tests/bench/run.py $(ROWS)
bench-scaling: all $(BENCH_PROGRAMS)
	@BUILD=$(BUILD) python3 tests/bench/scaling.py $(ROWS)

# Runs each target for FUZZ_SECONDS with address and undefined-behaviour sanitizers (libFuzzer, clang).
FUZZ_SECONDS ?= 60
FUZZ_BUILD := $(BUILD)/fuzz
FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
fuzz:
	@tests/support/run-fuzz '$(MAKE)' '$(FUZZ_BUILD)' '$(FUZZ_FLAGS)' $(FUZZ_SECONDS) $(FUZZ_SOURCES)

# Runs the targets on their seeds, and on inputs that once found a defect; does not need clang. To look for
# races, which libFuzzer's own counters would drown, on what `make fuzz` found:
#   make fuzz-replay BUILD=build/tsan CFLAGS='-O1 -g -fsanitize=thread' FUZZ_CORPUS=build/fuzz/corpus
fuzz-replay: $(REPLAY_PROGRAMS)
	@FUZZ_CORPUS='$(FUZZ_CORPUS)' tests/support/run-replay $(REPLAY_PROGRAMS)

# `make check` creates the Python environment of the tests.
PYTEST = MXFS_BIN=$(BUILD)/mxfs build/venv/bin/python -m pytest -q

# Unit tests and end-to-end tests under sanitizers.
check-asan:
	@tests/support/check-sanitized '$(MAKE)' $(BUILD)/asan address,undefined
check-tsan:
	@tests/support/check-sanitized '$(MAKE)' $(BUILD)/tsan thread

# Builds everything for arm64 and runs the unit tests under QEMU.
check-arm64:
	@BUILD=$(BUILD) MAKE='$(MAKE)' tests/support/check-arm64

# The unit tests under valgrind.
check-valgrind: $(UNIT_PROGRAMS)
	@tests/support/check-valgrind $(UNIT_PROGRAMS)

# gcc -fanalyzer and cppcheck.
analyze:
	@tests/support/analyze '$(MAKE)' $(BUILD)/analyze

COVERAGE_MIN ?= 95
coverage:
	@tests/support/coverage '$(MAKE)' $(BUILD)/coverage $(COVERAGE_MIN)

# Runs a mixed load for SOAK_SECONDS on at most SOAK_PACE cores (0: no limit).
SOAK_SECONDS ?= 3600
SOAK_PACE ?= 0
soak: all
	@SOAK_SECONDS=$(SOAK_SECONDS) SOAK_PACE=$(SOAK_PACE) $(PYTEST) -s tests/e2e/test_soak.py

# Random reads of every format through every system call. Prints the seed; FSX_SEED sets it.
FSX_OPERATIONS ?= 10000000
fsx: all
	@FSX_OPERATIONS=$(FSX_OPERATIONS) $(PYTEST) -s tests/e2e/test_fsx.py

# With LINT_SKIPS=no, a missing tool is a failure instead of a note.
LINT_SKIPS ?= yes
lint: all
	@BUILD=$(BUILD) LINT_SKIPS=$(LINT_SKIPS) tests/lint/run

demo:
	@BUILD=$(BUILD) MAKE='$(MAKE)' tests/support/demo
check:
	@BUILD=$(BUILD) MAKE='$(MAKE)' tests/support/check full
check-core:
	@BUILD=$(BUILD) MAKE='$(MAKE)' tests/support/check core

BINDIR := $(PREFIX)/bin
LIBDIR := $(PREFIX)/lib
INCLUDEDIR := $(PREFIX)/include
MANDIR := $(PREFIX)/share/man
SHAREDIR := $(PREFIX)/share
UNITDIR := $(PREFIX)/lib/systemd/system
VERSION = $(shell sed -n 's/.*MXFS_VERSION "\(.*\)"/\1/p' include/mxfs/version.h)

# All installed files, for install and uninstall.
INSTALLED = $(BINDIR)/mxfs $(LIBDIR)/libmxfs.a $(LIBDIR)/$(SONAME) $(LIBDIR)/libmxfs.so \
	$(LIBDIR)/pkgconfig/mxfs.pc $(INCLUDEDIR)/mxfs.h $(MANDIR)/man1/mxfs.1 $(UNITDIR)/mxfs@.service \
	$(SHAREDIR)/bash-completion/completions/mxfs $(SHAREDIR)/zsh/site-functions/_mxfs \
	$(SHAREDIR)/fish/vendor_completions.d/mxfs.fish

$(BUILD)/mxfs.pc: include/mxfs/version.h $(BUILD)/install.flags
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' \
		'Name: mxfs' 'Description: Read quantized safetensors models dequantized' 'Version: $(VERSION)' \
		'Requires.private: jansson libxxhash' 'Libs: -L$${libdir} -lmxfs' 'Libs.private: -lm -pthread' \
		'Cflags: -I$${includedir}' >$@
$(BUILD)/mxfs@.service: systemd/mxfs@.service $(BUILD)/install.flags
	$(Q)sed 's|@BINDIR@|$(BINDIR)|' $< >$@
$(BUILD)/install.flags: FORCE
	$(call record,$(PREFIX))

install: all $(BUILD)/mxfs.pc $(BUILD)/mxfs@.service
	$(Q)for f in $(INSTALLED); do $(INSTALL) -d "$(DESTDIR)$$(dirname "$$f")"; done
	$(INSTALL) -m 755 $(BUILD)/mxfs $(DESTDIR)$(BINDIR)/mxfs
	$(INSTALL) -m 644 $(BUILD)/libmxfs.a $(DESTDIR)$(LIBDIR)/libmxfs.a
	$(INSTALL) -m 755 $(BUILD)/$(SONAME) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libmxfs.so
	$(INSTALL) -m 644 $(BUILD)/mxfs.pc $(DESTDIR)$(LIBDIR)/pkgconfig/mxfs.pc
	$(INSTALL) -m 644 include/mxfs.h $(DESTDIR)$(INCLUDEDIR)/mxfs.h
	$(BUILD)/mxfs --generate=man >$(DESTDIR)$(MANDIR)/man1/mxfs.1
	$(BUILD)/mxfs --generate=bash >$(DESTDIR)$(SHAREDIR)/bash-completion/completions/mxfs
	$(BUILD)/mxfs --generate=zsh >$(DESTDIR)$(SHAREDIR)/zsh/site-functions/_mxfs
	$(BUILD)/mxfs --generate=fish >$(DESTDIR)$(SHAREDIR)/fish/vendor_completions.d/mxfs.fish
	$(INSTALL) -m 644 $(BUILD)/mxfs@.service $(DESTDIR)$(UNITDIR)/mxfs@.service

uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))

# Creating the tests' Python environment takes long, so only distclean removes it.
clean:
	if [ -d $(BUILD) ]; then find $(BUILD) -mindepth 1 -maxdepth 1 ! -name venv -exec rm -rf {} +; fi
distclean:
	rm -rf $(BUILD)

-include $(patsubst %.o,%.d,$(PROGRAM_OBJECTS) $(LIBRARY_OBJECTS) $(UNIT_OBJECTS) $(BENCH_OBJECTS) \
	$(REPLAY_OBJECTS))
