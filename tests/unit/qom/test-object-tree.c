/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children, paths, links and aliases. */
#include "util/osdep.h"
#include "qom/object.h"

#define TYPE_NODE "test-node"
#define TYPE_OTHER "test-other"

typedef struct Node {
    Object parent_obj;
    Object *peer;
    Object *strong_peer;
    struct {
        Object parent_obj;
    } inner;
} Node;

static int finalized;
static int unparented;

static void node_finalize(Object *obj)
{
    finalized++;
}

static void node_unparent(Object *obj)
{
    unparented++;
    g_assert_nonnull(obj->parent);
}

static void node_class_init(ObjectClass *oc, const void *data)
{
    oc->unparent = node_unparent;
}

static bool refuse_self(const Object *obj, const char *name, Object *value,
                        Error **errp)
{
    if (value == obj) {
        error_setg(errp, "not to itself");
        return false;
    }
    return true;
}

static void node_init(Object *obj)
{
    Node *n = (Node *)obj;

    object_property_add_link(obj, "peer", TYPE_NODE, &n->peer, "a friend",
                             refuse_self, OBJ_LINK_WEAK);
    object_property_add_link(obj, "strong", TYPE_NODE, &n->strong_peer,
                             "a close friend", object_link_allow_any,
                             OBJ_LINK_STRONG);
}

static const TypeInfo types[] = {
    {
        .name = TYPE_NODE, .parent = TYPE_OBJECT,
        .instance_size = sizeof(Node), .instance_init = node_init,
        .instance_finalize = node_finalize, .class_init = node_class_init,
    }, {
        .name = TYPE_OTHER, .parent = TYPE_OBJECT,
        .instance_size = sizeof(Object),
    },
};
DEFINE_TYPES(types)

static Object *add_node(Object *parent, const char *name, const char *type)
{
    Object *obj = object_new(type);

    object_property_add_child(parent, name, obj);
    object_unref(obj);
    return obj;
}

static void test_paths(void)
{
    Object *a = object_get_container("/x/a");
    Object *b = object_get_container("/x/b");
    Object *disk = add_node(a, "disk", TYPE_NODE);
    Object *net = add_node(b, "net", TYPE_NODE);
    Object *net2 = add_node(b, "nets[*]", TYPE_NODE);
    Object *net3 = add_node(b, "nets[*]", TYPE_NODE);
    g_autofree char *path = object_get_canonical_path(disk);
    g_autofree char *root = object_get_canonical_path(object_get_root());
    bool ambiguous;

    g_assert_cmpstr(path, ==, "/x/a/disk");
    g_assert_cmpstr(root, ==, "/");
    g_assert_cmpstr(object_get_canonical_path_component(net2), ==, "nets[0]");
    g_assert_cmpstr(object_get_canonical_path_component(net3), ==, "nets[1]");
    g_assert(object_resolve_path("/x/a/disk", NULL) == disk);
    g_assert(object_resolve_path("/x//a/disk/", NULL) == disk);
    g_assert(object_resolve_path("/", NULL) == object_get_root());
    g_assert(object_resolve_path("disk", NULL) == disk);
    g_assert(object_resolve_path("b/net", NULL) == net);
    g_assert_null(object_resolve_path("/x/a/none", NULL));
    g_assert_null(object_resolve_path("", NULL));
    g_assert_null(object_resolve_path("/x/a/disk/type", NULL));

    add_node(b, "disk", TYPE_OTHER);
    g_assert_null(object_resolve_path("disk", &ambiguous));
    g_assert_true(ambiguous);
    g_assert(object_resolve_path_type("disk", TYPE_NODE, &ambiguous) == disk);
    g_assert_false(ambiguous);

    finalized = unparented = 0;
    object_unparent(object_get_container("/x"));
    g_assert_cmpint(finalized, ==, 4);
    g_assert_cmpint(unparented, ==, 4);
    g_assert_null(object_resolve_path("/x", NULL));
}

static void test_path_not_in_tree(void)
{
    g_autoptr(Object) obj = object_new(TYPE_NODE);

    g_assert_null(object_get_canonical_path(obj));
}

static int count_one(Object *child, void *opaque)
{
    return ++*(int *)opaque == 3 ? 33 : 0;
}

static void test_foreach(void)
{
    g_autoptr(Object) top = object_new(TYPE_NODE);
    int n = 0;

    add_node(add_node(top, "one", TYPE_NODE), "two", TYPE_NODE);
    g_assert_cmpint(object_child_foreach(top, count_one, &n), ==, 0);
    g_assert_cmpint(n, ==, 1);
    n = 0;
    g_assert_cmpint(object_child_foreach_recursive(top, count_one, &n), ==, 0);
    g_assert_cmpint(n, ==, 2);
    add_node(top, "three", TYPE_NODE);
    n = 0;
    g_assert_cmpint(object_child_foreach_recursive(top, count_one, &n), ==, 33);
}

static void test_links(void)
{
    Object *top = object_get_container("/l");
    Object *a = add_node(top, "a", TYPE_NODE);
    Object *b = add_node(top, "b", TYPE_NODE);
    g_autofree char *path = NULL;
    Error *err = NULL;

    add_node(top, "o", TYPE_OTHER);
    g_assert_cmpstr(object_property_find(a, "peer")->type, ==,
                    "link<test-node>");
    g_assert_cmpstr(object_property_find(top, "a")->type, ==,
                    "child<test-node>");
    g_assert_true(object_property_set_str(a, "peer", "b", NULL));
    g_assert(object_property_get_link(a, "peer", NULL) == b);
    path = object_property_get_str(a, "peer", NULL);
    g_assert_cmpstr(path, ==, "/l/b");
    g_assert_true(object_property_set_link(b, "peer", a, NULL));
    g_assert(object_resolve_path("/l/a/peer/peer", NULL) == a);
    g_assert_true(object_property_set_link(a, "peer", NULL, NULL));
    g_assert_null(object_property_get_link(a, "peer", NULL));

    g_assert_false(object_property_set_str(a, "peer", "o", &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "Invalid parameter type for 'peer', expected: test-node");
    g_clear_pointer(&err, error_free);
    g_assert_false(object_property_set_str(a, "peer", "zz", &err));
    g_assert_cmpint(error_get_class(err), ==, ERROR_CLASS_DEVICE_NOT_FOUND);
    g_assert_cmpstr(error_get_pretty(err), ==, "Device 'zz' not found");
    g_clear_pointer(&err, error_free);
    g_assert_false(object_property_set_str(a, "peer", "/l/a", &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "not to itself");
    g_clear_pointer(&err, error_free);
    g_assert_false(object_property_set_str(top, "a", "x", &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "Property 'container.a' is not writable");
    g_clear_pointer(&err, error_free);

    /* a strong link keeps its target until it changes */
    g_assert_true(object_property_set_link(a, "strong", b, NULL));
    object_unparent(b);
    finalized = 0;
    g_assert_true(object_property_set_str(a, "strong", "", NULL));
    g_assert_cmpint(finalized, ==, 1);
    object_unparent(top);
}

static void test_alias(void)
{
    Object *top = object_get_container("/al");
    Object *a = add_node(top, "a", TYPE_NODE);
    Object *b = add_node(top, "b", TYPE_NODE);
    g_autofree char *type = NULL;

    object_property_add_alias(b, "a-peer", a, "peer");
    object_property_add_alias(b, "a-type", a, "type");
    object_property_add_alias(top, "first", top, "a");
    g_assert_cmpstr(object_property_find(top, "first")->type, ==,
                    "link<test-node>");
    g_assert_true(object_property_set_str(b, "a-peer", "/al/b", NULL));
    g_assert(((Node *)a)->peer == b);
    g_assert(object_resolve_path("/al/first/peer", NULL) == b);
    type = object_property_get_str(b, "a-type", NULL);
    g_assert_cmpstr(type, ==, TYPE_NODE);
    object_unparent(top);
}

static void test_embedded_child(void)
{
    Node *n = (Node *)object_new(TYPE_NODE);

    finalized = 0;
    object_initialize_child(n, "inner", &n->inner, TYPE_OTHER);
    g_assert(object_resolve_path_component((Object *)n, "inner") ==
             (Object *)&n->inner);
    object_unref(n);
    g_assert_cmpint(finalized, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qom/object-tree/paths", test_paths);
    g_test_add_func("/qom/object-tree/paths/outside", test_path_not_in_tree);
    g_test_add_func("/qom/object-tree/foreach", test_foreach);
    g_test_add_func("/qom/object-tree/links", test_links);
    g_test_add_func("/qom/object-tree/alias", test_alias);
    g_test_add_func("/qom/object-tree/embedded", test_embedded_child);
    return g_test_run();
}
