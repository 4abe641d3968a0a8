/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines that libvirt and Kata Containers use pass the real table. */
#include "util/osdep.h"
#include "qapi/qapi-options.h"
#include "util/error.h"

static const struct {
    const char *option, *arg;
    const char *err;        /* NULL: fine */
} cases[] = {
    { "name", "sandbox-1,debug-threads=on" },
    { "name", "guest=x,debug-threads=on" },
    { "machine", "virt,accel=kvm,kernel_irqchip,nvdimm" },
    { "M", "q35,accel=kvm:tcg" },
    { "machine", "virt,usb=off,dump-guest-core=off,memory-backend=pc.ram" },
    { "cpu", "host," },
    { "cpu", "host,pmu=off" },
    { "qmp", "unix:fd=3,server=on,wait=off" },
    { "m", "2048M,slots=10,maxmem=17024M" },
    { "m", "512" },
    { "m", "size=2097152k" },
    { "smp", "1,cores=1,threads=1,sockets=4,maxcpus=4" },
    { "smp", "4" },
    { "smp", "cpus=x", "Parameter 'cpus' expects an integer, not 'x'" },
    { "smp", "4,socket=1",
      "Parameter 'socket' is unexpected, did you mean 'sockets'?" },
    { "device", "pci-bridge,bus=pcie.0,id=pci-bridge-0,chassis_nr=1,shpc=off,"
      "addr=2,io-reserve=4k,mem-reserve=1m,pref64-reserve=1m" },
    { "device", "driver=virtio-net-pci,netdev=network-0,mq=on,vectors=4" },
    { "device", "{\"driver\":\"pcie-root-port\",\"port\":8,\"chassis\":1,"
      "\"id\":\"pci.1\",\"multifunction\":true,\"addr\":\"0x1\"}" },
    { "chardev", "socket,id=c0,path=/run/console.sock,server=on,wait=off" },
    { "chardev", "socket,id=c0,fd=33,server=on,wait=off" },
    { "chardev", "socket,id=c0,host=127.0.0.1,port=1,server,nowait" },
    { "chardev", "stdio,id=c0,mux=on,signal=off" },
    { "chardev", "pty,id=c0" },
    { "chardev", "ringbuf,id=c0,size=64K" },
    { "chardev", "file,id=c0,path=/tmp/x,append=on,logfile=/tmp/y" },
    { "chardev", "sokcet,id=c0", "Parameter 'backend' does not accept value "
      "'sokcet', did you mean 'socket'?" },
    { "object", "rng-random,id=rng0,filename=/dev/urandom" },
    { "object", "memory-backend-file,id=dimm1,size=2048M,mem-path=/dev/shm,"
      "share=on" },
    { "object", "memory-backend-ram,id=n0,size=1024M,host-nodes=0,"
      "policy=bind" },
    { "object", "{\"qom-type\":\"secret\",\"id\":\"masterKey0\","
      "\"format\":\"raw\",\"file\":\"/x\"}" },
    { "object", "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"ram\","
      "\"share\":true,\"x-use-canonical-path-for-ramblock-id\":false,"
      "\"size\":1073741824,\"host-nodes\":[0],\"policy\":\"bind\"}" },
    { "object", "iothread,id=io0,poll-max-ns=0" },
    { "object", "iothread", "Parameter 'id' is missing" },
#ifdef CONFIG_VHOST_NET
    { "netdev", "tap,id=n0,vhost=on,vhostfds=5:6,fds=7:8" },
#endif
#ifdef CONFIG_SLIRP
    { "netdev", "user,id=n0,hostfwd=tcp::2222-:22,hostfwd=udp::53-:53,"
      "restrict=on" },
#endif
#ifdef CONFIG_VHOST_NET
    { "netdev", "{\"type\":\"tap\",\"fd\":\"33\",\"vhost\":true,"
      "\"vhostfd\":\"34\",\"id\":\"hostnet0\"}" },
#endif
    { "netdev", "stream,id=n0,server=off,addr.type=unix,addr.path=/tmp/s" },
    { "netdev", "dgram,id=n0,local.type=inet,local.host=::1,local.port=1,"
      "remote.type=inet,remote.host=::1,remote.port=2" },
    { "blockdev", "driver=file,node-name=image,filename=/dev/fdset/1,"
      "aio=threads,cache.direct=off,cache.no-flush=off,read-only=on,"
      "discard=unmap" },
    { "blockdev", "{\"driver\":\"raw\",\"node-name\":\"f\",\"read-only\":false,"
      "\"file\":\"storage\"}" },
    { "blockdev", "raw,node-name=d,file.driver=file,file.filename=x.img" },
    { "blockdev", "null-co,node-name=n,size=1048576,read-zeroes=on" },
    { "blockdev", "rwa,node-name=d", "Parameter 'driver' does not accept "
      "value 'rwa', did you mean 'raw'?" },
    { "blockdev", "vmdk,node-name=d", "Parameter 'driver' does not accept "
      "value 'vmdk': convert the image: qemu-img convert -O qcow2" },
    { "drive", "id=image,file=x.img,aio=threads,format=raw,if=none,"
      "readonly=on" },
    { "drive", "file=x.img,if=virtio,cache=none,discard=unmap" },
    { "global", "kvm-pit.lost_tick_policy=discard" },
    { "rtc", "base=utc,driftfix=slew,clock=host" },
    { "vga", "none" },
    { "display", "none" },
    { "display", "gtk", "Parameter 'type' does not accept value 'gtk': there "
      "is no graphical display: use a console (-serial, or -device "
      "virtconsole)" },
    { "vga", "std", "invalid value 'std': there is no graphical display: use "
      "a console (-serial, or -device virtconsole)" },
    { "nic", "none" },
#ifdef CONFIG_SLIRP
    { "nic", "user,model=virtio-net-pci,mac=52:54:00:12:34:56,"
      "hostfwd=tcp::2222-:22,hostfwd=tcp::8080-:80" },
#endif
    { "nic", "tap,ifname=tap0,script=no,downscript=no,id=n0" },
    { "nic", "tap,modle=e1000",
      "Parameter 'modle' is unexpected, did you mean 'model'?" },
    { "net", "none" },
    { "net", "user", "invalid value 'user': use -nic TYPE, or -netdev and "
      "-device virtio-net-pci" },
    { "drive", "file=x.img,if=ide", "Parameter 'if' does not accept value "
      "'ide': there is no IDE: use if=virtio" },
    { "fw_cfg", "name=opt/x,string=y" },
    { "fw_cfg", "opt/x,file=y" },
    { "fw_cfg", "string=y", "Parameter 'name' is missing" },
    { "set", "device.x.y=z" },
    { "vnc", "none" },
    { "vnc", ":0", "invalid value ':0': there is no graphical display: use "
      "a console (-serial, or -device virtconsole)" },
    { "debugcon", "stdio" },
    { "chroot", "/" },
    { "runas", "1:2" },
    { "audiodev", "{\"id\":\"audio1\",\"driver\":\"none\"}" },
    { "audiodev", "none,id=x" },
#ifdef CONFIG_SECCOMP
    { "sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
      "resourcecontrol=deny" },
#endif
    { "boot", "strict=on" },
    { "boot", "c" },
    { "overcommit", "mem-lock=off" },
    { "add-fd", "fd=4,set=1,opaque=kata-block:drive-0:block-source" },
    { "msg", "timestamp=on" },
    { "mon", "chardev=charmonitor,id=monitor,mode=control" },
    { "action", "reboot=shutdown,panic=pause" },
    { "run-with", "async-teardown=on" },
    { "trace", "enable=virtio_*,file=/tmp/t" },
    { "trace", "virtio_*" },
};

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(CliOptions) opts = cli_new(&cli_table);
        g_autoptr(Error) err = NULL;
        g_autofree char *dashed = g_strconcat("-", cases[i].option, NULL);
        char *argv[] = { (char *)"p", dashed, (char *)cases[i].arg };
        const char *text = NULL;

        g_test_message("%zu: %s %s", i, cases[i].option, cases[i].arg);
        if (!cli_parse(opts, 3, argv, &err) || !cli_check(opts, &err)) {
            text = error_get_pretty(err);
            text = strstr(text, cases[i].arg);
            text = text ? text + strlen(cases[i].arg) + 2
                        : error_get_pretty(err);
        }
        g_assert_cmpstr(text, ==, cases[i].err);
    }
}

static void test_flags(void)
{
    static const char *const flags[] = {
        "-no-user-config", "-nodefaults", "-nographic", "--no-reboot",
        "-no-shutdown", "-daemonize", "-S", "-enable-kvm", "-version",
        "-h", "--help",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        g_autoptr(CliOptions) opts = cli_new(&cli_table);
        char *argv[] = { (char *)"p", (char *)flags[i] };

        g_assert_true(cli_parse(opts, 2, argv, NULL));
    }
}

/* No line of --help is wider than a terminal, unless one key is. */
static void test_help_width(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    g_auto(GStrv) lines = NULL;

    cli_print_help(&cli_table, "qemu-system-nemu", out);
    fclose(out);
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_test_message("%s", *line);
        g_assert_cmpuint(strlen(*line), <=, 80);
    }
    free(text);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/nemu-options/cases", test_cases);
    g_test_add_func("/qapi/nemu-options/flags", test_flags);
    g_test_add_func("/qapi/nemu-options/help-width", test_help_width);
    return g_test_run();
}
