# SPDX-License-Identifier: GPL-2.0-or-later
#
# A thin front: meson and ninja build, scripts/ and tests/ do the work.
# `make help` lists the targets; docs/devel/testing.rst explains them.

BUILD ?= build
PYTHON ?= python3
# Tests alone have the devices of KVM's test suites; a release does not.
CHECK_CONFIG = --enable-test-devices
# make check SANITIZE=1: the same tests under address and UB sanitizers
ifdef SANITIZE
CHECK_BUILD ?= build-asan
CHECK_CONFIG += --enable-sanitizers
# gcc finds uses of a frame after its return only when asked
ASAN_OPTIONS ?= detect_stack_use_after_return=1
export ASAN_OPTIONS
else
CHECK_BUILD ?= build-check
endif
ARM_BUILD ?= build-aarch64
ARM_RELEASE ?= build-arm-bench
FUZZ_BUILD ?= build-fuzz
MINIMAL_BUILD ?= build-minimal
FUZZ_SECONDS ?= 60
CRASH_IMAGES ?= 20000

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

# The program alone: what the lab, the demo and the bench run.
program: $(BUILD)/build.ninja
	ninja -C $(BUILD) qemu-system-nemu

$(BUILD)/build.ninja:
	./configure --builddir=$(BUILD)

$(CHECK_BUILD)/build.ninja:
	./configure --builddir=$(CHECK_BUILD) --enable-debug $(CHECK_CONFIG)

$(MINIMAL_BUILD)/build.ninja:
	./configure --builddir=$(MINIMAL_BUILD) --without-default-features

$(FUZZ_BUILD)/build.ninja:
	./configure --builddir=$(FUZZ_BUILD) --enable-debug --cc=clang \
	    --enable-sanitizers --enable-fuzzing --enable-test-devices

$(ARM_BUILD)/build.ninja:
	scripts/arm64-sysroot.sh >/dev/null
	./configure --builddir=$(ARM_BUILD) --enable-debug \
	    --cross-prefix=aarch64-linux-gnu- --target-list=aarch64-softmmu \
	    $(CHECK_CONFIG)

arm-program:
	@$(MAKE) --no-print-directory $(ARM_BUILD)/build.ninja
	ninja -C $(ARM_BUILD) qemu-system-nemu

$(ARM_RELEASE)/build.ninja:
	scripts/arm64-sysroot.sh >/dev/null
	./configure --builddir=$(ARM_RELEASE) \
	    --cross-prefix=aarch64-linux-gnu- --target-list=aarch64-softmmu

help:
	@echo 'make                 configure if needed, build in $(BUILD)/'
	@echo 'make deps            install the Debian packages all targets need'
	@echo 'make install         install under the prefix given to configure'
	@echo 'make demo            boot a Debian kernel on -M virt and show it'
	@echo '                     (ARCH=aarch64: the Arm machine, emulated)'
	@echo 'make check           unit tests, qtests, guest payloads'
	@echo 'make check SANITIZE=1  the same under ASan and UBSan'
	@echo 'make check-arm       build for arm64, its tests under emulation and'
	@echo '                     in a nested machine'
	@echo 'make check-lab       stock kernels inside a nested machine'
	@echo 'make check-style     layers, sizes, and the other written rules'
	@echo 'make check-fuzz      each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make check-crash     qcow2 images after CRASH_IMAGES=$(CRASH_IMAGES)'
	@echo '                     power cuts'
	@echo 'make docs            the manual and the man page, in $(BUILD)/docs/'
	@echo 'make bench           the rows of the targets table against QEMU'
	@echo '                     (ARCH=aarch64: those of the Arm lab)'
	@echo 'make clean           remove the build directories'

deps:
	scripts/deps.sh build test lab fuzz style docs arm

deps-%:
	@scripts/deps.sh $(subst +, ,$*)

install: all
	ninja -C $(BUILD) install

check: deps-build+test
	@$(MAKE) --no-print-directory $(CHECK_BUILD)/build.ninja
	@$(PYTHON) scripts/test-summary.py --build-dir $(CHECK_BUILD) $(TESTS)

check-arm: deps-build+test+arm
	@$(MAKE) --no-print-directory $(ARM_BUILD)/build.ninja
	@$(MAKE) --no-print-directory $(CHECK_BUILD)/build.ninja >/dev/null
	@# What is compared is as new as the sources.
	@for build in $(CHECK_BUILD) $(ARM_BUILD); do \
	    ninja -C $$build build.ninja >/dev/null || exit 1; done
	@$(PYTHON) scripts/compare-builds.py $(CHECK_BUILD) $(ARM_BUILD)
	@status=0; sum=$(ARM_BUILD)/test-summary; \
	TEST_SUMMARY=$$sum $(PYTHON) scripts/test-summary.py \
	    --build-dir $(ARM_BUILD) $(TESTS) || status=1; \
	$(PYTHON) tests/lab/arm.py --build-dir $(ARM_BUILD) --after $$sum \
	    $(LABARGS) || status=1; exit $$status

check-lab: deps-build+lab
	@$(MAKE) --no-print-directory program
	@ninja -C $(BUILD) nemu-io
	@$(PYTHON) tests/lab/run.py --build-dir $(BUILD) $(LABARGS)

check-style: deps-build+style
	@BUILD=$(BUILD) $(PYTHON) scripts/check-style.py

check-fuzz: deps-build+fuzz
	@$(MAKE) --no-print-directory $(FUZZ_BUILD)/build.ninja
	@$(PYTHON) scripts/run-fuzz.py --build-dir $(FUZZ_BUILD) \
	    --seconds $(FUZZ_SECONDS) $(FUZZARGS)

check-crash: deps-build+test
	@$(MAKE) --no-print-directory $(BUILD)/build.ninja
	ninja -C $(BUILD) tests/unit/block/test-block-qcow2-crash
	$(BUILD)/tests/unit/block/test-block-qcow2-crash --long $(CRASH_IMAGES)

docs: deps-build+docs
	@$(MAKE) --no-print-directory $(BUILD)/build.ninja
	@# Configured before Sphinx was there: look again.
	@ninja -C $(BUILD) -t query docs >/dev/null 2>&1 || \
	    meson setup --reconfigure $(BUILD)
	ninja -C $(BUILD) docs
	meson test -C $(BUILD) --no-rebuild --print-errorlogs docs/manual

ifeq ($(ARCH),aarch64)
demo: deps-build+lab+arm arm-program
	@$(PYTHON) scripts/demo.py --arch aarch64 --build-dir $(ARM_BUILD)
else
demo: deps-build+lab
	@$(MAKE) --no-print-directory program
	@$(PYTHON) scripts/demo.py --build-dir $(BUILD)
endif

ifeq ($(ARCH),aarch64)
bench: deps-build+lab+arm
	@$(MAKE) --no-print-directory $(ARM_RELEASE)/build.ninja
	ninja -C $(ARM_RELEASE) qemu-system-nemu
	@$(PYTHON) tests/bench/bench.py --arch aarch64 \
	    --build-dir $(ARM_RELEASE) $(BENCHARGS)
else
bench: deps-build+lab
	@$(MAKE) --no-print-directory program
	ninja -C $(BUILD) nemu-img
	@$(MAKE) --no-print-directory $(MINIMAL_BUILD)/build.ninja
	ninja -C $(MINIMAL_BUILD) qemu-system-nemu
	@$(PYTHON) tests/bench/bench.py --build-dir $(BUILD) \
	    --minimal $(MINIMAL_BUILD)/qemu-system-nemu \
	    $(if $(ROWS),--rows $(ROWS)) $(BENCHARGS)

endif

clean:
	rm -rf $(BUILD) $(CHECK_BUILD) $(FUZZ_BUILD) $(ARM_BUILD) $(ARM_RELEASE) $(MINIMAL_BUILD)

.PHONY: all program arm-program help deps docs install check check-arm check-lab check-style check-fuzz check-crash demo \
	bench clean
