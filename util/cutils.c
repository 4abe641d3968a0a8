/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text to numbers and back; see include/util/cutils.h. */
#include "util/osdep.h"
#include "util/cutils.h"
#include <sys/random.h>
#include "util/error.h"

/*
 * The digits at *@s, decimal or 0x hexadecimal; *@s moves behind them. Returns
 * 0, -EINVAL when there are none, -ERANGE when they do not fit.
 */
static int scan_uint64(const char **s, uint64_t *val)
{
    const char *p = *s;
    unsigned base = 10;
    uint64_t v = 0;
    bool overflow = false;

    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
    }
    if (!g_ascii_isxdigit(*p) || g_ascii_xdigit_value(*p) >= base) {
        return -EINVAL;
    }
    for (; g_ascii_isxdigit(*p) && g_ascii_xdigit_value(*p) < base; p++) {
        overflow |= mul_overflows(v, base, &v);
        overflow |= add_overflows(v, g_ascii_xdigit_value(*p), &v);
    }
    *s = p;
    *val = v;
    return overflow ? -ERANGE : 0;
}

bool parse_uint64(const char *s, uint64_t *val, Error **errp)
{
    const char *p = s;
    uint64_t v;
    int ret = scan_uint64(&p, &v);

    if (ret == -EINVAL || *p) {
        error_setg(errp, "'%s' is not a number of 0 or more", s);
        return false;
    }
    if (ret) {
        error_setg(errp, "'%s' is too large, the limit is %" PRIu64, s,
                   UINT64_MAX);
        return false;
    }
    *val = v;
    return true;
}

bool parse_int64(const char *s, int64_t *val, Error **errp)
{
    bool negative = *s == '-';
    const char *p = s + negative;
    uint64_t v, limit = (uint64_t)INT64_MAX + negative;
    int ret = scan_uint64(&p, &v);

    if (ret == -EINVAL || *p) {
        error_setg(errp, "'%s' is not a number", s);
        return false;
    }
    if (ret || v > limit) {
        error_setg(errp, "'%s' is out of range, the limits are %" PRId64
                   " and %" PRId64, s, INT64_MIN, INT64_MAX);
        return false;
    }
    *val = negative ? -v : v;
    return true;
}

bool parse_bool(const char *s, bool *val, Error **errp)
{
    static const char *const words[2][4] = {
        { "off", "no", "false", "n" },
        { "on", "yes", "true", "y" },
    };

    for (int v = 0; v < 2; v++) {
        for (size_t i = 0; i < G_N_ELEMENTS(words[v]); i++) {
            if (g_str_equal(s, words[v][i])) {
                *val = v;
                return true;
            }
        }
    }
    error_setg(errp, "'%s' is neither 'on' nor 'off'", s);
    return false;
}

/* The shift of a size suffix, or -1. */
static int size_shift(char suffix)
{
    static const char suffixes[] = "BKMGTPE";
    const char *p;

    if (!suffix) {
        return -1;
    }
    p = strchr(suffixes, g_ascii_toupper(suffix));
    return p ? 10 * (int)(p - suffixes) : -1;
}

/*
 * The digits behind a decimal point at *@s, as a fraction of 2^@shift rounded
 * down. Done by hand because a double has too few bits for petabytes. Digits
 * after the 18th cannot change a result below 2^60 and are skipped.
 */
static uint64_t scan_fraction(const char **s, const char *end, int shift)
{
    unsigned __int128 num = 0, den = 1;

    for (; *s < end; (*s)++) {
        if (den < 1000000000000000000ULL) {
            num = num * 10 + (**s - '0');
            den *= 10;
        }
    }
    return (num << shift) / den;
}

bool parse_size(const char *s, char default_suffix, uint64_t *val,
                Error **errp)
{
    const char *p = s, *fraction = NULL, *fraction_end;
    bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
    uint64_t v;
    int ret = scan_uint64(&p, &v);
    int shift = size_shift(default_suffix);

    if (ret != -EINVAL && !hex && *p == '.') {
        fraction = ++p;
        while (g_ascii_isdigit(*p)) {
            p++;
        }
    }
    fraction_end = p;
    if (*p && !hex && size_shift(*p) >= 0) {
        shift = size_shift(*p++);
    }
    if (ret == -EINVAL || *p || fraction == fraction_end ||
        (fraction && shift == 0)) {
        error_setg(errp, "'%s' is not a size", s);
        error_append_hint(errp, "a size is a number, perhaps with one of the "
                          "suffixes B, K, M, G, T, P, E, like 512M or 1.5G");
        return false;
    }
    if (ret || v > UINT64_MAX >> shift) {
        error_setg(errp, "size '%s' is too large", s);
        error_append_hint(errp, "the limit is 2^64 - 1 bytes");
        return false;
    }
    *val = v << shift;
    if (fraction) {
        *val |= scan_fraction(&fraction, fraction_end, shift);
    }
    return true;
}

char *size_to_str(uint64_t bytes)
{
    static const char *const units[] = {
        "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
    };
    double v = bytes;
    unsigned unit = 0;

    /* From 1000 on in the next unit: three digits are enough. */
    for (; v >= 1000; unit++) {
        v /= 1024;
    }
    /* %g would print 999.7 as 1e+03. */
    return g_strdup_printf(v >= 999.5 ? "%.0f %s" : "%.3g %s", v, units[unit]);
}

/*
 * Edit distance (insert, delete, replace, swap of neighbours: "optimal string
 * alignment") of @a and @b, case ignored. Three rows of the table live at a
 * time.
 */
static unsigned edit_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    g_autofree unsigned *rows = g_new0(unsigned, 3 * (lb + 1));
    unsigned *old = rows, *prev = rows + lb + 1, *cur = prev + lb + 1;

    for (size_t j = 0; j <= lb; j++) {
        prev[j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        unsigned *spare = old;

        cur[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            char ca = g_ascii_tolower(a[i - 1]);
            char cb = g_ascii_tolower(b[j - 1]);

            cur[j] = MIN(MIN(prev[j], cur[j - 1]) + 1, prev[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == g_ascii_tolower(b[j - 2]) &&
                g_ascii_tolower(a[i - 2]) == cb) {
                cur[j] = MIN(cur[j], old[j - 2] + 1);
            }
        }
        old = prev;
        prev = cur;
        cur = spare;
    }
    return prev[lb];
}

const char *closest_string(const char *needle, const char *const *candidates)
{
    size_t len = strlen(needle);
    /* A third of the word may be wrong; more is another word. */
    unsigned best = MAX(1, len / 3) + 1;
    const char *found = NULL;

    /* Names are short; a megabyte of nonsense is not worth a table. */
    if (len > 256) {
        return NULL;
    }
    for (const char *const *c = candidates; *c; c++) {
        size_t clen = strlen(*c);
        unsigned d;

        if (MAX(clen, len) - MIN(clen, len) < best) {
            d = edit_distance(needle, *c);
            /* Replacing the whole of a short word is no likeness. */
            if (d < best && d < MAX(clen, len)) {
                best = d;
                found = *c;
            }
        }
    }
    /* Else one that it starts: "virtio-net" for "virtio-net-pci". */
    for (const char *const *c = candidates; !found && len >= 3 && *c; c++) {
        found = g_str_has_prefix(*c, needle) ? *c : NULL;
    }
    return found;
}

bool error_hint_closest(Error **errp, const char *needle,
                        const char *const *candidates)
{
    const char *near = closest_string(needle, candidates);

    if (near) {
        error_append_hint(errp, "did you mean '%s'?", near);
    }
    return near != NULL;
}

/* Two hexadecimal digits, or -1. */
static int scan_hex_byte(const char *s)
{
    int hi = g_ascii_xdigit_value(s[0]);
    int lo = hi >= 0 ? g_ascii_xdigit_value(s[1]) : -1;

    return lo >= 0 ? hi << 4 | lo : -1;
}

static bool uuid_scan(const char *s, Uuid *uuid)
{
    for (int i = 0; i < 16; i++) {
        int byte;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && *s++ != '-') {
            return false;
        }
        byte = scan_hex_byte(s);
        if (byte < 0) {
            return false;
        }
        uuid->data[i] = byte;
        s += 2;
    }
    return *s == '\0';
}

bool uuid_from_string(const char *s, Uuid *uuid, Error **errp)
{
    Uuid u;

    if (!uuid_scan(s, &u)) {
        error_setg(errp, "'%s' is not a UUID", s);
        error_append_hint(errp, "a UUID looks like "
                          "550e8400-e29b-41d4-a716-446655440000");
        return false;
    }
    *uuid = u;
    return true;
}

void uuid_to_string(const Uuid *uuid, char out[UUID_STR_LEN + 1])
{
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *out++ = '-';
        }
        sprintf(out, "%02x", uuid->data[i]);
        out += 2;
    }
}

bool uuid_is_null(const Uuid *uuid)
{
    static const Uuid null;

    return memcmp(uuid, &null, sizeof(null)) == 0;
}

void uuid_generate_random(Uuid *uuid)
{
    /* 16 bytes come whole or not at all; it fails on no kernel with KVM. */
    if (RETRY_ON_EINTR(getrandom(uuid, sizeof(*uuid), 0)) != sizeof(*uuid)) {
        g_assert_not_reached();
    }
    uuid->data[6] = (uuid->data[6] & 0x0f) | 0x40;      /* version 4 */
    uuid->data[8] = (uuid->data[8] & 0x3f) | 0x80;      /* RFC 9562 variant */
}

bool mac_from_string(const char *s, MacAddr *mac, Error **errp)
{
    const char *p = s;
    MacAddr m;

    for (int i = 0; i < 6; i++) {
        int byte = scan_hex_byte(p);
        char end = byte >= 0 ? p[2] : 'x';

        if (i < 5 ? end != ':' && end != '-' : end != '\0') {
            error_setg(errp, "'%s' is not a MAC address", s);
            error_append_hint(errp, "one looks like 52:54:00:12:34:56");
            return false;
        }
        m.a[i] = byte;
        p += 3;
    }
    *mac = m;
    return true;
}

void mac_to_string(const MacAddr *mac, char out[MAC_STR_LEN + 1])
{
    snprintf(out, MAC_STR_LEN + 1, "%02x:%02x:%02x:%02x:%02x:%02x", mac->a[0],
             mac->a[1], mac->a[2], mac->a[3], mac->a[4], mac->a[5]);
}
