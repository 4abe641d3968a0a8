# SPDX-License-Identifier: GPL-2.0-or-later
"""Creation options that images are tested with."""
from toolcase import have

KIB = 1024
MIB = 1024 * KIB

# name: (format, -o, bytes, with a backing file)
CASES = {
    "default": ("qcow2", "", 3 * MIB, ""),
    "v2": ("qcow2", "compat=0.10", 3 * MIB, ""),
    "v2 by name": ("qcow2", "compat=v2", 3 * MIB, ""),
    "v3 by name": ("qcow2", "compat=v3", 3 * MIB, ""),
    "cluster 512": ("qcow2", "cluster_size=512", 1 * MIB, ""),
    "cluster 1k": ("qcow2", "cluster_size=1k", 2 * MIB, ""),
    "cluster 4k": ("qcow2", "cluster_size=4k", 3 * MIB, ""),
    "cluster 2M": ("qcow2", "cluster_size=2M", 9 * MIB, ""),
    "cluster 512 v2": ("qcow2", "cluster_size=512,compat=0.10", 1 * MIB, ""),
    "subclusters": ("qcow2", "extended_l2=on", 3 * MIB, ""),
    "subclusters 16k": ("qcow2", "extended_l2=on,cluster_size=16k", 3 * MIB,
                        ""),
    "subclusters 2M": ("qcow2", "extended_l2=on,cluster_size=2M", 9 * MIB, ""),
    "lazy": ("qcow2", "lazy_refcounts=on", 3 * MIB, ""),
    "zstd": ("qcow2", "compression_type=zstd", 3 * MIB, ""),
    "data file": ("qcow2", "data_file=DATA", 3 * MIB, ""),
    "raw data file": ("qcow2", "data_file=DATA,data_file_raw=on", 3 * MIB, ""),
    "metadata": ("qcow2", "preallocation=metadata", 3 * MIB, ""),
    "falloc": ("qcow2", "preallocation=falloc", 3 * MIB, ""),
    "full": ("qcow2", "preallocation=full", 3 * MIB, ""),
    "metadata and subclusters": (
        "qcow2", "preallocation=metadata,extended_l2=on", 3 * MIB, ""),
    "backing raw": ("qcow2", "", 3 * MIB, "raw"),
    "backing qcow2": ("qcow2", "cluster_size=4k", 3 * MIB, "qcow2"),
    "backing v2": ("qcow2", "compat=0.10", 3 * MIB, "qcow2"),
    "backing and subclusters": ("qcow2", "extended_l2=on", 3 * MIB, "qcow2"),
    "backing, subclusters, metadata": (
        "qcow2", "extended_l2=on,preallocation=metadata", 3 * MIB, "qcow2"),
    "odd size": ("qcow2", "", 3 * MIB - 512, ""),
    "size in no sectors": ("qcow2", "", 1 * MIB + 100, ""),
    "raw": ("raw", "", 3 * MIB, ""),
    "raw falloc": ("raw", "preallocation=falloc", 3 * MIB, ""),
    "raw full": ("raw", "preallocation=full", 3 * MIB, ""),
    "raw odd": ("raw", "", 1 * MIB + 512, ""),
}
if not have("ZSTD"):
    del CASES["zstd"]
for bits in (1, 2, 4, 8, 16, 32, 64):
    CASES["refcounts of %d bits" % bits] = (
        "qcow2", "refcount_bits=%d" % bits, 2 * MIB, "")
