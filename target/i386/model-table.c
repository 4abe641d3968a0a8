/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The named CPU models: which features each has is an interface that guests,
 * libvirt's CPU map and migration streams rely on; a released version never
 * changes, what is new becomes a next version.
 */
#include "util/osdep.h"
#include "models-internal.h"

#define X86_VENDOR_INTEL "GenuineIntel"
#define X86_VENDOR_AMD   "AuthenticAMD"
#define X86_VENDOR_HYGON "HygonGenuine"

/* Caches of one kind: level, ways, sets; 64-byte lines. */
#define CACHE(t, l, w, s, ...)                                                 \
    { .type = (t), .level = (l), .line_bytes = 64, .partitions = 1,            \
      .ways = (w), .sets = (s), .lines_per_tag = 1, .self_init = true,         \
      __VA_ARGS__ }

const X86Caches x86_caches_intel = {
    .l1d = CACHE(1, 1, 8, 64, .no_invd_sharing = true),     /* 32 KiB */
    .l1i = CACHE(2, 1, 8, 64, .no_invd_sharing = true),
    .l2 = CACHE(3, 2, 16, 4096, .no_invd_sharing = true),   /* 4 MiB */
    .l3 = CACHE(3, 3, 16, 16384, .inclusive = true, .complex_index = true),
};

const X86Caches x86_caches_amd = {
    .l1d = CACHE(1, 1, 2, 512, .no_invd_sharing = true),    /* 64 KiB */
    .l1i = CACHE(2, 1, 2, 512, .no_invd_sharing = true),
    .l2 = CACHE(3, 2, 16, 512),                             /* 512 KiB */
    .l3 = CACHE(3, 3, 16, 16384, .inclusive = true, .complex_index = true),
};

static const X86Caches x86_caches_epyc = {
    .l1d = CACHE(1, 1, 8, 64, .no_invd_sharing = true),
    .l1i = CACHE(2, 1, 4, 256, .no_invd_sharing = true),    /* 64 KiB */
    .l2 = CACHE(3, 2, 8, 1024, .inclusive = true),
    .l3 = CACHE(3, 3, 16, 8192, .inclusive = true, .complex_index = true),
};

static const X86Caches x86_caches_epyc_rome = {
    .l1d = CACHE(1, 1, 8, 64, .no_invd_sharing = true),
    .l1i = CACHE(2, 1, 8, 64, .no_invd_sharing = true),
    .l2 = CACHE(3, 2, 8, 1024, .inclusive = true),
    .l3 = CACHE(3, 3, 16, 16384, .inclusive = true, .complex_index = true),
};

static const X86Caches x86_caches_epyc_milan = {
    .l1d = CACHE(1, 1, 8, 64, .no_invd_sharing = true),
    .l1i = CACHE(2, 1, 8, 64, .no_invd_sharing = true),
    .l2 = CACHE(3, 2, 8, 1024, .inclusive = true),
    .l3 = CACHE(3, 3, 16, 32768, .inclusive = true, .complex_index = true),
};

static const X86Caches x86_caches_epyc_genoa = {
    .l1d = CACHE(1, 1, 8, 64, .no_invd_sharing = true),
    .l1i = CACHE(2, 1, 8, 64, .no_invd_sharing = true),
    .l2 = CACHE(3, 2, 8, 2048, .inclusive = true),          /* 1 MiB */
    .l3 = CACHE(3, 3, 16, 32768, .no_invd_sharing = true,
                .complex_index = true),
};

const X86CPUModelInfo x86_cpu_models[] = {
    {
        .name = "qemu64",
        .vendor = X86_VENDOR_AMD,
        .family = 15, .model = 107, .stepping = 1,
        .level = 0xd, .xlevel = 0x8000000a,
        .model_id = "QEMU Virtual CPU version 2.5+",
        .features =
            "fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat "
            "pse36 clflush mmx fxsr sse sse2 pni cx16 syscall nx lm lahf-lm",
    },
    {
        .name = "kvm64",
        .vendor = X86_VENDOR_INTEL,
        .family = 15, .model = 6, .stepping = 1,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Common KVM processor",
        .features =
            "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov "
            "pat pse36 clflush mmx fxsr sse sse2 pni cx16 syscall nx lm",
    },
    {
        .name = "Conroe",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 15, .stepping = 3,
        .level = 0xa, .xlevel = 0x80000008,
        .model_id = "Intel Celeron_4x0 (Conroe/Merom Class Core 2)",
        .features =
            "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov "
            "pat pse36 clflush mmx fxsr sse sse2 pni ssse3 syscall nx lm "
            "lahf-lm",
    },
    {
        .name = "Penryn",
        .base = "Conroe",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 23, .stepping = 3,
        .level = 0xa, .xlevel = 0x80000008,
        .model_id = "Intel Core 2 Duo P9xxx (Penryn Class Core 2)",
        .features =
            "cx16 sse4.1",
    },
    {
        .name = "Nehalem",
        .base = "Penryn",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 26, .stepping = 3,
        .level = 0xb, .xlevel = 0x80000008,
        .model_id = "Intel Core i7 9xx (Nehalem Class Core i7)",
        .features =
            "sse4.2 popcnt",
        .versions = (const X86CPUVersion[]) {
            { 2, "spec-ctrl", .alias = "Nehalem-IBRS",
              .model_id = "Intel Core i7 9xx (Nehalem Core i7, IBRS update)" },
            { 0 }
        },
    },
    {
        .name = "Westmere",
        .base = "Nehalem",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 44, .stepping = 1,
        .level = 0xb, .xlevel = 0x80000008,
        .model_id = "Westmere E56xx/L56xx/X56xx (Nehalem-C)",
        .features =
            "pclmulqdq aes arat",
        .versions = (const X86CPUVersion[]) {
            { 2, "spec-ctrl", .alias = "Westmere-IBRS",
              .model_id = "Westmere E56xx/L56xx/X56xx (IBRS update)" },
            { 0 }
        },
    },
    {
        .name = "SandyBridge",
        .base = "Westmere",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 42, .stepping = 1,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Intel Xeon E312xx (Sandy Bridge)",
        .features =
            "x2apic tsc-deadline xsave avx rdtscp xsaveopt",
        .versions = (const X86CPUVersion[]) {
            { 2, "spec-ctrl", .alias = "SandyBridge-IBRS",
              .model_id = "Intel Xeon E312xx (Sandy Bridge, IBRS update)" },
            { 0 }
        },
    },
    {
        .name = "IvyBridge",
        .base = "SandyBridge",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 58, .stepping = 9,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Intel Xeon E3-12xx v2 (Ivy Bridge)",
        .features =
            "f16c rdrand fsgsbase smep erms",
        .versions = (const X86CPUVersion[]) {
            { 2, "spec-ctrl", .alias = "IvyBridge-IBRS",
              .model_id = "Intel Xeon E3-12xx v2 (Ivy Bridge, IBRS)" },
            { 0 }
        },
    },
    {
        .name = "Haswell",
        .base = "IvyBridge",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 60, .stepping = 4,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Intel Core Processor (Haswell)",
        .features =
            "fma pcid movbe bmi1 hle avx2 bmi2 invpcid rtm abm",
        .versions = (const X86CPUVersion[]) {
            { 2, "-hle -rtm", .alias = "Haswell-noTSX",
              .model_id = "Intel Core Processor (Haswell, no TSX)",
              .stepping = 1 },
            { 3, "hle rtm spec-ctrl", .alias = "Haswell-IBRS",
              .model_id = "Intel Core Processor (Haswell, IBRS)",
              .stepping = 4 },
            { 4, "-hle -rtm", .alias = "Haswell-noTSX-IBRS",
              .model_id = "Intel Core Processor (Haswell, no TSX, IBRS)",
              .stepping = 1 },
            { 0 }
        },
    },
    {
        .name = "Broadwell",
        .base = "Haswell",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 61, .stepping = 2,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Intel Core Processor (Broadwell)",
        .features =
            "rdseed adx smap 3dnowprefetch",
        .versions = (const X86CPUVersion[]) {
            { 2, "-hle -rtm", .alias = "Broadwell-noTSX",
              .model_id = "Intel Core Processor (Broadwell, no TSX)" },
            { 3, "hle rtm spec-ctrl", .alias = "Broadwell-IBRS",
              .model_id = "Intel Core Processor (Broadwell, IBRS)" },
            { 4, "-hle -rtm", .alias = "Broadwell-noTSX-IBRS",
              .model_id = "Intel Core Processor (Broadwell, no TSX, IBRS)" },
            { 0 }
        },
    },
    {
        .name = "Skylake-Client",
        .base = "Broadwell",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 94, .stepping = 3,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Intel Core Processor (Skylake)",
        .features =
            "xsavec xgetbv1",
        .versions = (const X86CPUVersion[]) {
            { 2, "spec-ctrl", .alias = "Skylake-Client-IBRS",
              .model_id = "Intel Core Processor (Skylake, IBRS)" },
            { 3, "-hle -rtm", .alias = "Skylake-Client-noTSX-IBRS",
              .model_id = "Intel Core Processor (Skylake, IBRS, no TSX)" },
            { 4, "xsaves" },
            { 0 }
        },
    },
    {
        .name = "Skylake-Server",
        .base = "Skylake-Client",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 85, .stepping = 4,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Intel Xeon Processor (Skylake)",
        .features =
            "avx512f avx512dq clflushopt clwb avx512cd avx512bw avx512vl "
            "pku pdpe1gb",
        .versions = (const X86CPUVersion[]) {
            { 2, "spec-ctrl -clflushopt", .alias = "Skylake-Server-IBRS",
              .model_id = "Intel Xeon Processor (Skylake, IBRS)" },
            { 3, "-hle -rtm", .alias = "Skylake-Server-noTSX-IBRS",
              .model_id = "Intel Xeon Processor (Skylake, IBRS, no TSX)" },
            { 4, "" },
            { 5, "xsaves" },
            { 0 }
        },
    },
    {
        .name = "Cascadelake-Server",
        .base = "Skylake-Server",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 85, .stepping = 6,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Intel Xeon Processor (Cascadelake)",
        .features =
            "avx512vnni spec-ctrl ssbd",
        .versions = (const X86CPUVersion[]) {
            { 2, "arch-capabilities rdctl-no ibrs-all skip-l1dfl-vmentry "
                 "mds-no" },
            { 3, "-hle -rtm", .alias = "Cascadelake-Server-noTSX" },
            { 4, "" },
            { 5, "xsaves" },
            { 0 }
        },
    },
    {
        .name = "Cooperlake",
        .base = "Cascadelake-Server",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 85, .stepping = 10,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Intel Xeon Processor (Cooperlake)",
        .features =
            "stibp arch-capabilities avx512-bf16 rdctl-no ibrs-all "
            "skip-l1dfl-vmentry mds-no pschange-mc-no taa-no",
        .versions = (const X86CPUVersion[]) {
            { 2, "xsaves" },
            { 0 }
        },
    },
    {
        .name = "Icelake-Server",
        .base = "Cascadelake-Server",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 134, .stepping = 0,
        .level = 0xd, .xlevel = 0x80000008,
        .model_id = "Intel Xeon Processor (Icelake)",
        .features =
            "avx512vbmi umip avx512vbmi2 gfni vaes vpclmulqdq avx512bitalg "
            "avx512-vpopcntdq la57 wbnoinvd",
        .versions = (const X86CPUVersion[]) {
            { 2, "-hle -rtm", .alias = "Icelake-Server-noTSX" },
            { 3, "arch-capabilities rdctl-no ibrs-all skip-l1dfl-vmentry "
                 "mds-no pschange-mc-no taa-no" },
            { 4, "avx512ifma sha-ni rdpid fsrm",
              .model = 106 },
            { 5, "xsaves" },
            { 6, "" },
            { 0 }
        },
    },
    {
        .name = "SapphireRapids",
        .base = "Icelake-Server",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 143, .stepping = 4,
        .level = 0x20, .xlevel = 0x80000008,
        .model_id = "Intel Xeon Processor (SapphireRapids)",
        .features =
            "avx512ifma sha-ni rdpid bus-lock-detect fsrm serialize "
            "tsx-ldtrk amx-bf16 avx512-fp16 amx-tile amx-int8 "
            "arch-capabilities avx-vnni avx512-bf16 fzrm fsrs fsrc xsaves "
            "xfd rdctl-no ibrs-all skip-l1dfl-vmentry mds-no pschange-mc-no "
            "taa-no",
        .versions = (const X86CPUVersion[]) {
            { 2, "sbdr-ssdp-no fbsdp-no psdp-no" },
            { 0 }
        },
    },
    {
        .name = "GraniteRapids",
        .base = "SapphireRapids",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 173, .stepping = 0,
        .level = 0x20, .xlevel = 0x80000008,
        .model_id = "Intel Xeon Processor (GraniteRapids)",
        .features =
            "amx-fp16 prefetchiti mcdt-no sbdr-ssdp-no fbsdp-no psdp-no "
            "pbrsb-no",
    },
    {
        .name = "Denverton",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 95, .stepping = 1,
        .level = 0x15, .xlevel = 0x80000008,
        .model_id = "Intel Atom Processor (Denverton)",
        .features =
            "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov "
            "pat pse36 clflush mmx fxsr sse sse2 pni pclmulqdq ssse3 cx16 "
            "sse4.1 sse4.2 x2apic movbe popcnt tsc-deadline aes xsave "
            "rdrand fsgsbase smep erms mpx rdseed smap clflushopt sha-ni "
            "spec-ctrl arch-capabilities ssbd syscall nx pdpe1gb rdtscp lm "
            "lahf-lm 3dnowprefetch xsaveopt xsavec xgetbv1 arat rdctl-no "
            "skip-l1dfl-vmentry",
        .versions = (const X86CPUVersion[]) {
            { 2, "-mpx" },
            { 3, "xsaves" },
            { 0 }
        },
    },
    {
        .name = "Snowridge",
        .base = "Denverton",
        .vendor = X86_VENDOR_INTEL,
        .family = 6, .model = 134, .stepping = 1,
        .level = 0x1b, .xlevel = 0x80000008,
        .model_id = "Intel Atom Processor (SnowRidge)",
        .features =
            "clwb umip gfni cldemote movdiri movdir64b core-capability "
            "split-lock-detect -rdctl-no -skip-l1dfl-vmentry",
        .versions = (const X86CPUVersion[]) {
            { 2, "-mpx",
              .model_id = "Intel Atom Processor (Snowridge, no MPX)" },
            { 3, "xsaves" },
            { 4, "-core-capability -split-lock-detect" },
            { 0 }
        },
    },
    {
        .name = "Opteron_G1",
        .vendor = X86_VENDOR_AMD,
        .family = 15, .model = 6, .stepping = 1,
        .level = 0x5, .xlevel = 0x80000008,
        .model_id = "AMD Opteron 240 (Gen 1 Class Opteron)",
        .features =
            "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov "
            "pat pse36 clflush mmx fxsr sse sse2 pni syscall nx lm",
    },
    {
        .name = "Opteron_G2",
        .base = "Opteron_G1",
        .vendor = X86_VENDOR_AMD,
        .family = 15, .model = 6, .stepping = 1,
        .level = 0x5, .xlevel = 0x80000008,
        .model_id = "AMD Opteron 22xx (Gen 2 Class Opteron)",
        .features =
            "cx16 lahf-lm",
    },
    {
        .name = "Opteron_G3",
        .base = "Opteron_G2",
        .vendor = X86_VENDOR_AMD,
        .family = 16, .model = 2, .stepping = 3,
        .level = 0x5, .xlevel = 0x80000008,
        .model_id = "AMD Opteron 23xx (Gen 3 Class Opteron)",
        .features =
            "popcnt rdtscp abm sse4a misalignsse",
    },
    {
        .name = "Opteron_G4",
        .base = "Opteron_G3",
        .vendor = X86_VENDOR_AMD,
        .family = 21, .model = 1, .stepping = 2,
        .level = 0xd, .xlevel = 0x8000001a,
        .model_id = "AMD Opteron 62xx class CPU",
        .features =
            "pclmulqdq ssse3 sse4.1 sse4.2 aes xsave avx pdpe1gb "
            "3dnowprefetch xop fma4",
    },
    {
        .name = "Opteron_G5",
        .base = "Opteron_G4",
        .vendor = X86_VENDOR_AMD,
        .family = 21, .model = 2, .stepping = 0,
        .level = 0xd, .xlevel = 0x8000001a,
        .model_id = "AMD Opteron 63xx class CPU",
        .features =
            "fma f16c tbm",
    },
    {
        .name = "EPYC",
        .vendor = X86_VENDOR_AMD,
        .family = 23, .model = 1, .stepping = 2,
        .level = 0xd, .xlevel = 0x8000001e,
        .model_id = "AMD EPYC Processor",
        .caches = &x86_caches_epyc,
        .features =
            "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov "
            "pat pse36 clflush mmx fxsr sse sse2 pni pclmulqdq ssse3 fma "
            "cx16 sse4.1 sse4.2 movbe popcnt aes xsave avx f16c rdrand "
            "fsgsbase bmi1 avx2 smep bmi2 rdseed adx smap clflushopt sha-ni "
            "syscall nx mmxext fxsr-opt pdpe1gb rdtscp lm lahf-lm cr8legacy "
            "abm sse4a misalignsse 3dnowprefetch osvw topoext xsaveopt "
            "xsavec xgetbv1 arat",
        .versions = (const X86CPUVersion[]) {
            { 2, "ibpb", .alias = "EPYC-IBPB",
              .model_id = "AMD EPYC Processor (with IBPB)" },
            { 3, "perfctr-core clzero xsaveerptr xsaves",
              .model_id = "AMD EPYC Processor" },
            { 4, "" },
            { 0 }
        },
    },
    {
        .name = "EPYC-Rome",
        .base = "EPYC",
        .vendor = X86_VENDOR_AMD,
        .family = 23, .model = 49, .stepping = 0,
        .level = 0xd, .xlevel = 0x8000001e,
        .model_id = "AMD EPYC-Rome Processor",
        .caches = &x86_caches_epyc_rome,
        .features =
            "clwb umip rdpid perfctr-core clzero xsaveerptr wbnoinvd ibpb "
            "amd-stibp xsaves",
        .versions = (const X86CPUVersion[]) {
            { 2, "ibrs amd-ssbd" },
            { 3, "" },
            { 4, "-xsaves" },
            { 0 }
        },
    },
    {
        .name = "EPYC-Milan",
        .base = "EPYC-Rome",
        .vendor = X86_VENDOR_AMD,
        .family = 25, .model = 1, .stepping = 1,
        .level = 0xd, .xlevel = 0x8000001e,
        .model_id = "AMD EPYC-Milan Processor",
        .caches = &x86_caches_epyc_milan,
        .features =
            "pcid erms invpcid pku fsrm ibrs amd-ssbd",
        .versions = (const X86CPUVersion[]) {
            { 2, "vaes vpclmulqdq stibp-always-on amd-psfd no-nested-data-bp "
                 "lfence-always-serializing null-sel-clr-base" },
            { 0 }
        },
    },
    {
        .name = "EPYC-Genoa",
        .base = "EPYC-Milan",
        .vendor = X86_VENDOR_AMD,
        .family = 25, .model = 17, .stepping = 0,
        .level = 0xd, .xlevel = 0x80000022,
        .model_id = "AMD EPYC-Genoa Processor",
        .caches = &x86_caches_epyc_genoa,
        .features =
            "avx512f avx512dq avx512ifma avx512cd avx512bw avx512vl "
            "avx512vbmi avx512vbmi2 gfni vaes vpclmulqdq avx512vnni "
            "avx512bitalg avx512-vpopcntdq la57 avx512-bf16 stibp-always-on "
            "amd-psfd no-nested-data-bp lfence-always-serializing "
            "null-sel-clr-base auto-ibrs",
    },
    {
        .name = "Dhyana",
        .base = "EPYC",
        .vendor = X86_VENDOR_HYGON,
        .family = 24, .model = 0, .stepping = 1,
        .level = 0xd, .xlevel = 0x8000001e,
        .model_id = "Hygon Dhyana Processor",
        .caches = &x86_caches_epyc,
        .features =
            "ibpb -pclmulqdq -aes -sha-ni",
        .versions = (const X86CPUVersion[]) {
            { 2, "xsaves" },
            { 0 }
        },
    },
};
const size_t x86_nr_cpu_models = G_N_ELEMENTS(x86_cpu_models);
