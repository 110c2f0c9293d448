#!/usr/bin/env python3
"""./dev bench proxy [SERVICES...]: what kube-proxy costs, beside a bare nftables DNAT rule.

For 100, 1,000 and 10,000 services of two endpoints each: kube-apiserver and kube-proxy run as processes
of their own (TLS, durable store) in a network namespace, the "node", between a client's and a server's
namespace; the server answers on every address of the endpoints. "Change to moved" is the time from
sending the PUT of an EndpointSlice to the first connection through the Service that a new endpoint
answers; "change applied" is what of it comes after the API server's answer, the first connection
included. "nft alone" is nft(8) with the same change. Connections are timed by turns through the
Service and through one DNAT rule in a node without anything else: the first packet, a SYN, there and its
answer back. Timing decides nothing: the exit code is 0 unless something failed to run. Needs root;
everything goes with the processes.
"""
import concurrent.futures
import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from controllers import Part
from smoke import INSECURE, TIPHYS, TOKEN, ApiServer, launch, resident_mb, row

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
SIZES = [100, 1000, 10000]
CLIENTS = 32  # that make the services
CHANGES = 100
CONNECTIONS = 3000
BATCH = 50
REST_SECONDS = 0.03  # kube-proxy gathers what comes within 10 ms of the change before
WAIT_SECONDS = 120
PROBE_SECONDS = 0.1  # a SYN that is lost counts as no answer, and not until it comes again
PROBE = "service-0"
NAMESPACE = "/namespaces/default"
SERVICES = f"/api/v1{NAMESPACE}/services"
SLICES = f"/apis/discovery.k8s.io/v1{NAMESPACE}/endpointslices"


def run(*command, **kwargs):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, **kwargs).stdout


def enter(namespace):
    if LIBC.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def new_namespace():
    """This thread moves into it; returns a handle."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    run("ip", "link", "set", "lo", "up")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


class Lan:
    """client 10.42.254.2 -- node -- server, which has all of 10.42.0.0/17."""

    def __init__(self):
        self.client, self.server, self.node = new_namespace(), new_namespace(), new_namespace()
        for name, link in (("client", "10.42.254."), ("server", "10.42.255.")):
            run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0")
            run("ip", "addr", "add", link + "1/24", "dev", name)
            run("ip", "link", "set", name, "up")
            other = getattr(self, name)
            run("ip", "link", "set", "eth0", "netns", f"/proc/{os.getpid()}/fd/{other}")
            enter(other)
            run("ip", "addr", "add", link + "2/24", "dev", "eth0")
            run("ip", "link", "set", "eth0", "up")
            run("ip", "route", "add", "default", "via", link + "1")
            enter(self.node)
        run("ip", "route", "add", "10.42.0.0/17", "via", "10.42.255.2")
        pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        enter(self.server)
        run("ip", "route", "add", "local", "10.42.0.0/17", "dev", "lo")
        self.listener = socket.create_server(("0.0.0.0", 8080), backlog=1024)
        enter(self.node)
        threading.Thread(target=self.answer, daemon=True).start()

    def answer(self):
        while True:
            connection, _ = self.listener.accept()
            with connection, contextlib.suppress(OSError):  # it may be reset already
                connection.send(connection.getsockname()[0].encode())

    def socket(self):
        """A socket of the client."""
        enter(self.client)
        made = socket.socket()
        enter(self.node)
        made.settimeout(PROBE_SECONDS)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return made


def cluster_ip(i):
    return f"10.43.{1 + i // 250}.{1 + i % 250}"


def endpoint_ip(i):
    return f"10.42.{i // 250}.{1 + i % 250}"


def service(i):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"service-{i}"},
            "spec": {"clusterIP": cluster_ip(i), "ports": [{"port": 80, "targetPort": 8080}]}}


def endpoint_slice(i, addresses):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": f"service-{i}", "labels": {"kubernetes.io/service-name": f"service-{i}"}},
            "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
            "endpoints": [{"addresses": [a], "conditions": {"ready": True}, "nodeName": "other"} for a in addresses]}


class Connection:
    """One kept connection to the API server."""

    def __init__(self, server):
        self.http = http.client.HTTPSConnection("127.0.0.1", server.port, context=INSECURE, timeout=60)
        self.http.connect()
        self.http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, method, path, body):
        self.http.request(method, path, json.dumps(body),
                          {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        answer = self.http.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {text[:500]}")


class Bench:
    def __init__(self, folder, lan):
        self.folder, self.lan = pathlib.Path(folder), lan
        self.server = ApiServer(folder)
        self.server.start()
        self.api = None
        self.config = self.folder / "kubeconfig"
        self.config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": self.server.base, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "it", "user": {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
        self.made = 0
        self.turn = 0
        self.proxy = None

    def make_services(self, count):
        def make(numbers):
            api = Connection(self.server)
            for i in numbers:
                api.call("POST", SERVICES, service(i))
                api.call("POST", SLICES, endpoint_slice(i, [endpoint_ip(2 * i), endpoint_ip(2 * i + 1)]))
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(make, [range(self.made + k, count, CLIENTS) for k in range(CLIENTS)]))
        self.made = count
        self.api = Connection(self.server)

    def start_proxy(self):
        """Seconds from process start to a connection through the last service."""
        begun = time.monotonic()
        self.proxy = Part(self.folder, TIPHYS, "kube-proxy", "--kubeconfig", str(self.config),
                          "--hostname-override=bench", "--cluster-cidr=10.42.0.0/16", "-v=4")
        while self.fetch(cluster_ip(self.made - 1)) is None:
            time.sleep(0.005)
            if self.proxy.process.poll() is not None or time.monotonic() - begun > WAIT_SECONDS:
                raise SystemExit("no rules:\n" + self.proxy.log.read_text()[-3000:])
        return time.monotonic() - begun

    def stop_proxy(self):
        self.proxy.stop()
        for table in json.loads(run("nft", "-j", "list", "tables"))["nftables"]:
            if "table" in table:
                run("nft", "delete", "table", table["table"]["family"], table["table"]["name"])

    def transactions(self):
        """Bytes of each transaction so far."""
        lines = re.findall(r'"Applied service rules".*?bytes="?(\d+)', self.proxy.log.read_text())
        return [int(line) for line in lines]

    def fetch(self, address):
        """The endpoint that answers, or None."""
        with self.lan.socket() as probe:
            try:
                probe.connect((address, 80))
                return probe.recv(64).decode() or None
            except OSError:
                return None

    def change(self, count=2):
        """Other endpoints for the probed service. Seconds to traffic moved, and those of the PUT alone."""
        self.turn += 1
        time.sleep(REST_SECONDS)
        wanted = [f"10.42.{120 + self.turn % 2}.{1 + self.turn % 80 + 80 * k}" for k in range(count)]
        begun = time.monotonic()
        self.api.call("PUT", f"{SLICES}/{PROBE}", endpoint_slice(0, wanted))
        answered = time.monotonic()
        while self.fetch(cluster_ip(0)) not in wanted:
            if time.monotonic() - begun > WAIT_SECONDS:
                raise SystemExit("traffic never moved:\n" + self.proxy.log.read_text()[-3000:])
        return time.monotonic() - begun, answered - begun


def quantiles(seconds, unit=1000):
    ordered = sorted(seconds)
    return statistics.median(ordered) * unit, ordered[int(len(ordered) * 0.99)] * unit


def milliseconds(seconds):
    return "{:.1f} / {:.1f} ms".format(*quantiles(seconds))


def sizes_text(sizes):
    return f"{statistics.median(sizes):.0f} / {max(sizes)} B" if sizes else "none"


def nft_seconds(text, times=1):
    took = []
    for _ in range(times):
        begun = time.monotonic()
        run("nft", "-f", "-", input=text)
        took.append(time.monotonic() - begun)
    return took


def connect_seconds(lan, address, times):
    took = []
    for _ in range(times):
        with lan.socket() as probe:
            probe.settimeout(WAIT_SECONDS)
            begun = time.perf_counter()
            probe.connect((address, 80))
            took.append(time.perf_counter() - begun)
    return took


def bare_lan():
    lan = Lan()
    run("nft", "-f", "-", input="""add table ip bare
add chain ip bare pre { type nat hook prerouting priority dstnat; policy accept; }
add rule ip bare pre ip daddr 10.43.1.1 tcp dport 80 dnat to 10.42.0.1:8080
""")
    return lan


def latency(bench, bare):
    """Connect times through the Service, and through the bare rule."""
    ours, theirs = [], []
    for _ in range(CONNECTIONS // BATCH):
        enter(bare.node)
        theirs += connect_seconds(bare, cluster_ip(0), BATCH)
        enter(bench.lan.node)
        ours += connect_seconds(bench.lan, cluster_ip(0), BATCH)
    return ours, theirs


def table_name():
    tables = json.loads(run("nft", "-j", "list", "tables"))["nftables"]
    return next(t["table"]["name"] for t in tables if t.get("table", {}).get("family") == "ip")


def reload_seconds(bench):
    """nft alone loading the whole table, in a namespace of its own."""
    text = run("nft", "list", "ruleset")
    new_namespace()
    took = nft_seconds(text)[0]
    enter(bench.lan.node)
    return took, len(text)


def one_change_by_nft():
    """nft alone with a change like that of an EndpointSlice; changes back at the end."""
    table, key, took = "ip " + table_name(), f"{cluster_ip(0)} . tcp . 80", []
    for i in range(20):
        text = ""
        for k in range(2):
            text += (f"delete element {table} endpoints-{k} {{ {key} }}\n"
                     f"add element {table} endpoints-{k} {{ {key} : 10.42.{119 - k}.{i + 1} . 8080 }}\n")
        took += nft_seconds(text)
    return took


def measure(bench, bare, count):
    bench.make_services(count)
    print(f"{count} services of 2 endpoints", flush=True)
    row("  start of kube-proxy to all rules in the kernel", f"{bench.start_proxy():.2f} s", "-")
    took, size = reload_seconds(bench)
    full = bench.transactions()  # traffic goes before its line is in the log
    row("  whole table", f"{max(full, default=0) / 1000:.0f} kB", "-", f"nft alone {took:.2f} s for {size / 1000:.0f} kB")
    bench.change()
    before = len(bench.transactions())
    moved = [bench.change() for _ in range(CHANGES)]
    sizes = bench.transactions()[before:]
    scaled = [bench.change(2 + i % 2) for i in range(1, CHANGES)]
    scaled_sizes = bench.transactions()[before + len(sizes):]
    alone = one_change_by_nft()  # last: kube-proxy looks closely at its table when others were at nftables
    row("  EndpointSlice change to traffic moved, p50 / p99", milliseconds([m[0] for m in moved]), "-")
    row("    of it the API server's answer", milliseconds([m[1] for m in moved]), "-")
    row("    the rest: change applied", milliseconds([m[0] - m[1] for m in moved]), "10 ms",
        f"nft alone {milliseconds(alone)}")
    row("  scaled to 3 and to 2: change applied, p50 / p99", milliseconds([m[0] - m[1] for m in scaled]), "10 ms")
    row("  transaction of a change, median / largest", sizes_text(sizes), "-", f"scaled {sizes_text(scaled_sizes)}")
    bench.change()
    ours, theirs = latency(bench, bare)
    a, b = quantiles(ours, 1e6), quantiles(theirs, 1e6)
    row("  first packet and its answer, p50 / p99", f"{a[0]:.0f} / {a[1]:.0f} us", "+10%",
        f"bare DNAT rule {b[0]:.0f} / {b[1]:.0f} us: {100 * (a[0] / b[0] - 1):+.1f}%")
    row("  resident memory of kube-proxy", f"{resident_mb(bench.proxy.process.pid):.0f} MB", "-")
    bench.stop_proxy()


def main():
    if os.geteuid() != 0:
        raise SystemExit("needs root: it makes network namespaces")
    sizes = [int(a) for a in sys.argv[1:]] or SIZES
    bare = bare_lan()
    with tempfile.TemporaryDirectory(prefix="tiphys-bench-") as folder:
        bench = Bench(folder, Lan())
        for count in sizes:
            measure(bench, bare, count)
        bench.server.stop()


main()
