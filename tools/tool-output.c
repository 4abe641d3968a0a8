/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON for people; facts of qcow2; percentages. */
#include "util/osdep.h"
#include "tools-internal.h"
#include <json-c/json.h>

#define FLAT (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

static void print_value(struct json_object *value, int indent);

static void print_object(struct json_object *value, int indent)
{
    const char *comma = "{";

    json_object_object_foreach(value, key, member) {
        struct json_object *name = json_object_new_string(key);

        printf("%s\n%*s%s: ", comma, indent + 4, "",
               json_object_to_json_string_ext(name, FLAT));
        print_value(member, indent + 4);
        json_object_put(name);
        comma = ",";
    }
    printf("\n%*s}", indent, "");
}

static void print_array(struct json_object *value, int indent)
{
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        printf("%s\n%*s", i ? "," : "[", indent + 4, "");
        print_value(json_object_array_get_idx(value, i), indent + 4);
    }
    printf("%s\n%*s]", json_object_array_length(value) ? "" : "[", indent, "");
}

static void print_value(struct json_object *value, int indent)
{
    if (json_object_is_type(value, json_type_object)) {
        print_object(value, indent);
    } else if (json_object_is_type(value, json_type_array)) {
        print_array(value, indent);
    } else {
        fputs(json_object_to_json_string_ext(value, FLAT), stdout);
    }
}

void tool_print_json(struct json_object *value)
{
    print_value(value, 0);
    printf("\n");
}

/* ---- What only qcow2 has ---- */

static void print_bitmaps(const Qcow2BitmapInfoList *list)
{
    printf("    bitmaps:\n");
    for (int i = 0; list; list = list->next, i++) {
        const Qcow2BitmapInfoFlagsList *flag = list->value->flags;

        printf("        [%d]:\n            flags:\n", i);
        for (int k = 0; flag; flag = flag->next, k++) {
            printf("                [%d]: %s\n", k,
                   Qcow2BitmapInfoFlags_str(flag->value));
        }
        printf("            name: %s\n            granularity: %u\n",
               list->value->name, list->value->granularity);
    }
}

static const char *yes(bool val)
{
    return val ? "true" : "false";
}

static void print_slot(const QCryptoBlockInfoLUKSSlot *s, int i,
                       const char *in)
{
    printf("%s    [%d]:\n%s        active: %s\n", in, i, in, yes(s->active));
    if (s->has_iters) {
        printf("%s        iters: %" PRId64 "\n", in, s->iters);
    }
    printf("%s        key offset: %" PRId64 "\n", in, s->key_offset);
    if (s->has_stripes) {
        printf("%s        stripes: %" PRId64 "\n", in, s->stripes);
    }
}

/* In the order that QEMU's tools have. @in: indentation. */
static void print_luks(const QCryptoBlockInfoLUKS *l, const char *format,
                       const char *in)
{
    const QCryptoBlockInfoLUKSSlotList *slot = l->slots;

    printf("%sivgen alg: %s\n%shash alg: %s\n%scipher alg: %s\n"
           "%suuid: %s\n", in, QCryptoIVGenAlgorithm_str(l->ivgen_alg), in,
           QCryptoHashAlgorithm_str(l->hash_alg), in,
           QCryptoCipherAlgorithm_str(l->cipher_alg), in, l->uuid);
    if (l->has_ivgen_hash_alg) {
        printf("%sivgen hash alg: %s\n", in,
               QCryptoHashAlgorithm_str(l->ivgen_hash_alg));
    }
    if (format) {
        printf("%sformat: %s\n", in, format);
    }
    printf("%scipher mode: %s\n%sslots:\n", in,
           QCryptoCipherMode_str(l->cipher_mode), in);
    for (int i = 0; slot; slot = slot->next, i++) {
        print_slot(slot->value, i, in);
    }
    printf("%spayload offset: %" PRId64 "\n%smaster key iters: %" PRId64
           "\n", in, l->payload_offset, in, l->master_key_iters);
}

static void print_encryption(const ImageInfoSpecificQCow2Encryption *e)
{
    printf("    encrypt:\n");
    if (e->format == BLOCKDEV_QCOW2_ENCRYPTION_FORMAT_LUKS) {
        print_luks(&e->u.luks, "luks", "        ");
    } else {
        printf("        format: aes\n");
    }
}

static void print_qcow2(const ImageInfoSpecificQCow2 *q)
{
    printf("    compat: %s\n"
           "    compression type: %s\n", q->compat,
           Qcow2CompressionType_str(q->compression_type));
    if (q->has_lazy_refcounts) {
        printf("    lazy refcounts: %s\n", yes(q->lazy_refcounts));
    }
    if (q->bitmaps) {
        print_bitmaps(q->bitmaps);
    }
    printf("    refcount bits: %" PRId64 "\n", q->refcount_bits);
    if (q->data_file) {
        printf("    data file: %s\n", q->data_file);
    }
    if (q->encrypt) {
        print_encryption(q->encrypt);
    }
    if (q->has_data_file_raw) {
        printf("    data file raw: %s\n", yes(q->data_file_raw));
    }
    if (q->has_corrupt) {
        printf("    corrupt: %s\n", yes(q->corrupt));
    }
    if (q->has_extended_l2) {
        printf("    extended l2: %s\n", yes(q->extended_l2));
    }
}

void tool_print_specific(const ImageInfoSpecific *info)
{
    printf("Format specific information:\n");
    if (info->type == IMAGE_INFO_SPECIFIC_KIND_LUKS) {
        print_luks(info->u.luks.data, NULL, "    ");
    } else {
        print_qcow2(info->u.qcow2.data);
    }
}

/* ---- Progress ---- */

static struct {
    bool on;
    double now, printed, min_skip;
} progress;

static void print_progress(void)
{
    if (!progress.on) {
        return;
    }
    printf("    (%3.2f/100%%)\r", progress.now);
    fflush(stdout);
}

void tool_progress_init(bool on, double min_skip)
{
    progress.on = on;
    progress.min_skip = min_skip;
    progress.now = progress.printed = 0;
    print_progress();
}

void tool_progress_end(void)
{
    if (progress.on) {
        printf("\n");
    }
}

void tool_progress_set(double percent)
{
    progress.now = MIN(percent, 100);
    if (progress.now > progress.printed + progress.min_skip ||
        (progress.now == 100 && progress.printed != 100)) {
        progress.printed = progress.now;
        print_progress();
    }
}

void tool_progress_add(double percent)
{
    tool_progress_set(progress.now + percent);
}
