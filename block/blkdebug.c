/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "blkdebug": a filter for tests. Rules wait for events, which drivers and the
 * core tell of at moments of their work; then they arm an error for the
 * requests that follow, or change the state, which other rules depend on. A
 * breakpoint, set by nemu-io, stops the request that comes to an event until
 * it is resumed.
 */
#include "util/osdep.h"
#include "filter-internal.h"
#include "block/block-io.h"
#include <json-c/json.h>
#include "util/cutils.h"

typedef struct Rule {
    BlkdebugEvent event;
    int64_t state;                  /* 0: any */
    bool set_state;
    int64_t new_state;
    /* Of an error: */
    int error;
    int64_t sector;                 /* -1: any */
    unsigned iotypes;               /* bits of BlkdebugIOType */
    bool once, immediately;
    bool armed;
    STAILQ_ENTRY(Rule) next;
} Rule;

typedef struct Break {
    BlkdebugEvent event;
    char *tag;
    Coroutine *co;                  /* NULL: nobody has come yet */
    STAILQ_ENTRY(Break) next;
} Break;

typedef struct BlkdebugState {
    GMutex lock;                    /* of all below but the alignment */
    int64_t state;
    STAILQ_HEAD(, Rule) rules;
    STAILQ_HEAD(, Break) breaks;
    uint32_t align;
} BlkdebugState;

#define ALL_IOTYPES ((1u << BLKDEBUG_IO_TYPE__MAX) - 1)

/* ---- Rules ---- */

static Rule *rule_new(BlkdebugState *s)
{
    Rule *r = g_new0(Rule, 1);

    r->sector = -1;
    r->error = EIO;
    r->iotypes = ALL_IOTYPES & ~(1u << BLKDEBUG_IO_TYPE_BLOCK_STATUS);
    STAILQ_INSERT_TAIL(&s->rules, r, next);
    return r;
}

static void add_rules(BlkdebugState *s, const BlockdevOptionsBlkdebug *o)
{
    const BlkdebugInjectErrorOptionsList *i;
    const BlkdebugSetStateOptionsList *t;

    for (i = o->inject_error; i; i = i->next) {
        const BlkdebugInjectErrorOptions *e = i->value;
        Rule *r = rule_new(s);

        r->event = e->event;
        r->state = e->has_state ? e->state : 0;
        r->error = e->has_q_errno ? e->q_errno : EIO;
        r->sector = e->has_sector ? e->sector : -1;
        r->iotypes = e->has_iotype ? 1u << e->iotype : r->iotypes;
        r->once = e->has_once && e->once;
        r->immediately = e->has_immediately && e->immediately;
    }
    for (t = o->set_state; t; t = t->next) {
        Rule *r = rule_new(s);

        r->event = t->value->event;
        r->state = t->value->has_state ? t->value->state : 0;
        r->set_state = true;
        r->new_state = t->value->new_state;
    }
}

/* ---- The file: sections of key = "value" ---- */

static bool parse_number(const char *text, int64_t *val, Error **errp)
{
    char *end;

    errno = 0;
    *val = g_ascii_strtoll(text, &end, 0);
    if (errno || end == text || *end) {
        error_setg(errp, "'%s' is not a number", text);
        return false;
    }
    return true;
}

static bool parse_switch(const char *text, bool *val, Error **errp)
{
    *val = g_str_equal(text, "on");
    if (!*val && !g_str_equal(text, "off")) {
        error_setg(errp, "'%s' is neither on nor off", text);
        return false;
    }
    return true;
}

static bool set_key(Rule *r, const char *key, const char *text, Error **errp)
{
    int64_t val;
    int index;

    if (g_str_equal(key, "event")) {
        index = qapi_enum_parse(&BlkdebugEvent_lookup, text, -1, errp);
        r->event = index;
        return index >= 0;
    }
    if (g_str_equal(key, "iotype")) {
        index = qapi_enum_parse(&BlkdebugIOType_lookup, text, -1, errp);
        r->iotypes = index >= 0 ? 1u << index : 0;
        return index >= 0;
    }
    if (g_str_equal(key, "once")) {
        return parse_switch(text, &r->once, errp);
    }
    if (g_str_equal(key, "immediately")) {
        return parse_switch(text, &r->immediately, errp);
    }
    if (!parse_number(text, &val, errp)) {
        return false;
    }
    if (g_str_equal(key, "state")) {
        r->state = val;
    } else if (g_str_equal(key, "errno")) {
        r->error = val;
    } else if (g_str_equal(key, "sector")) {
        r->sector = val;
    } else if (g_str_equal(key, "new_state")) {
        r->new_state = val;
    } else {
        error_setg(errp, "unknown key '%s'", key);
        return false;
    }
    return true;
}

static bool config_line(BlkdebugState *s, Rule **r, char *line, Error **errp)
{
    char *value = strchr(line, '=');
    size_t len = strlen(line);

    if (!*line || *line == '#') {
        return true;
    }
    if (*line == '[' && line[len - 1] == ']') {
        line[len - 1] = '\0';
        *r = rule_new(s);
        (*r)->set_state = g_str_equal(line + 1, "set-state");
        if (!(*r)->set_state && !g_str_equal(line + 1, "inject-error")) {
            error_setg(errp, "unknown section '%s'", line + 1);
            return false;
        }
        return true;
    }
    if (!*r || !value) {
        error_setg(errp, "'%s' is no section and no key = \"value\" in one",
                   line);
        return false;
    }
    *value++ = '\0';
    g_strstrip(line);
    g_strstrip(value);
    len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value[len - 1] = '\0';
        value++;
    }
    return set_key(*r, line, value, errp);
}

static bool read_config(BlkdebugState *s, const char *path, Error **errp)
{
    g_autoptr(GError) gerr = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    Rule *r = NULL;

    if (access(path, R_OK) < 0) {
        error_setg_errno(errp, errno, "Could not read blkdebug config file");
        return false;
    }
    if (!g_file_get_contents(path, &text, NULL, &gerr)) {
        error_setg(errp, "Could not read blkdebug config file: %s",
                   gerr->message);
        return false;
    }
    lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        if (!config_line(s, &r, g_strstrip(lines[i]), errp)) {
            error_prepend(errp, "Could not parse blkdebug config file: line "
                          "%u: ", i + 1);
            return false;
        }
    }
    return true;
}

/* ---- Events ---- */

/* The lock is held. */
static void event_rules(BlkdebugState *s, BlkdebugEvent event)
{
    int64_t state = s->state;
    bool first = true;
    Rule *r, *o;

    STAILQ_FOREACH(r, &s->rules, next) {
        if (r->event != event || (r->state && r->state != state)) {
            continue;
        }
        if (r->set_state) {
            s->state = r->new_state;
            continue;
        }
        /* New errors take the place of the old. */
        for (o = first ? STAILQ_FIRST(&s->rules) : NULL; o;
             o = STAILQ_NEXT(o, next)) {
            o->armed = false;
        }
        first = false;
        r->armed = true;
    }
}

static void coroutine_fn blkdebug_co_event(BlockDriverState *bs,
                                           BlkdebugEvent event)
{
    BlkdebugState *s = bs->opaque;
    Break *b;

    g_mutex_lock(&s->lock);
    event_rules(s, event);
    STAILQ_FOREACH(b, &s->breaks, next) {
        if (b->event == event && !b->co) {
            b->co = coroutine_self();
            break;
        }
    }
    g_mutex_unlock(&s->lock);
    if (b) {
        printf("blkdebug: Suspended request '%s'\n", b->tag);
        coroutine_yield();
        printf("blkdebug: Resuming request '%s'\n", b->tag);
        g_free(b->tag);
        g_free(b);
    }
}

/* ---- Breakpoints ---- */

static int blkdebug_break(BlockDriverState *bs, const char *event,
                          const char *tag)
{
    BlkdebugState *s = bs->opaque;
    int index = qapi_enum_parse(&BlkdebugEvent_lookup, event, -1, NULL);
    Break *b;

    if (index < 0) {
        return -ENOENT;
    }
    b = g_new0(Break, 1);
    b->event = index;
    b->tag = g_strdup(tag);
    g_mutex_lock(&s->lock);
    STAILQ_INSERT_TAIL(&s->breaks, b, next);
    g_mutex_unlock(&s->lock);
    return 0;
}

/* The first of that name that is, or is not, in use; it is taken off. */
static Break *take_break(BlkdebugState *s, const char *tag, bool suspended)
{
    Break *b;

    g_mutex_lock(&s->lock);
    STAILQ_FOREACH(b, &s->breaks, next) {
        if (g_str_equal(b->tag, tag) && (b->co != NULL) == suspended) {
            STAILQ_REMOVE(&s->breaks, b, Break, next);
            break;
        }
    }
    g_mutex_unlock(&s->lock);
    return b;
}

static int blkdebug_resume(BlockDriverState *bs, const char *tag)
{
    Break *b = take_break(bs->opaque, tag, true);

    if (b) {
        aio_co_wake(b->co);
    }
    return b ? 0 : -ENOENT;
}

static int blkdebug_remove_break(BlockDriverState *bs, const char *tag)
{
    BlkdebugState *s = bs->opaque;
    int ret = -ENOENT;
    Break *b;

    while ((b = take_break(s, tag, false))) {
        g_free(b->tag);
        g_free(b);
        ret = 0;
    }
    /* One that stopped a request is used up: QEMU's tools call it missing. */
    while (blkdebug_resume(bs, tag) == 0) {
    }
    return ret;
}

static bool blkdebug_is_suspended(BlockDriverState *bs, const char *tag)
{
    BlkdebugState *s = bs->opaque;
    bool found = false;
    Break *b;

    g_mutex_lock(&s->lock);
    STAILQ_FOREACH(b, &s->breaks, next) {
        found |= b->co && g_str_equal(b->tag, tag);
    }
    g_mutex_unlock(&s->lock);
    return found;
}

/* ---- Requests ---- */

static int coroutine_fn check_error(BlockDriverState *bs, int64_t offset,
                                    int64_t bytes, BlkdebugIOType type)
{
    BlkdebugState *s = bs->opaque;
    bool immediately = true;
    int error = 0;
    Rule *r;

    g_mutex_lock(&s->lock);
    STAILQ_FOREACH(r, &s->rules, next) {
        int64_t at = r->sector * 512;

        if (r->armed && (r->iotypes & (1u << type)) &&
            (r->sector < 0 || (at >= offset && at < offset + bytes))) {
            break;
        }
    }
    if (r) {
        error = r->error;
        immediately = r->immediately;
    }
    if (r && r->once) {
        STAILQ_REMOVE(&s->rules, r, Rule, next);
        g_free(r);
    }
    g_mutex_unlock(&s->lock);
    if (!immediately) {
        co_sleep_ns(CLOCK_REALTIME_NS, 0);
    }
    return -error;
}

static int coroutine_fn blkdebug_co_preadv(BlockDriverState *bs,
                                           int64_t offset, int64_t bytes,
                                           IoVec *iov)
{
    int ret = check_error(bs, offset, bytes, BLKDEBUG_IO_TYPE_READ);

    return ret ? ret : bdrv_filter_co_preadv(bs, offset, bytes, iov);
}

static int coroutine_fn blkdebug_co_pwritev(BlockDriverState *bs,
                                            int64_t offset, int64_t bytes,
                                            IoVec *iov, int flags)
{
    int ret = check_error(bs, offset, bytes, BLKDEBUG_IO_TYPE_WRITE);

    return ret ? ret : bdrv_filter_co_pwritev(bs, offset, bytes, iov, flags);
}

static int coroutine_fn blkdebug_co_pwrite_zeroes(BlockDriverState *bs,
                                                  int64_t offset,
                                                  int64_t bytes, int flags)
{
    int ret = check_error(bs, offset, bytes, BLKDEBUG_IO_TYPE_WRITE_ZEROES);

    return ret ? ret : bdrv_filter_co_pwrite_zeroes(bs, offset, bytes, flags);
}

static int coroutine_fn blkdebug_co_pdiscard(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes)
{
    int ret = check_error(bs, offset, bytes, BLKDEBUG_IO_TYPE_DISCARD);

    return ret ? ret : bdrv_filter_co_pdiscard(bs, offset, bytes);
}

static int coroutine_fn blkdebug_co_flush(BlockDriverState *bs)
{
    int ret = check_error(bs, 0, bs->total_bytes, BLKDEBUG_IO_TYPE_FLUSH);

    return ret ? ret : bdrv_co_flush(bs->file->bs);
}

static int coroutine_fn blkdebug_co_block_status(BlockDriverState *bs,
                                                 bool want_zero,
                                                 int64_t offset, int64_t bytes,
                                                 BdrvStatus *st)
{
    int ret = check_error(bs, offset, bytes, BLKDEBUG_IO_TYPE_BLOCK_STATUS);

    *st = (BdrvStatus) { .pnum = bytes, .map = offset, .file = bs->file->bs };
    return ret ? ret : BDRV_BLOCK_RAW | BDRV_BLOCK_OFFSET_VALID;
}

/* ---- Life ---- */

static void free_rules(BlkdebugState *s)
{
    Rule *r;

    while ((r = STAILQ_FIRST(&s->rules))) {
        STAILQ_REMOVE_HEAD(&s->rules, next);
        g_free(r);
    }
    g_mutex_clear(&s->lock);
}

static bool blkdebug_open(BlockDriverState *bs, BlockdevOptions *options,
                          Error **errp)
{
    BlockdevOptionsBlkdebug *o = &options->u.blkdebug;
    BlkdebugState *s = bs->opaque;

    g_mutex_init(&s->lock);
    STAILQ_INIT(&s->rules);
    STAILQ_INIT(&s->breaks);
    s->state = 1;
    if (o->has_align && (o->align < 1 || o->align > BDRV_MAX_ALIGNMENT ||
                         !IS_POWER_OF_2(o->align))) {
        error_setg(errp, "Cannot meet constraints with align %" PRId64,
                   o->align);
        g_mutex_clear(&s->lock);
        return false;
    }
    s->align = o->has_align ? o->align : 0;
    add_rules(s, o);
    if ((o->config && *o->config && !read_config(s, o->config, errp)) ||
        !bdrv_filter_open(bs, o->image, errp)) {
        free_rules(s);
        return false;
    }
    event_rules(s, BLKDEBUG_EVENT_NONE);
    if (!o->inject_error && !o->set_state && !o->has_align) {
        bs->filename = g_strdup_printf("blkdebug:%s:%s",
                                       o->config ? o->config : "",
                                       bdrv_get_filename(bs->file->bs));
    }
    return true;
}

static void blkdebug_close(BlockDriverState *bs)
{
    BlkdebugState *s = bs->opaque;
    Break *b;

    while ((b = STAILQ_FIRST(&s->breaks))) {
        STAILQ_REMOVE_HEAD(&s->breaks, next);
        g_free(b->tag);
        g_free(b);
    }
    free_rules(s);
}

static void blkdebug_refresh_limits(BlockDriverState *bs)
{
    BlkdebugState *s = bs->opaque;

    bs->limits.request_alignment = MAX(bs->limits.request_alignment, s->align);
}

static void blkdebug_child_refs(BlockdevOptions *o, BdrvChildRefs *refs)
{
    refs->file = o->u.blkdebug.image;
}

/* "blkdebug:RULES:IMAGE"; RULES may be empty. */
static bool blkdebug_parse_filename(const char *filename,
                                    struct json_object *options, Error **errp)
{
    const char *config = filename + strlen("blkdebug:");
    const char *image = strchr(config, ':');
    struct json_object *child = json_object_new_object();

    if (!image) {
        error_setg(errp, "blkdebug requires both config file and image path");
        json_object_put(child);
        return false;
    }
    if (image > config) {
        json_object_object_add(options, "config", json_object_new_string_len(
            config, image - config));
    }
    json_object_object_add(child, "filename",
                           json_object_new_string(image + 1));
    json_object_object_add(options, "image", child);
    return true;
}

static const char *const blkdebug_protocols[] = { "blkdebug:", NULL };

static const BlockDriver blkdebug_driver = {
    .name = "blkdebug",
    .protocols = blkdebug_protocols,
    .parse_filename = blkdebug_parse_filename,
    .instance_size = sizeof(BlkdebugState),
    BDRV_FILTER_FUNCTIONS,
    .open = blkdebug_open,
    .close = blkdebug_close,
    .child_refs = blkdebug_child_refs,
    .get_allocated_size = bdrv_filter_hide_allocated,
    .reopen_prepare = bdrv_filter_reopen_prepare,
    .refresh_limits = blkdebug_refresh_limits,
    .co_debug_event = blkdebug_co_event,
    .debug_break = blkdebug_break,
    .debug_remove_break = blkdebug_remove_break,
    .debug_resume = blkdebug_resume,
    .debug_is_suspended = blkdebug_is_suspended,
    .co_preadv = blkdebug_co_preadv,
    .co_pwritev = blkdebug_co_pwritev,
    .co_pwritev_compressed = bdrv_filter_co_pwritev_compressed,
    .co_flush = blkdebug_co_flush,
    .co_pdiscard = blkdebug_co_pdiscard,
    .co_pwrite_zeroes = blkdebug_co_pwrite_zeroes,
    .co_block_status = blkdebug_co_block_status,
    .co_truncate = bdrv_filter_co_truncate,
};

/* ---- By any node above ---- */

static BlockDriverState *find_below(BlockDriverState *bs)
{
    while (bs && !bs->drv->debug_break) {
        bs = bs->file ? bs->file->bs : NULL;
    }
    return bs;
}

bool bdrv_debug_can_break(BlockDriverState *bs)
{
    return find_below(bs) != NULL;
}

int bdrv_debug_break(BlockDriverState *bs, const char *event, const char *tag)
{
    bs = find_below(bs);
    return bs ? bs->drv->debug_break(bs, event, tag) : -ENOTSUP;
}

int bdrv_debug_remove_break(BlockDriverState *bs, const char *tag)
{
    bs = find_below(bs);
    return bs ? bs->drv->debug_remove_break(bs, tag) : -ENOTSUP;
}

int bdrv_debug_resume(BlockDriverState *bs, const char *tag)
{
    bs = find_below(bs);
    return bs ? bs->drv->debug_resume(bs, tag) : -ENOTSUP;
}

bool bdrv_debug_is_suspended(BlockDriverState *bs, const char *tag)
{
    bs = find_below(bs);
    return bs && bs->drv->debug_is_suspended(bs, tag);
}

static void blkdebug_init(void)
{
    bdrv_register_driver(&blkdebug_driver);
}
type_init(blkdebug_init)
