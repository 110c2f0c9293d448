"""What upstream's conformance tests of kubectl ask for, on a node with real containers (see test_kubectl.py for the rest of kubectl)."""
import datetime
import json
import pathlib
import re
import subprocess
import tempfile
import urllib.request

import pytest

from cluster import KUBECTL, wait_for

NGINX, OTHER, BUSYBOX = "nginx:1.9.1", "nginx:1.7.9", "busybox:1.36"
SERVER = ("mkdir -p /www/guest; echo '{\"image\": \"nautilus.jpg\"}' >/www/data.json; echo \"guest of $HOSTNAME\" >/www/guest/index.html;"
          "httpd -p 6379 -h /www; echo Paused; trap 'exit 0' TERM; while :; do sleep 0.1; done")


def controller(name, replicas, labels):
    return json.dumps({
        "apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": replicas, "selector": labels, "template": {"metadata": {"labels": labels}, "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": name, "image": BUSYBOX, "imagePullPolicy": "IfNotPresent", "command": ["/bin/sh", "-c", SERVER],
                            "ports": [{"name": "agnhost-server", "containerPort": 6379}]}]}}}})


class Shell:
    """kubectl in one namespace."""

    def __init__(self, cluster, namespace):
        self.cluster, self.namespace = cluster, namespace

    def __call__(self, *arguments, **more):
        return self.cluster.out("--namespace=" + self.namespace, *arguments, **more)

    def get(self, *what):
        return json.loads(self("get", *what, "-o", "json"))

    def running(self, selector, count):
        """The names of its running pods, when there are as many as wanted and no others."""
        template = ('{{range.items}}{{.metadata.name}}{{"="}}{{if (exists . "status" "containerStatuses")}}{{range .status.containerStatuses}}'
                    '{{if (exists . "state" "running")}}true{{end}}{{end}}{{end}} {{end}}')

        def names():
            found = dict(p.split("=") for p in self("get", "pods", "-o", "template", f"--template={template}", "-l", selector).split())
            return list(found) if len(found) == count and all(v == "true" for v in found.values()) else None
        return wait_for(names, 60, f"{count} running pods of {selector}")


@pytest.fixture
def run(cluster, namespace):
    wait_for(lambda: cluster.get("serviceaccount", namespace, "default"), 20, "service account")
    yield Shell(cluster, namespace)


@pytest.fixture
def primary(run):
    """A replication controller as upstream's of agnhost, and its pod."""
    run("create", "-f", "-", stdin=controller("agnhost-primary", 1, {"app": "agnhost", "role": "primary"}))
    return run.running("app=agnhost", 1)[0]


def test_a_replication_controller_scales(run):
    out = run("create", "-f", "-", stdin=controller("update-demo-nautilus", 2, {"name": "update-demo", "version": "nautilus"}))
    assert out == "replicationcontroller/update-demo-nautilus created\n"

    def each_answers(count):
        for name in run.running("name=update-demo", count):
            assert run("get", "pods", name, "-o", "template",
                       '--template={{range .spec.containers}}{{if eq .name "update-demo-nautilus"}}{{.image}}{{end}}{{end}}') == BUSYBOX
            path = f"/api/v1/namespaces/{run.namespace}/pods/{name}:6379/proxy/data.json"
            wait_for(lambda: run.cluster.raw(path) == {"image": "nautilus.jpg"}, 20, f"answer of {name} by the API server")
    each_answers(2)
    for count in (1, 2):
        out = run("scale", "rc", "update-demo-nautilus", f"--replicas={count}", "--timeout=5m")
        assert out == "replicationcontroller/update-demo-nautilus scaled\n"
        each_answers(count)
    assert 'deleted' in run("delete", "rc", "update-demo-nautilus", "--grace-period=0", "--force")
    wait_for(lambda: run("get", "rc,pods", "-l", "name=update-demo", "--no-headers") == "", 60, "end of all")


def has(text, *wanted):
    """Each row of words stands on one line, in this order."""
    lines = text.splitlines()
    at = 0
    for words in wanted:
        found = next((i for i in range(at, len(lines)) if all(w in lines[i] for w in words)), None)
        assert found is not None, f"no {words} after line {at} of\n{text}"
        at = found


def test_describe(run, primary):
    run("create", "-f", "-", stdin=json.dumps({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "agnhost-primary", "labels": {"app": "agnhost", "role": "primary"}},
        "spec": {"ports": [{"port": 6379, "targetPort": "agnhost-server"}], "selector": {"app": "agnhost", "role": "primary"}}}))
    ns = run.namespace
    has(run("describe", "pod", primary), ["Name:", "agnhost-primary-"], ["Namespace:", ns], ["Node:"], ["Labels:", "app=agnhost"],
        ["role=primary"], ["Annotations:"], ["Status:", "Running"], ["IP:"], ["Controlled By:", "ReplicationController/agnhost-primary"],
        ["Image:", BUSYBOX], ["State:", "Running"], ["QoS Class:", "BestEffort"])
    wait_for(lambda: "1 Running" in run("describe", "rc", "agnhost-primary"), 20, "status of the controller")
    has(run("describe", "rc", "agnhost-primary"), ["Name:", "agnhost-primary"], ["Namespace:", ns], ["Selector:", "app=agnhost,role=primary"],
        ["Labels:", "app=agnhost"], ["role=primary"], ["Annotations:"], ["Replicas:", "1 current", "1 desired"],
        ["Pods Status:", "1 Running", "0 Waiting", "0 Succeeded", "0 Failed"], ["Pod Template:"], ["Image:", BUSYBOX], ["Events:"],
        ["SuccessfulCreate", "Created pod: " + primary])
    wait_for(lambda: ":6379" in run("describe", "service", "agnhost-primary"), 20, "endpoint")
    has(run("describe", "service", "agnhost-primary"), ["Name:", "agnhost-primary"], ["Namespace:", ns], ["Labels:", "app=agnhost"],
        ["role=primary"], ["Annotations:"], ["Selector:", "app=agnhost", "role=primary"], ["Type:", "ClusterIP"], ["IP:"],
        ["Port:", "<unset>", "6379/TCP"], ["Endpoints:"], ["Session Affinity:", "None"])
    node = run.get("nodes")["items"][0]["metadata"]["name"]
    has(run("describe", "node", node), ["Name:", node], ["Labels:"], ["Annotations:"], ["CreationTimestamp:"], ["Conditions:"],
        ["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"], ["Addresses:"], ["Capacity:"], ["Kernel Version:"],
        ["OS Image:"], ["Container Runtime Version:"], ["Kubelet Version:"], ["Pods:"])
    has(run("describe", "namespace", ns), ["Name:", ns], ["Labels:"], ["Annotations:"], ["Status:", "Active"])


def test_expose(run, primary):
    wait_for(lambda: "Paused" in run("logs", primary), 30, "start")

    def leads_to_the_pod(name, port):
        service = run.get("service", name)["spec"]["ports"]
        assert [(p["port"], p["targetPort"]) for p in service] == [(port, 6379)]

        def endpoints():
            subsets = run.get("endpoints", name).get("subsets") or []
            return [(a["targetRef"]["uid"], p["port"]) for s in subsets for a in s["addresses"] for p in s["ports"]]
        assert wait_for(endpoints, 30, "endpoints") == [(run.get("pod", primary)["metadata"]["uid"], 6379)]
        path = f"/api/v1/namespaces/{run.namespace}/services/{name}:{port}/proxy/guest/"
        wait_for(lambda: run.cluster.out("get", "--raw", path) == f"guest of {primary}\n", 20, "answer by the API server")
    assert run("expose", "rc", "agnhost-primary", "--name=rm2", "--port=1234", "--target-port=6379") == "service/rm2 exposed\n"
    leads_to_the_pod("rm2", 1234)
    assert run("expose", "service", "rm2", "--name=rm3", "--port=2345", "--target-port=6379") == "service/rm3 exposed\n"
    leads_to_the_pod("rm3", 2345)


def test_label_and_patch(run, primary):
    assert run("label", "pods", primary, "testing-label=testing-label-value") == f"pod/{primary} labeled\n"
    assert "testing-label-value" in run("get", "pod", primary, "-L", "testing-label")
    assert run("label", "pods", primary, "testing-label-") == f"pod/{primary} unlabeled\n"
    assert "testing-label-value" not in run("get", "pod", primary, "-L", "testing-label")
    assert run("patch", "pod", primary, "-p", '{"metadata":{"annotations":{"x":"y"}}}') == f"pod/{primary} patched\n"
    assert run.get("pod", primary)["metadata"]["annotations"]["x"] == "y"


def test_run_dry_run_and_replace(run):
    name = "e2e-test-httpd-pod"
    image = lambda: run.get("pod", name)["spec"]["containers"][0]["image"]
    assert run("run", name, "--restart=Never", "--pod-running-timeout=2m0s", "--image=" + NGINX) == f"pod/{name} created\n"
    assert (image(), run.get("pod", name)["spec"]["restartPolicy"]) == (NGINX, "Never")
    run("delete", "pods", name, "--grace-period=1")
    run("run", name, "--image=" + NGINX, "--pod-running-timeout=2m0s", f"--labels=run={name}")
    change = json.dumps({"spec": {"containers": [{"name": name, "image": BUSYBOX}]}})
    run("patch", "pod", name, "-p", change, "--dry-run=server")
    assert image() == NGINX
    run.running(f"run={name}", 1)
    assert run("replace", "-f", "-", stdin=run("get", "pod", name, "-o", "json").replace(NGINX, OTHER, 1)) == f"pod/{name} replaced\n"
    assert image() == OTHER
    run("delete", "pods", name, "--grace-period=1")


def test_diff(run):
    text = json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "httpd-deployment"}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"app": "httpd"}}, "template": {"metadata": {"labels": {"app": "httpd"}}, "spec": {
            "containers": [{"name": "httpd", "image": NGINX, "ports": [{"containerPort": 80}]}]}}}})
    run("create", "-f", "-", stdin=text)
    done = run.cluster.kubectl("-n", run.namespace, "diff", "-f", "-", stdin=text.replace(NGINX, BUSYBOX), check=False)
    assert done.returncode == 1 and "-      - image: " + NGINX in done.stdout and "+      - image: " + BUSYBOX in done.stdout
    run("delete", "-f", "-", stdin=text)


def test_versions_and_cluster_info(run):
    assert "v1\n" in run("api-versions")
    has(run("cluster-info"), ["Kubernetes control plane", "is running at"])
    version = run("version")
    for item in ("Client Version: ", "Server Version: "):
        assert re.search(item + r"v\d\.\d+\.[\d\w\-.+]+", version)


def test_proxy(run):
    def proxy(*arguments):
        process = subprocess.Popen([KUBECTL, "--kubeconfig", str(run.cluster.kubeconfig), "proxy", *arguments],
                                   stdout=subprocess.PIPE, text=True)
        return process, process.stdout.readline()
    process, line = proxy("-p", "0")
    try:
        port = re.fullmatch(r"Starting to serve on 127.0.0.1:(\d+)\n", line)[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/", timeout=10) as answer:
            assert json.load(answer)["versions"] == ["v1"]
    finally:
        process.kill()
        process.wait()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "test"
        process, line = proxy(f"--unix-socket={path}")
        try:
            out = subprocess.run(["curl", "-s", "--unix-socket", path, "http://localhost/api"], capture_output=True, text=True, check=True)
            assert json.loads(out.stdout)["versions"] == ["v1"]
        finally:
            process.kill()
            process.wait()


def test_logs(run):
    script = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo \"$i GET /api/v1/namespaces/kube-system/pods\"; done; sleep 2.5; echo last; sleep 60"
    run("run", "logs-generator", "--image=" + BUSYBOX, "--restart=Never", "--pod-running-timeout=2m0s", "--", "sh", "-c", script)

    def logs(*options):
        return run("logs", "logs-generator", "logs-generator", *options)
    wait_for(lambda: run.get("pod", "logs-generator")["status"]["phase"] == "Running" and "/api/v1/namespaces/kube-system" in logs(), 60, "log")
    assert len(logs("--tail=1").splitlines()) == 1 and logs("--tail=1").endswith("\n")
    assert logs("--limit-bytes=1") == "1"
    line, = logs("--tail=1", "--timestamps").splitlines()
    datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", line.split(" ")[0]))
    wait_for(lambda: "last" in logs(), 30, "last line")
    assert logs("--since=1s") == "last\n"
    assert len(logs("--since=24h").splitlines()) == 101
    run("delete", "pod", "logs-generator", "--grace-period=0", "--force")
