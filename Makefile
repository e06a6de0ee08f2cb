# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
#
#   make            build/mxfs and build/libmxfs.a
#   make demo       install what is missing, build, mount a small model and read it
#   make check      lint, Check, pytest with the real readers (make check-core: without torch)
#   make unit lint  one of them alone
#   make check-arm64  built for arm64, unit tests and an export under QEMU
#   make coverage   lines that the tests run, by gcov; fails below COVERAGE_MIN (95) percent
#   make fsx        FSX_OPERATIONS (10000000) random reads by every way, of every format
#   make soak       SOAK_SECONDS (3600) of mixed load: memory, descriptors and threads stay flat
#   make bench      ratios to a null filesystem, as a table (QUICK=1: fewer rounds)
#   make bench-scaling  what more threads, readers, cache and tensors do to speed
#   make install    to $(DESTDIR)$(PREFIX)
#
# CC, CFLAGS, LDFLAGS, BUILD, PREFIX and DESTDIR may be set; V=1 shows the commands. Other flags
# rebuild what they concern. Two sets of flags side by side want two folders:
#   make BUILD=build-asan CFLAGS='-O1 -g -fsanitize=address,undefined'

BUILD ?= build
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
LDFLAGS ?= -Wl,-z,relro,-z,now
PKG_CONFIG ?= pkg-config
INSTALL ?= install

# What the code relies on, whatever CFLAGS says: rounding is part of the contract (fp-contract).
REQUIRED := -std=c17 -D_GNU_SOURCE -Iinclude -ffp-contract=off -fPIC -fvisibility=hidden -pthread
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror

# The library is everything below the FUSE adapter; the program adds the adapter and the commands.
SOURCES := $(sort $(shell find src -name '*.c'))
PROGRAM_SOURCES := $(filter src/fs/% src/main.c src/cmd/%,$(SOURCES))
LIBRARY_SOURCES := $(filter-out $(PROGRAM_SOURCES),$(SOURCES))
UNIT_SOURCES := $(sort $(wildcard tests/unit/check_*.c))
UNIT_SUPPORT := $(sort $(wildcard tests/unit/support/*.c))
# The operations of kernels, which are tested and timed with the same inputs.
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
REPLAY_OBJECTS := $(call objects,$(FUZZ_SOURCES) tests/fuzz/replay.c)
REPLAY_PROGRAMS := $(patsubst tests/fuzz/%.c,$(BUILD)/replay/%,$(FUZZ_SOURCES))
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SOURCES))

# Asked of pkg-config once, and only when something is compiled: `make demo` starts without it.
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

COMPILE = $(CC) $(REQUIRED) $(WARNINGS) $(CFLAGS)
LINK = $(CC) -pthread -pie $(CFLAGS) $(LDFLAGS)

$(BUILD)/mxfs: $(PROGRAM_OBJECTS) $(BUILD)/libmxfs.a $(BUILD)/link.flags
	$(call told,LINK,$@)
	$(Q)$(LINK) -o $@ $(PROGRAM_OBJECTS) $(BUILD)/libmxfs.a $(FUSE_LIBS) $(LIBRARY_LIBS)

# Written anew, not updated: an object whose source is gone must leave the archive.
$(BUILD)/libmxfs.a: $(LIBRARY_OBJECTS) $(BUILD)/members
	$(call told,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(LIBRARY_OBJECTS)

# The number after .so changes when programs that were linked with the library must be linked anew.
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
	$(Q)$(LINK) -o $@ $(filter %.o %.a,$^) $(LIBRARY_LIBS)

# Only the adapter, the commands and the benches (a null filesystem to compare with) see FUSE; only
# the tests see Check and the private headers of src/.
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

# Each holds what its users depend on beside files, and is touched only when that changes.
record = @mkdir -p $(BUILD); echo '$(subst ','\'',$(1))' | cmp -s - $@ || echo '$(subst ','\'',$(1))' >$@
$(BUILD)/compile.flags: FORCE
	$(call record,$(COMPILE))
$(BUILD)/link.flags: FORCE
	$(call record,$(LINK) $(PROGRAM_OBJECTS))
$(BUILD)/members: FORCE
	$(call record,$(LIBRARY_OBJECTS))

# What the unit tests are run by, where they are for another processor.
EMULATOR ?=
unit: $(UNIT_PROGRAMS)
	@EMULATOR='$(EMULATOR)' tests/support/run-unit $(UNIT_PROGRAMS)

bench: all $(BENCH_PROGRAMS)
	@BUILD=$(BUILD) python3 tests/bench/run.py $(ROWS)
bench-scaling: all $(BENCH_PROGRAMS)
	@BUILD=$(BUILD) python3 tests/bench/scaling.py $(ROWS)

# Each target runs FUZZ_SECONDS with address and undefined-behaviour sanitizers (clang's libFuzzer).
FUZZ_SECONDS ?= 60
FUZZ_BUILD := $(BUILD)/fuzz
FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
fuzz:
	@tests/support/run-fuzz '$(MAKE)' '$(FUZZ_BUILD)' '$(FUZZ_FLAGS)' $(FUZZ_SECONDS) $(FUZZ_SOURCES)

# The seeds, and inputs that once found something, without clang.
fuzz-replay: $(REPLAY_PROGRAMS)
	@tests/support/run-replay $(REPLAY_PROGRAMS)

# The tests' Python environment is made by make check.
PYTEST = MXFS_BIN=$(BUILD)/mxfs build/venv/bin/python -m pytest -q

# Everything again under sanitizers: unit tests, and the end-to-end tests against that binary.
check-asan:
	@tests/support/check-sanitized '$(MAKE)' $(BUILD)/asan address,undefined
check-tsan:
	@tests/support/check-sanitized '$(MAKE)' $(BUILD)/tsan thread

# Everything built for arm64, its unit tests under QEMU.
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

# A mixed load for SOAK_SECONDS, by SOAK_PACE cores at most (0: no bound).
SOAK_SECONDS ?= 3600
SOAK_PACE ?= 0
soak: all
	@SOAK_SECONDS=$(SOAK_SECONDS) SOAK_PACE=$(SOAK_PACE) $(PYTEST) -s tests/e2e/test_soak.py

# Random reads of every format by every way there is; the seed is told and may be given as FSX_SEED.
FSX_OPERATIONS ?= 10000000
fsx: all
	@FSX_OPERATIONS=$(FSX_OPERATIONS) $(PYTEST) -s tests/e2e/test_fsx.py

lint: all
	@BUILD=$(BUILD) tests/lint/run

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

# What is installed where: the list that install and uninstall share.
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

# The Python environment of the tests is slow to make again, so only distclean removes it.
clean:
	if [ -d $(BUILD) ]; then find $(BUILD) -mindepth 1 -maxdepth 1 ! -name venv -exec rm -rf {} +; fi
distclean:
	rm -rf $(BUILD)

-include $(patsubst %.o,%.d,$(PROGRAM_OBJECTS) $(LIBRARY_OBJECTS) $(UNIT_OBJECTS) $(BENCH_OBJECTS) \
	$(REPLAY_OBJECTS))
