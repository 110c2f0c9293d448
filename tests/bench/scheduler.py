#!/usr/bin/env python3
"""./dev bench scheduler: how fast pods get their nodes.

First the algorithm alone (scheduler_bench, in process), then end to end: kube-apiserver on the
embedded store and kube-scheduler as processes of their own, TLS between them, node objects that
hollow nodes registered. Workloads stand in scheduler_workloads.txt. Pods are created by h2load as
fast as it can; pod_watch sees when each is created and when it has its node.

    all       pods a second from the first creation to the last placement
    placing   pods a second from the first placement to the last, creations still going on
    p50, p99  of a pod's time from creation to its node, as a watch sees it: with creations faster
              than placements it is the backlog that counts

Timing decides nothing: the exit code is 0 unless something failed to run.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

from controllers import Part, processor_seconds
from smoke import ROOT, TIPHYS, TOKEN, ApiServer, h2load

FOLDER = pathlib.Path(__file__).parent
WORKLOADS = FOLDER / "scheduler_workloads.txt"
IN_PROCESS = os.environ.get("SCHEDULER_BENCH", str(ROOT / "build/release/src/scheduler/scheduler_bench"))
POD_WATCH = os.environ.get("POD_WATCH", str(ROOT / "build/release/tests/bench/pod_watch"))
# As upstream's scheduler_perf runs its API server.
DISABLED = "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,Priority"
CONNECTIONS = ["-c", "8", "-m", "8"]
SIZES = (100, 1000, 5000)


class Workload:
    def __init__(self, name, per_node):
        self.name, self.per_node, self.zones, self.goals, self.steps = name, per_node, 0, (0, 0), []

    def count(self, count, nodes):
        if self.per_node:
            return count * nodes // 5000
        return count // 10 if nodes < 1000 else count


def read_workloads():
    pods, workloads = {}, []
    for line in WORKLOADS.read_text().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] == "pod":
            spec, labels = json.loads(words[2]), json.loads(words[3]) if len(words) > 3 else {}
            spec.setdefault("containers", [{"name": "pause", "image": "registry.k8s.io/pause:3.9", "resources": {
                "requests": {"cpu": "100m", "memory": "500Mi"}, "limits": {"cpu": "100m", "memory": "500Mi"}}}])
            pods[words[1]] = {"apiVersion": "v1", "kind": "Pod",
                              "metadata": {"generateName": "pod-", "labels": labels}, "spec": spec}
        elif words[0] == "workload":
            workloads.append(Workload(words[1], "per-node" in words))
        elif words[0] == "zones":
            workloads[-1].zones = int(words[1])
        elif words[0] == "goal":
            workloads[-1].goals = (int(words[1]), int(words[2]))
        else:
            workloads[-1].steps.append((words[0], int(words[1]), pods[words[2]], (words + ["default"])[3]))
    return workloads


def peak_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) / 1024


def verdict(rate, goal):
    return f"goal {goal}: {'met' if rate >= goal else 'NOT MET'}" if goal else ""


class Cluster:
    """An API server with node objects, and a scheduler."""

    def __init__(self, folder, nodes, zones):
        self.folder = pathlib.Path(folder)
        self.server = ApiServer(folder)
        self.server.arguments = [DISABLED]
        self.server.start()
        self.config = self.folder / "kubeconfig"
        self.config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": self.server.base, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "it", "user": {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
        for name in ("sched-0", "sched-1"):
            self.server.call("POST", "/api/v1/namespaces",
                             {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.make_nodes(nodes, zones)
        self.scheduler = None

    def make_nodes(self, count, zones):
        hollow = Part(self.folder, TIPHYS, "hollow", "--kubeconfig", str(self.config), "--name=node",
                      f"--nodes={count}", f"--zones={zones}")
        while self.count("/api/v1/nodes") < count:
            time.sleep(0.05)
        hollow.stop()

    def count(self, path):
        answer = json.loads(self.server.call("GET", path + "?limit=1"))
        return len(answer["items"]) + answer["metadata"].get("remainingItemCount", 0)

    def start_scheduler(self):
        self.scheduler = Part(self.folder, TIPHYS, "kube-scheduler", "--kubeconfig", str(self.config),
                              "--leader-elect=false", "--secure-port=0", "--kube-api-qps=-1")

    def stop(self):
        self.scheduler.stop()
        self.server.stop()

    def create(self, mark, count, pod, namespace):
        body = json.loads(json.dumps(pod))
        body["metadata"]["labels"]["bench"] = mark
        file = self.folder / "body.json"
        file.write_text(json.dumps(body))
        return h2load(f"{self.server.base}/api/v1/namespaces/{namespace}/pods", "-n", str(count), *CONNECTIONS,
                      "-d", str(file), "-H", "Content-Type: application/json", "-H", f"Authorization: Bearer {TOKEN}")

    def watch(self, mark, count):
        """A process that sees `count` pods placed."""
        with open(self.folder / "watch.log", "ab") as log:
            watch = subprocess.Popen([POD_WATCH, str(self.config), f"bench={mark}", str(count)],
                                     stdout=subprocess.PIPE, stderr=log, text=True)
        assert watch.stdout.readline() == "ready\n"
        return watch

    @staticmethod
    def wait(watch, seconds=300):
        try:
            return json.loads(watch.communicate(timeout=seconds)[0])
        except subprocess.TimeoutExpired:
            watch.terminate()
            return json.loads(watch.communicate(timeout=20)[0])

    def wait_rejected(self, count):
        path = "/api/v1/pods?labelSelector=bench%3Dwaiting"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            pods = json.loads(self.server.call("GET", path))["items"]
            if sum("conditions" in pod["status"] for pod in pods) >= count:
                return
            time.sleep(0.5)
        raise SystemExit("pods that fit nowhere were not told so")


def place(cluster, workload, nodes, backlog):
    """What pod_watch saw of the pods to come, and the CPU that the parts used."""
    for i, (kind, count, pod, namespace) in enumerate(workload.steps):
        count = workload.count(count, nodes)
        if kind == "come":
            continue
        mark = f"there-{i}" if kind == "there" else kind
        watch = cluster.watch(mark, count) if kind == "there" else None
        cluster.create(mark, count, pod, namespace)
        if watch:
            seen = cluster.wait(watch)
            assert seen["waiting"] == 0, seen
        else:
            cluster.wait_rejected(count)
    _, count, pod, namespace = workload.steps[-1]
    count = workload.count(count, nodes)
    if backlog:
        cluster.scheduler.stop()
    watch = cluster.watch("come", count)
    before = cpu(cluster) if not backlog else [0, processor_seconds(cluster.server.process.pid)]
    rate = cluster.create("come", count, pod, namespace)
    if backlog:
        before[1] = processor_seconds(cluster.server.process.pid)
        cluster.start_scheduler()
    seen = cluster.wait(watch)
    seen["cpu"] = [now - then for now, then in zip(cpu(cluster), before)]
    return seen, count, rate


def cpu(cluster):
    return [processor_seconds(part.process.pid) for part in (cluster.scheduler, cluster.server)]


def end_to_end(workload, nodes, backlog):
    with tempfile.TemporaryDirectory(prefix="tiphys-bench-") as folder:
        cluster = Cluster(folder, nodes, workload.zones)
        cluster.start_scheduler()
        seen, count, created = place(cluster, workload, nodes, backlog)
        placed = seen["placed"]
        everything, placing = (placed / max(seen[what], 1e-9) for what in ("all", "placing"))
        rate = placing if backlog else everything
        used = [seconds * 1e6 / max(placed, 1) for seconds in seen["cpu"]]
        peaks = [peak_mb(part.process.pid) for part in (cluster.scheduler, cluster.server)]
        goal = workload.goals[1] if nodes == 5000 else 0
        note = f", {seen['waiting']} NOT PLACED" if seen["waiting"] else ""
        print(f"{workload.name:<35}{nodes:>6}{count:>7}{created:>9.0f}{everything:>8.0f}{placing:>9.0f}"
              f"{seen['p50'] * 1e3:>8.0f}{seen['p99'] * 1e3:>8.0f}{used[0]:>7.0f} +{used[1]:>4.0f}"
              f"{peaks[0]:>7.0f} +{peaks[1]:>4.0f}  {verdict(rate, goal)}{note}", flush=True)
        cluster.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="the workloads whose names match this expression", default=".")
    parser.add_argument("--nodes", type=int, action="append", help="5000; may be repeated")
    parser.add_argument("--part", choices=("in-process", "end-to-end", "both"), default="both")
    parser.add_argument("--backlog", action="store_true", help="the scheduler starts when all pods are there")
    arguments = parser.parse_args()
    workloads = [one for one in read_workloads() if re.search(arguments.only, one.name)]
    sizes = arguments.nodes or SIZES
    if arguments.part != "end-to-end":
        print("in process", flush=True)
        for workload in workloads:
            for nodes in sizes:
                subprocess.run([IN_PROCESS, str(nodes), workload.name, str(WORKLOADS)], check=True)
    if arguments.part != "in-process":
        print(f"end to end{'nodes':>31}{'pods':>7}{'creates/s':>9}{'all/s':>8}{'placing/s':>9}{'p50 ms':>8}{'p99 ms':>8}"
              f"{'CPU us a pod':>13}{'peak MB':>13}\n{'':>82}{'scheduler + server':>26}", flush=True)
        for workload in workloads:
            for nodes in sizes:
                end_to_end(workload, nodes, arguments.backlog)


if __name__ == "__main__":
    main()
