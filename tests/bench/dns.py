#!/usr/bin/env python3
"""./dev bench dns: how many questions one core answers.

`tiphys dns` follows a real API server with 10,000 Services and a headless one of 100 endpoints; dnsperf asks as fast
as it gets answers, from another core. The first figure is answers by second of the server's own processor time, so that
nobody else's share of the machine counts; the second is by the clock, with how busy server and dnsperf were: if neither
was, others had the cores. dnsmasq answers the same from a file in the same run, as the peer. Before it all: the wire
format alone, beside libldns (wire_bench). Timing decides nothing: the exit code is 0 unless something failed to run.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from controllers import Part  # noqa: E402
from smoke import ROOT, TIPHYS, TOKEN, ApiServer, launch, resident_mb  # noqa: E402

WIRE_BENCH = ROOT / "build/release/src/dns/wire_bench"
ZONE = "svc.cluster.local"
GOAL = 50_000
ENDPOINTS = 100
NAMES = 2000  # that are asked for, of all


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"name": "http", "port": 80}], **spec}}


def headless_slice():
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "pets-1", "labels": {"kubernetes.io/service-name": "pets"}},
            "endpoints": [{"addresses": [f"10.42.0.{i + 1}"], "hostname": f"pet-{i}"} for i in range(ENDPOINTS)],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}


def create_services(server, count):
    """Eight connections create them; returns name -> address."""
    import ssl
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = server.base.split("//")[1]

    def work(names):
        connection = http.client.HTTPSConnection(address, context=context)
        made = {}
        for name in names:
            connection.request("POST", "/api/v1/namespaces/default/services", json.dumps(service(name)),
                               {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            body = json.loads(answer.read())
            if answer.status != 201:
                raise SystemExit(f"{name}: {body}")
            made[name] = body["spec"]["clusterIP"]
        return made
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        parts = pool.map(work, [[f"web-{i}" for i in range(at, count, 8)] for at in range(8)])
        return {name: ip for part in parts for name, ip in part.items()}


def cores():
    """(the server's, dnsperf's): one each, so that neither takes the other's time."""
    own = sorted(os.sched_getaffinity(0))
    return own[0], own[-1]


def busy_seconds(pid):
    """To the nanosecond: on a busy machine a run may be a few hundredths long."""
    return sum(int((thread / "schedstat").read_text().split()[0])
               for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def keep_on(core, pid):
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


class Asked:
    """What dnsperf got out of a server; both have a core, and whoever fills it sets the pace."""

    def __init__(self, port, pid, questions, seconds):
        server_core, own_core = cores()
        keep_on(server_core, pid)
        before = busy_seconds(pid)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(["taskset", "-c", str(own_core), "dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d",
                               str(questions), "-l", str(seconds), "-c", "16", "-q", "200", "-e"],
                              capture_output=True, text=True, check=True)
        used = busy_seconds(pid) - before
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = float(re.search(r"Run time \(s\): +([\d.]+)", done.stdout).group(1))
        self.busy = used / ran
        self.asker_busy = (after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime) / ran
        self.completed = int(re.search(r"Queries completed: +(\d+)", done.stdout).group(1))
        self.lost = int(re.search(r"Queries lost: +(\d+)", done.stdout).group(1))
        self.rcodes = re.search(r"Response codes: +(.*)", done.stdout).group(1)
        self.by_second = float(re.search(r"Queries per second: +([\d.]+)", done.stdout).group(1))
        self.by_core = self.completed / used


def start_dnsmasq(folder, addresses, port):
    hosts = folder / "hosts"
    lines = [f"{ip} {name}.default.{ZONE}" for name, ip in addresses.items()]
    lines += [f"10.42.0.{i + 1} pet-{i}.pets.default.{ZONE}" for i in range(ENDPOINTS)]
    hosts.write_text("\n".join(lines) + "\n")
    config = folder / "dnsmasq.conf"
    config.write_text("\n".join(
        [f"port={port}", "listen-address=127.0.0.1", "bind-interfaces", "no-resolv", "no-hosts", f"addn-hosts={hosts}",
         "local=/cluster.local/", "user=root", "no-daemon", "edns-packet-max=1232"] +
        [f"srv-host=_http._tcp.pets.default.{ZONE},pet-{i}.pets.default.{ZONE},8080" for i in range(ENDPOINTS)]))
    return launch(["dnsmasq", "-C", str(config)], subprocess.DEVNULL)


def wait_for_answer(port, name):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done = subprocess.run(["dig", "+short", "+time=1", "+tries=1", "-p", str(port), "@127.0.0.1", name],
                              capture_output=True, text=True, check=False)
        if re.match(r"\d+\.", done.stdout):
            return
        time.sleep(0.1)
    raise SystemExit(f"no answer for {name}")


def change_seconds(server, port):
    """From the answer to a create to the first answer with the new name."""
    took = []
    for i in range(20):
        name = f"late-{i}"
        server.call("POST", "/api/v1/namespaces/default/services", service(name))
        start = time.monotonic()
        query = b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"".join(
            bytes([len(label)]) + label.encode() for label in f"{name}.default.{ZONE}".split(".")) + b"\0\0\1\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ask:
            ask.settimeout(5)
            while True:
                ask.sendto(query, ("127.0.0.1", port))
                if ask.recv(4096)[3] & 15 == 0:
                    break
        took.append(time.monotonic() - start)
    return sorted(took)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--services", type=int, default=10000)
    parser.add_argument("--seconds", type=int, default=5)
    flags = parser.parse_args()
    subprocess.run([WIRE_BENCH, "--benchmark_min_time=0.2"], stderr=subprocess.DEVNULL, check=True)
    with tempfile.TemporaryDirectory(prefix="tiphys-bench-") as text:
        folder = pathlib.Path(text)
        run(folder, flags)


def run(folder, flags):
    server = ApiServer(folder)
    server.start()
    addresses = create_services(server, flags.services)
    server.call("POST", "/api/v1/namespaces/default/services", service("pets", clusterIP="None"))
    server.call("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", headless_slice())
    config = folder / "kubeconfig"
    config.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": server.base, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "it", "user": {"token": TOKEN}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
    port, peer_port = free_udp_port(), free_udp_port()
    ours = Part(folder, TIPHYS, "dns", "--kubeconfig", str(config), "--address", "127.0.0.1", "--port", str(port),
                "--resolv-conf=", "--metrics-port=0")
    wait_for_answer(port, f"web-0.default.{ZONE}")
    peer = start_dnsmasq(folder, addresses, peer_port) if shutil.which("dnsmasq") else None
    cases = {
        "A of a Service": "".join(f"{name}.default.{ZONE} A\n" for name in list(addresses)[:NAMES]),
        f"SRV, headless, {ENDPOINTS} endpoints": f"_http._tcp.pets.default.{ZONE} SRV\n",
        "NXDOMAIN": "".join(f"nobody-{i}.default.{ZONE} A\n" for i in range(NAMES)),
    }
    print(f"{flags.services} Services; answers by second of one core's time; goal {GOAL}; "
          "the server on one core, dnsperf on another")
    for what, lines in cases.items():
        questions = folder / "questions"
        questions.write_text(lines)
        own = Asked(port, ours.process.pid, questions, flags.seconds)
        line = (f"{what:34} {own.by_core:10.0f}/s  (by the clock {own.by_second:.0f}/s, server busy {own.busy:.0%}, "
                f"dnsperf {own.asker_busy:.0%}; lost {own.lost}, {own.rcodes})")
        if peer:
            other = Asked(peer_port, peer.pid, questions, flags.seconds)
            line += f"  dnsmasq {other.by_core:.0f}/s, by the clock {other.by_second:.0f}/s ({other.rcodes})"
        print(line, flush=True)
    took = change_seconds(server, port)
    print(f"{'a new Service is known after':34} p50 {took[9] * 1e3:.1f} ms, most {took[-1] * 1e3:.1f} ms")
    print(f"{'memory':34} {resident_mb(ours.process.pid):.0f} MB")
    if peer:
        peer.send_signal(signal.SIGTERM)
        peer.wait(30)
    ours.stop()
    server.stop()


if __name__ == "__main__":
    main()
