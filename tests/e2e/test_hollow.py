"""`tiphys hollow`: nodes without machines beside an API server, the controllers and the scheduler; no root needed."""
import json
import os
import signal
import time

import pytest

from api_server import ApiServer
from cluster import wait_for
from test_components import Component

NODES = 50
PODS = 500


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory):
    server = ApiServer(tmp_path_factory.mktemp("hollow")).start()
    config = ["--kubeconfig", str(server.kubeconfig()), "--leader-elect=false", "--secure-port=0",
              "--kube-api-qps=-1"]
    parts = [Component(server.folder, "kube-controller-manager",
                       config + ["--allocate-node-cidrs=true", "--cluster-cidr=10.42.0.0/16"]),
             Component(server.folder, "kube-scheduler", config)]
    for part in parts:
        part.start()
    yield server
    for part in parts:
        part.stop()
    server.stop()


class Hollow(Component):
    def __init__(self, server, *arguments):
        super().__init__(server.folder, "hollow", ["--kubeconfig", str(server.kubeconfig()), *arguments])


@pytest.fixture(scope="module", name="hollow")
def _hollow(server):
    hollow = Hollow(server, "--name=hollow", f"--nodes={NODES}", "--zones=3", "--node-labels=type=hollow",
                    "--extended-resources=example.com/foo=2", "--max-pods=20")
    hollow.start()
    wait_for(lambda: ready_nodes(server) == NODES, 30, "ready nodes")
    yield hollow
    hollow.stop()


def items(server, path):
    return server.request("GET", path)[1]["items"]


def ready_nodes(server):
    return sum(line.split()[1] == "Ready" for line in
               server.kubectl("get", "nodes", "-l", "type=hollow", "--no-headers").splitlines())


def pods(server):
    return items(server, "/api/v1/namespaces/default/pods")


def available(server):
    status = server.request("GET", "/apis/apps/v1/namespaces/default/deployments/web")[1].get("status", {})
    return status.get("availableReplicas", 0) if status.get("replicas", 0) == status.get("updatedReplicas", 0) else -1


def test_nodes_look_like_nodes(server, hollow):  # pylint: disable=unused-argument
    node = json.loads(server.kubectl("get", "node", "hollow-7", "-o", "json"))
    assert node["status"]["capacity"]["example.com/foo"] == "2"
    assert node["status"]["allocatable"]["pods"] == "20"
    assert node["metadata"]["labels"]["topology.kubernetes.io/zone"] == "zone-1"
    assert {c["type"]: c["status"] for c in node["status"]["conditions"]} == {
        "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True"}
    lease = json.loads(server.kubectl("get", "lease", "-n", "kube-node-lease", "hollow-7", "-o", "json"))
    assert lease["spec"]["leaseDurationSeconds"] == 40
    assert "hollow-7" in server.kubectl("describe", "node", "hollow-7")


def test_a_deployment_rolls_out_and_back(server, hollow):
    server.kubectl("create", "deployment", "web", "--image=nginx", f"--replicas={PODS}")
    server.kubectl("rollout", "status", "deployment/web", "--timeout=90s", timeout=100)
    present = pods(server)
    assert len(present) == PODS
    assert len({pod["status"]["podIP"] for pod in present}) == PODS
    ranges = {node["metadata"]["name"]: node["spec"]["podCIDR"] for node in items(server, "/api/v1/nodes")}
    for pod in present:
        assert pod["status"]["podIP"].rsplit(".", 1)[0] == ranges[pod["spec"]["nodeName"]].rsplit(".", 1)[0]
    # A new template, while the nodes' process is killed and comes back.
    server.kubectl("set", "image", "deployment/web", "nginx=nginx:2")
    os.kill(hollow.process.pid, signal.SIGKILL)
    hollow.process.wait()
    time.sleep(1)
    hollow.start()
    server.kubectl("rollout", "status", "deployment/web", "--timeout=90s", timeout=100)
    wait_for(lambda: len(pods(server)) == PODS, 60, "end of the old pods")
    server.kubectl("scale", "deployment/web", "--replicas=0")
    wait_for(lambda: not pods(server), 60, "end of the pods")
    server.kubectl("delete", "deployment", "web")


def test_an_api_server_that_restarts(server, hollow):  # pylint: disable=unused-argument
    server.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=20")
    wait_for(lambda: available(server) == 20, 60, "available pods")
    before = {pod["metadata"]["uid"]: pod["status"]["podIP"] for pod in pods(server)}
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.start()
    server.kubectl("scale", "deployment/web", "--replicas=60")
    wait_for(lambda: available(server) == 60, 90, "available pods")
    after = {pod["metadata"]["uid"]: pod["status"]["podIP"] for pod in pods(server)}
    assert before.items() <= after.items(), "pods that ran run on"
    assert len(set(after.values())) == 60
    assert ready_nodes(server) == NODES
    server.kubectl("delete", "deployment", "web")
    wait_for(lambda: not pods(server), 60, "end of the pods")


def test_a_job_ends_as_its_annotation_says(server, hollow):  # pylint: disable=unused-argument
    server.kubectl("create", "-f", "-", text=json.dumps({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "short"},
        "spec": {"completions": 3, "parallelism": 3, "template": {
            "metadata": {"annotations": {"tiphys.dev/hollow-runs-for": "1s"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}}}))
    server.kubectl("wait", "--for=condition=Complete", "job/short", "--timeout=60s", timeout=70)
    server.kubectl("delete", "job", "short")


def test_nodes_stay_or_go(server):
    stays = Hollow(server, "--name=stays")
    stays.start()
    wait_for(lambda: server.request("GET", "/api/v1/nodes/stays")[0] == 200, 20, "node")
    stays.stop()
    assert server.request("GET", "/api/v1/nodes/stays")[0] == 200
    again = Hollow(server, "--name=stays", "--cleanup")
    again.start()
    wait_for(lambda: server.request("GET", "/api/v1/nodes/stays")[1]["status"].get("conditions"), 20, "node")
    again.stop()
    assert server.request("GET", "/api/v1/nodes/stays")[0] == 404
    assert server.request("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/stays")[0] == 404


@pytest.mark.parametrize("wrong", [["--nodes=0"], ["--nodes=200000"], ["--memory=lots"], ["--node-labels=x"],
                                   ["--register-with-taints=a"], ["--extended-resources=a=b"], ["--max-pods=0"]])
def test_a_wrong_command_line_is_said(server, wrong):
    hollow = Hollow(server, *wrong)
    hollow.start()
    assert hollow.process.wait(20) == 1
    assert wrong[0].split("=")[0] in hollow.log.read_text()
