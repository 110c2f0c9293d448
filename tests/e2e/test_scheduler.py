"""kube-scheduler alone: two of them beside an API server, with a configuration file of two profiles."""
import json
import re
import subprocess

import pytest

from api_server import TOKEN, ApiServer
from cluster import TIPHYS, Cluster, free_port, wait_for
from test_components import ELECTION, Component, kubeconfig_text
from test_controller_manager import Manager

CONFIG = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: "%s", qps: 1000, burst: 1000}
leaderElection: {leaseDuration: 60s}
podMaxBackoffSeconds: 2
profiles:
- schedulerName: default-scheduler
- schedulerName: packing
  plugins: {postFilter: {disabled: [{name: "*"}]}}
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 1}]}}
  - name: NodeAffinity
    args:
      addedAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{matchExpressions: [{key: pack, operator: Exists}]}]
"""


class Scheduler(Component):
    """Serves as the controller manager does."""
    read = Manager.read

    def __init__(self, folder, server, number, text=CONFIG):
        self.port = free_port()
        pki = server.data / "pki"
        kubeconfig = folder / "scheduler.conf"
        kubeconfig.write_text(kubeconfig_text(f"https://127.0.0.1:{server.port}", pki / "ca.crt",
                                              pki / "kube-scheduler.crt", pki / "kube-scheduler.key"))
        config = folder / "scheduler.yaml"
        config.write_text(text % kubeconfig)
        super().__init__(folder, "kube-scheduler", [
            "--config", str(config), "--bind-address=127.0.0.1", "--secure-port", str(self.port), *ELECTION])
        self.log = folder / f"scheduler{number}.log"

    def leads(self):
        return 'leader_election_master_status{name="kube-scheduler"} 1' in self.read("/metrics", TOKEN)[1]


def make_node(server, name, labels):
    allocatable = {"cpu": "8", "memory": "16Gi", "pods": "110"}
    status, node = server.request("POST", "/api/v1/nodes", {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
    assert status == 201, node
    node["spec"].pop("taints", None)  # nobody else would take the first taint away
    status, node = server.request("PUT", f"/api/v1/nodes/{name}", node)
    assert status == 200, node
    node["status"] = {"allocatable": allocatable, "capacity": allocatable}
    assert server.request("PUT", f"/api/v1/nodes/{name}/status", node)[0] == 200


def make_pod(server, name, scheduler, cpu="100m"):
    status, answer = server.request("POST", "/api/v1/namespaces/default/pods", {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"schedulerName": scheduler, "containers": [
            {"name": "c", "image": "busybox", "resources": {"requests": {"cpu": cpu}}}]}})
    assert status == 201, answer


def placed(server, prefix):
    """Name -> node, of the pods whose name begins so."""
    pods = server.request("GET", "/api/v1/namespaces/default/pods")[1]["items"]
    return {pod["metadata"]["name"]: pod["spec"].get("nodeName") for pod in pods
            if pod["metadata"]["name"].startswith(prefix)}


def all_placed(server, prefix, count):
    nodes = placed(server, prefix)
    return len(nodes) == count and all(nodes.values()) and nodes


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory):
    server = ApiServer(tmp_path_factory.mktemp("scheduled")).start()
    for name, labels in (("n1", {}), ("n2", {"pack": "yes"}), ("n3", {"pack": "yes"})):
        make_node(server, name, {"kubernetes.io/hostname": name, **labels})
    yield server
    server.stop()


@pytest.fixture(scope="module", name="schedulers")
def _schedulers(server):
    both = [Scheduler(server.folder, server, number) for number in (1, 2)]
    both[0].start()
    wait_for(both[0].leads, 20, "leader")
    both[1].start()
    wait_for(lambda: both[1].read("/healthz")[0] == 200, 20, "second scheduler")
    yield both
    for one in both:
        one.stop()


def test_profiles(server, schedulers):
    assert not schedulers[1].leads()
    for i in range(6):
        make_pod(server, f"spread-{i}", "default-scheduler", "1")
    nodes = wait_for(lambda: all_placed(server, "spread-", 6), 20, "pods")
    assert sorted(nodes.values()) == ["n1", "n1", "n2", "n2", "n3", "n3"], schedulers[0].tail()
    for i in range(4):
        make_pod(server, f"packed-{i}", "packing", "1")
    nodes = wait_for(lambda: all_placed(server, "packed-", 4), 20, "pods")
    assert len(set(nodes.values())) == 1 and "n1" not in nodes.values(), nodes
    make_pod(server, "foreign", "somebody-else")
    make_pod(server, "huge", "packing", "100")
    text = wait_for(lambda: server.kubectl("get", "events", "--field-selector", "reason=FailedScheduling",
                                           "-o", "jsonpath={.items[*].message}"), 20, "event")
    assert text == ("0/3 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity, "
                    "2 Insufficient cpu.")
    assert placed(server, "foreign") == {"foreign": None}
    source = server.kubectl("get", "events", "--field-selector", "reason=FailedScheduling", "-o", "json")
    assert {event["involvedObject"]["name"] for event in json.loads(source)["items"]} == {"huge"}


def samples(text):
    """Each line of the metrics parses; name with labels -> value."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = re.fullmatch(r'([a-z_]+(?:\{(?:[a-z_]+="[^"]*",?)*\})?) ([0-9.e+-]+|\+Inf)', line)
        assert match, line
        found[match.group(1)] = float(match.group(2))
    return found


def test_metrics_and_configz(server, schedulers):
    for one in schedulers:
        wait_for(lambda one=one: one.read("/readyz") == (200, "ok"), 20, "full caches, leading or not")
        assert '\nkubernetes_healthcheck{name="sched-handler-sync",type="readyz"} 1\n' in one.read("/metrics/slis", TOKEN)[1]
    found = samples(schedulers[0].read("/metrics", TOKEN)[1])
    assert found['scheduler_schedule_attempts_total{result="scheduled",profile="default-scheduler"}'] == 6
    assert found['scheduler_schedule_attempts_total{result="scheduled",profile="packing"}'] == 4
    assert found['scheduler_schedule_attempts_total{result="unschedulable",profile="packing"}'] >= 1
    assert found["scheduler_pod_scheduling_attempts_count"] == 10
    assert found['scheduler_cache_size{type="nodes"}'] == 3
    assert found['scheduler_cache_size{type="pods"}'] == 10
    assert found['scheduler_unschedulable_pods{plugin="NodeAffinity",profile="packing"}'] == 1
    assert found['scheduler_unschedulable_pods{plugin="NodeResourcesFit",profile="packing"}'] == 1
    pending = {queue: found[f'scheduler_pending_pods{{queue="{queue}"}}']
               for queue in ("active", "backoff", "unschedulable", "gated")}
    assert sum(pending.values()) == 1, pending
    assert "scheduler_scheduling_algorithm_duration_seconds_count" in found
    assert schedulers[0].read("/configz")[0] == 403
    config = json.loads(schedulers[0].read("/configz", TOKEN)[1])["componentconfig"]
    assert [profile["schedulerName"] for profile in config["profiles"]] == ["default-scheduler", "packing"]
    assert config["leaderElection"]["leaseDuration"] == "3s", "the flag wins over the file"
    assert server.request("DELETE", "/api/v1/namespaces/default/pods/huge")[0] == 200


def test_a_killed_leader_loses_no_pod(server, schedulers):
    for i in range(20):
        make_pod(server, f"many-{i}", "default-scheduler", "10m")
    schedulers[0].process.kill()
    for i in range(20, 40):
        make_pod(server, f"many-{i}", "default-scheduler", "10m")
    wait_for(schedulers[1].leads, 20, "second scheduler to lead")
    wait_for(lambda: all_placed(server, "many-", 40), 30, "pods")
    schedulers[0].process.wait(10)
    schedulers[0].start()
    wait_for(lambda: schedulers[0].read("/healthz")[0] == 200, 20, "first scheduler")
    # A leader that ends in order gives up the lease at once.
    schedulers[1].stop()
    wait_for(schedulers[0].leads, 5, "first scheduler to lead again")
    make_pod(server, "last", "default-scheduler")
    wait_for(lambda: all_placed(server, "last", 1), 20, "pod")


def run(*arguments):
    return subprocess.run([TIPHYS, "kube-scheduler", *arguments], capture_output=True, text=True, timeout=30,
                          check=False)


def test_write_config_and_what_is_refused(tmp_path):
    written = tmp_path / "written.yaml"
    assert run("--write-config-to", str(written)).returncode == 0
    text = written.read_text()
    assert "kind: KubeSchedulerConfiguration" in text and "kind: VolumeBindingArgs" in text or "plugins:" in text
    assert run("--config", str(written), "--write-config-to", str(tmp_path / "again.yaml")).returncode == 0
    assert (tmp_path / "again.yaml").read_text() == text
    wrong = tmp_path / "wrong.yaml"
    head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
    for members, error in (
            ("foo: 1\n", 'strict decoding error: unknown field "foo"'),
            ("parallelism: 0\n", "parallelism: Invalid value: 0: should be an integer value greater than zero"),
            ("profiles: [{plugins: {filter: {enabled: [{name: Mine}]}}}]\n", 'FilterPlugin "Mine" does not exist'),
    ):
        wrong.write_text(head + members)
        for command in (["kube-scheduler", "--config"],
                        ["server", "--data-dir", str(tmp_path / "data"), "--scheduler-config"]):
            done = subprocess.run([TIPHYS, *command, str(wrong)], capture_output=True, text=True, timeout=30,
                                  check=False)
            assert done.returncode == 1 and error in done.stderr, done.stderr


class ConfiguredCluster(Cluster):
    def arguments(self):
        config = self.folder / "scheduler.yaml"
        config.write_text("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
                          "profiles: [{schedulerName: mine}]\n")
        return [*super().arguments(), "--scheduler-config", str(config)]


def test_the_server_takes_a_configuration_too(tmp_path):
    cluster = ConfiguredCluster(tmp_path, 5)
    try:
        cluster.start()
        for name, scheduler in (("ours", "mine"), ("theirs", "default-scheduler")):
            cluster.kubectl("create", "-f", "-", stdin=json.dumps({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
                "spec": {"schedulerName": scheduler, "containers": [{"name": "c", "image": "busybox"}]}}))
        wait_for(lambda: cluster.get("pod", name="ours")["spec"].get("nodeName"), 20, "node")
        assert "nodeName" not in cluster.get("pod", name="theirs")["spec"]
        sources = [event["source"]["component"] for event in cluster.get("events", "default")["items"]
                   if event["reason"] == "Scheduled"]
        assert sources == ["mine"]
    finally:
        cluster.purge()
