#!/usr/bin/env python3
"""./dev bench node: what the kubelet costs, beside what the runtime costs alone.

kube-apiserver, kube-controller-manager and kubelet run as processes of their own (TLS, durable
store, containerd with real containers). Pods name their node, so no scheduler is in the way. A pod's
start is the time from its create to the moment that a watch says Running. The peer of each figure
is the same pair of containers (pause, busybox) started through `ctr` on the same containerd in the same
run, without a network and without a kubelet. Timing decides nothing: the exit code is 0 unless something
failed to run.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from controllers import Part, processor_seconds
from smoke import INSECURE, ROOT, TIPHYS, TOKEN, ApiServer, free_port, resident_mb, row

PODS = "/api/v1/namespaces/default/pods"
IMAGES = ROOT / "build/e2e/images"
BRIDGE = "tiphysbench"
COMMAND = ["/bin/sleep", "1000000"]
ONE_BY_ONE = 20
AT_ONCE = 30
MOST = 100
IDLE_SECONDS = 20
WAIT_SECONDS = 120


def pod(name):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"nodeName": "bench", "terminationGracePeriodSeconds": 0,
                     "containers": [{"name": "c", "image": "busybox", "imagePullPolicy": "IfNotPresent",
                                     "command": COMMAND}]}}


def milliseconds(values):
    ordered = sorted(values)
    return statistics.median(ordered) * 1000, ordered[int(len(ordered) * 0.99)] * 1000


def pair(values):
    return "{:.0f} / {:.0f} ms".format(*milliseconds(values))


class Watch(threading.Thread):
    """Notes when each pod was first seen Running."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.running = {}
        self.changed = threading.Condition()
        request = urllib.request.Request(f"{server.base}{PODS}?watch=true&timeoutSeconds=3600",
                                         headers={"Authorization": f"Bearer {TOKEN}"})
        self.answer = urllib.request.urlopen(request, timeout=3600, context=INSECURE)
        self.start()

    def run(self):
        for line in self.answer:
            now = time.monotonic()
            event = json.loads(line)
            name = event["object"]["metadata"]["name"]
            with self.changed:
                if event["object"].get("status", {}).get("phase") == "Running":
                    self.running.setdefault(name, now)
                self.changed.notify_all()

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(condition, WAIT_SECONDS):
                raise SystemExit(f"no {what} within {WAIT_SECONDS} s")


class Node:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "node"
        (self.data / "images").mkdir(parents=True)
        IMAGES.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, str(ROOT / "tests/images/make_image.py"), "--all", str(IMAGES)], check=True)
        (self.data / "images/busybox.tar").symlink_to(IMAGES / "busybox.tar")
        self.server = ApiServer(folder)
        self.server.start()
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": self.server.base, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "it", "user": {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
        self.manager = Part(folder, TIPHYS, "kube-controller-manager", "--kubeconfig", str(self.kubeconfig),
                            "--leader-elect=false", "--secure-port=0", "--kube-api-qps=-1")
        self.kubelet = Part(folder, TIPHYS, "kubelet", "--kubeconfig", str(self.kubeconfig), "--data-dir",
                            str(self.data), "--hostname-override=bench", "--port", str(free_port()),
                            "--bridge-name", BRIDGE, "--cluster-cidr=10.90.0.0/16", "--pod-cidr=10.90.1.0/24",
                            f"--max-pods={MOST + 10}", "--client-ca-file",
                            str(self.folder / "data/pki/ca.crt"))
        self.until(lambda: any(c["type"] == "Ready" and c["status"] == "True" for n in self.get("/api/v1/nodes")["items"]
                               for c in n["status"].get("conditions", [])), "Ready node")
        self.watch = Watch(self.server)

    def get(self, path):
        return json.loads(self.server.call("GET", path))

    def until(self, condition, what):
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if self.kubelet.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"no {what}:\n" + self.kubelet.log.read_text()[-3000:])
            time.sleep(0.05)

    def stop(self):
        self.kubelet.stop()
        subprocess.run([TIPHYS, "purge", "--data-dir", str(self.data), "--bridge-name", BRIDGE], check=True,
                       capture_output=True, timeout=300)
        self.manager.stop()
        self.server.stop()

    # ---- pods ----

    def start(self, names):
        """Creates them at once; seconds from each create to Running."""
        begun = {}

        def create(name):
            begun[name] = time.monotonic()
            self.server.call("POST", PODS, pod(name))
        with concurrent.futures.ThreadPoolExecutor(len(names)) as clients:
            list(clients.map(create, names))
        self.watch.wait(lambda: all(name in self.watch.running for name in names), f"{len(names)} running pods")
        return [self.watch.running[name] - begun[name] for name in names]

    def end(self, names):
        """Seconds until nothing of them is left on the node."""
        begun = time.monotonic()
        for name in names:
            self.server.call("DELETE", f"{PODS}/{name}")
        folders = self.data / "kubelet/pods"
        self.until(lambda: not any(folders.iterdir()), "end of the pods")
        return time.monotonic() - begun

    def cost(self, pods):
        """The kubelet at rest: resident MB and percent of a core."""
        pid = self.kubelet.process.pid
        begun, used = time.monotonic(), processor_seconds(pid)
        time.sleep(IDLE_SECONDS)
        percent = 100 * (processor_seconds(pid) - used) / (time.monotonic() - begun)
        row(f"kubelet with {pods} pods: resident", f"{resident_mb(pid):.1f} MB", "20 MB" if pods == MOST else "")
        row(f"kubelet with {pods} pods: idle CPU", f"{percent:.2f} %", "0.5 %" if pods == MOST else "")


class Runtime:
    """The same containers through ctr, in a containerd namespace of its own."""

    def __init__(self, node):
        config = (node.data / "containerd/config.toml").read_text()
        self.socket = re.search(r'address = "(.*?containerd\.sock)"', config).group(1)
        self.ctr("images", "import", str(IMAGES / "busybox.tar"))
        self.image = self.ctr("images", "ls", "-q").split()[0]

    def ctr(self, *arguments):
        done = subprocess.run(["ctr", "--address", str(self.socket), "--namespace", "bench", *arguments], check=False,
                              capture_output=True, text=True, timeout=WAIT_SECONDS)
        if done.returncode != 0:
            raise SystemExit(f"ctr {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def id(self, name, part):
        """Of this run: runc keeps its state outside of containerd's folders."""
        return f"{os.getpid()}-{name}-{part}"

    def remove_task(self, name):
        deadline = time.monotonic() + WAIT_SECONDS
        while name in self.ctr("tasks", "ls"):  # its shim may be going just now
            if time.monotonic() > deadline:
                raise SystemExit(f"{name} can't be removed")
            subprocess.run(["ctr", "--address", str(self.socket), "--namespace", "bench", "tasks", "rm", "-f", name],
                           check=False, capture_output=True, timeout=WAIT_SECONDS)

    def start_one(self, name):
        begun = time.monotonic()
        for part in ("pause", "c"):
            self.ctr("run", "-d", self.image, self.id(name, part), *COMMAND)
        return time.monotonic() - begun

    def start(self, names):
        with concurrent.futures.ThreadPoolExecutor(len(names)) as clients:
            return list(clients.map(self.start_one, names))

    def end(self, names):
        for name in names:
            for part in ("pause", "c"):
                self.ctr("tasks", "kill", "-s", "SIGKILL", self.id(name, part))
        for name in names:
            for part in ("pause", "c"):
                self.remove_task(self.id(name, part))
                self.ctr("containers", "rm", self.id(name, part))


def compare(what, ours, peer, goal):
    over = milliseconds(ours)[0] - milliseconds(peer)[0]
    row(f"{what}: create to Running, p50 / p99", pair(ours), "", f"ctr alone: {pair(peer)}")
    row(f"{what}: over the runtime at p50", f"{over:.0f} ms", goal)


def measure(node):
    runtime = Runtime(node)
    node.start(["warm"])
    runtime.start(["warm"])
    node.end(["warm"])
    runtime.end(["warm"])
    node.cost(0)
    singles = [f"single-{i}" for i in range(ONE_BY_ONE)]
    ours, peer = [], []
    for name in singles:  # in turns, so that both see the same machine
        ours += node.start([name])
        peer += runtime.start([name])
    compare("one by one", ours, peer, "100 ms")
    node.end(singles)
    runtime.end(singles)
    many = [f"many-{i}" for i in range(AT_ONCE)]
    ours = node.start(many)
    node.cost(AT_ONCE)
    peer = runtime.start(many)
    runtime.end(many)
    compare(f"{AT_ONCE} at once", ours, peer, "")
    rest = [f"rest-{i}" for i in range(MOST - AT_ONCE)]
    node.start(rest)
    node.cost(MOST)
    row(f"{MOST} pods deleted, without a trace", f"{node.end(many + rest):.2f} s", "")
    node.cost(0)


def main():
    with tempfile.TemporaryDirectory(prefix="tiphys-bench-") as folder:
        node = Node(folder)
        try:
            measure(node)
        finally:
            node.stop()


if __name__ == "__main__":
    main()
