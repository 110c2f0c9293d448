#!/usr/bin/env python3
"""./dev bench controllers: how fast controllers work against a real API server.

kube-apiserver and kube-controller-manager run as processes of their own (TLS, durable store). For
the rolling update a hollow node makes pods ready in a third process; pods name
their node, so no scheduler is needed, and have no grace period, so no kubelet has to end them. Each
figure stands beside its goal and beside what h2load gets out of the same server in the same run
with plain creates or deletes: no controller can be faster than that. Timing decides nothing: the
exit code is 0 unless something failed to run.
"""
import argparse
import json
import os
import pathlib
import signal
import tempfile
import time
import urllib.error

from smoke import ROOT, TIPHYS, TOKEN, ApiServer, h2load, launch, resident_mb, row

HEADERS = ["-H", f"Authorization: Bearer {TOKEN}"]
CONNECTIONS = ["-c", "16", "-m", "4"]
GRACE = 5  # how long the controller waits for requests that were under way, as upstream's
PODS = "/api/v1/namespaces/default/pods"


def deployment(replicas, version):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                     "template": {"metadata": {"labels": {"app": "web"}, "annotations": {"version": version}},
                                  "spec": {"nodeName": "node-1", "terminationGracePeriodSeconds": 0,
                                           "containers": [{"name": "c", "image": "busybox",
                                                           "command": ["sleep", "infinity"]}]}}}}


def processor_seconds(pid):
    parts = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


class Part:
    """A process beside the server."""

    def __init__(self, folder, *command):
        self.log = pathlib.Path(folder) / (pathlib.Path(command[0]).name + "-" + command[1].strip("/").replace("/", "-")
                                           + ".log")
        with open(self.log, "wb") as log:
            self.process = launch(command, log)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise SystemExit(self.log.read_text()[-2000:])


class Bench:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.server = ApiServer(folder)
        self.server.start()
        self.config = self.folder / "kubeconfig"
        self.config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": self.server.base, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "it", "user": {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
        self.manager = Part(folder, TIPHYS, "kube-controller-manager", "--kubeconfig", str(self.config),
                            "--leader-elect=false", "--secure-port=0", "--kube-api-qps=-1")
        self.wait(lambda: self.get("/api/v1/namespaces/default/serviceaccounts/default"), "default service account")

    def stop(self):
        self.manager.stop()
        self.server.stop()

    def get(self, path):
        try:
            return json.loads(self.server.call("GET", path))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def count(self, path):
        """How many objects a collection has."""
        answer = self.get(path + "?limit=1")
        return len(answer["items"]) + answer["metadata"].get("remainingItemCount", 0)

    def cpu(self):
        """Seconds of the manager and of the server."""
        return [processor_seconds(part.process.pid) for part in (self.manager, self.server)]

    def tell(self, what, count, seconds, peer, before, by):
        """before: cpu() when it began. What others take of the machine is not in the times of CPU."""
        used = [f"{(now - then) * 1e6 / count:.0f}" for now, then in zip(self.cpu(), before)]
        row(what, f"{count / seconds:.0f}/s", "2,000/s",
            f"{by}: {peer:.0f}/s, ratio {count / seconds / peer:.2f}; "
            f"CPU of manager and server {used[0]} + {used[1]} us each")

    def wait(self, condition, what, seconds=90):
        """The seconds until it holds."""
        started = time.monotonic()
        while not condition():
            if time.monotonic() - started > seconds:
                raise SystemExit(f"no {what} after {seconds} s:\n{self.manager.log.read_text()[-2000:]}")
            time.sleep(0.02)
        return time.monotonic() - started

    def load(self, path, count, body):
        """Creates a second of `count` equal objects."""
        file = self.folder / "body.json"
        file.write_text(json.dumps(body))
        return h2load(self.server.base + path, "-n", str(count), *CONNECTIONS, "-d", str(file),
                      "-H", "Content-Type: application/json", *HEADERS)

    def unload(self, path):
        """Deletes a second of everything in a collection, one by one."""
        names = [item["metadata"]["name"] for item in self.get(path)["items"]]
        file = self.folder / "uris"
        file.write_text("".join(f"{self.server.base}{path}/{name}\n" for name in names))
        return h2load("", "-n", str(len(names)), "-c", "1", "-m", "64", "-i", str(file), "-H", ":method: DELETE",
                      *HEADERS)

    def status(self):
        return (self.get("/apis/apps/v1/namespaces/default/deployments/web") or {}).get("status", {})

    # ---- what is measured ----

    def plain(self, count):
        pod = deployment(1, "0")["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "pod-"}, "spec": pod["spec"]}
        creates = self.load(PODS, count, pod)
        pod_deletes = self.unload(PODS)
        self.load("/api/v1/namespaces/default/configmaps", count, config_map())
        return creates, pod_deletes, self.unload("/api/v1/namespaces/default/configmaps")

    def create_deployment(self, count, peer):
        before, used = resident_mb(self.manager.process.pid), self.cpu()
        self.server.call("POST", "/apis/apps/v1/namespaces/default/deployments", deployment(count, "1"))
        seconds = self.wait(lambda: self.count(PODS) >= count, f"{count} pods")
        self.tell(f"a Deployment of {count} pods, created", count, seconds, peer, used, "h2load creates pods")
        after = resident_mb(self.manager.process.pid)
        row("resident memory of the manager a pod", f"{(after - before) * 1024 / count:.1f} KB", "")

    def roll(self, count, creates, deletes):
        kubelets = Part(self.folder, TIPHYS, "hollow", "--kubeconfig", str(self.config), "--name=node-1", "--cpu=64",
                        "--max-pods=20000")
        self.wait(lambda: self.status().get("availableReplicas") == count, "available pods")
        self.wait(lambda: self.status().get("observedGeneration") == 1, "status")
        used = self.cpu()
        self.server.call("PUT", "/apis/apps/v1/namespaces/default/deployments/web", deployment(count, "2"))

        def done():
            status = self.status()
            return status.get("observedGeneration") == 2 and all(
                status.get(f"{kind}eplicas", 0) == count for kind in ("r", "updatedR", "availableR"))
        peer = 1 / (1 / creates + 1 / deletes + 1 / creates)  # a pod is created, made ready and deleted
        seconds = self.wait(done, "end of the rollout")
        self.tell(f"its rolling update, {count} pods replaced", count, seconds, peer, used, "h2load for two creates and a delete")
        used = self.cpu()
        self.server.call("DELETE", "/apis/apps/v1/namespaces/default/deployments/web")
        seconds = self.wait(lambda: self.count(PODS) == 0, "end of the pods")
        self.tell(f"the Deployment deleted, {count} pods collected", count, seconds, deletes, used,
                  "h2load deletes pods")
        kubelets.stop()

    def collect(self, count, peer):
        path = "/api/v1/namespaces/default/configmaps"
        owner = json.loads(self.server.call("POST", path, {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}}))
        before = self.count(path) - 1
        self.load(path, count, config_map(owner["metadata"]["uid"]))
        time.sleep(1)  # the manager's cache
        used = self.cpu()
        self.server.call("DELETE", path + "/owner")
        seconds = self.wait(lambda: self.count(path) == before, "end of the dependents")
        self.tell(f"garbage collection of {count} dependents", count, seconds, peer, used, "h2load deletes them")

    def delete_namespace(self, count, peer):
        self.server.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace",
                                                        "metadata": {"name": "full"}})
        self.load("/api/v1/namespaces/full/configmaps", count, config_map())
        used = self.cpu()
        self.server.call("DELETE", "/api/v1/namespaces/full")
        seconds = self.wait(lambda: self.get("/api/v1/namespaces/full") is None, "end of the namespace")
        self.tell(f"a namespace of {count} objects, deleted, after {GRACE} s", count, seconds - GRACE, peer, used,
                  "h2load deletes them")


def config_map(owner=None):
    meta = {"generateName": "c-"}
    if owner:
        meta["ownerReferences"] = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner}]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"key": "value"}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--objects", type=int, default=10000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tiphys-bench-") as folder:
        bench = Bench(folder)
        creates, pod_deletes, deletes = bench.plain(arguments.pods)
        bench.create_deployment(arguments.pods, creates)
        bench.roll(arguments.pods, creates, pod_deletes)
        bench.collect(arguments.objects, deletes)
        bench.delete_namespace(arguments.objects, deletes)
        row("kube-controller-manager, resident", f"{resident_mb(bench.manager.process.pid):.1f} MB", "")
        row("kube-apiserver, resident", f"{resident_mb(bench.server.process.pid):.1f} MB", "")
        bench.stop()


if __name__ == "__main__":
    main()
