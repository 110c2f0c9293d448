"""kube-controller-manager alone: two of them beside an API server, each controller as its own account."""
import base64
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from api_server import TOKEN, ApiServer
from cluster import free_port, wait_for
from test_components import ELECTION, Component, kubeconfig_text

INSECURE = ssl._create_unverified_context()  # pylint: disable=protected-access


class Manager(Component):
    def __init__(self, folder, server, number):
        self.port = free_port()
        pki = server.data / "pki"
        config = folder / "manager.conf"
        config.write_text(kubeconfig_text(f"https://127.0.0.1:{server.port}", pki / "ca.crt",
                                          pki / "kube-controller-manager.crt", pki / "kube-controller-manager.key"))
        super().__init__(folder, "kube-controller-manager", [
            "--kubeconfig", str(config), "--use-service-account-credentials=true", "--bind-address=127.0.0.1",
            "--secure-port", str(self.port), *ELECTION])
        self.log = folder / f"manager{number}.log"

    def read(self, path, token=None):
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10, context=INSECURE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def leads(self):
        return 'leader_election_master_status{name="kube-controller-manager"} 1' in self.read("/metrics", TOKEN)[1]


DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
              "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}},
                       "template": {"metadata": {"labels": {"app": "web"}},
                                    "spec": {"containers": [{"name": "c", "image": "busybox"}]}}}}


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory):
    server = ApiServer(tmp_path_factory.mktemp("managed")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module", name="managers")
def _managers(server):
    both = [Manager(server.folder, server, number) for number in (1, 2)]
    both[0].start()
    wait_for(both[0].leads, 20, "leader")
    both[1].start()
    wait_for(lambda: both[1].read("/healthz")[0] == 200, 20, "second manager")
    yield both
    for one in both:
        one.stop()


SAMPLE = re.compile(r'([a-z_]+)(\{([a-zA-Z_]+="([^"\\\\\n]|\\\\.)*",?)*\})? [-+0-9.eEInfNa]+')


def families(text):
    """Names of the families of a text in Prometheus' format; every line is checked."""
    names = set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert line.split()[2] not in names, line
            names.add(line.split()[2])
        elif not line.startswith("# TYPE "):
            name = SAMPLE.fullmatch(line)
            assert name, line
            assert name[1] in names or re.sub("_(bucket|sum|count)$", "", name[1]) in names, line
    return names


def count_pods(server):
    return len(server.request("GET", "/api/v1/namespaces/default/pods")[1]["items"])


def test_controllers_work_as_their_own_accounts(server, managers):
    path = "/apis/apps/v1/namespaces/default/deployments"
    assert server.request("POST", path, DEPLOYMENT)[0] == 201
    try:
        wait_for(lambda: count_pods(server) == 3, 30, "pods")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{managers[0].tail()}") from None
    accounts = {item["metadata"]["name"] for item in
                server.request("GET", "/api/v1/namespaces/kube-system/serviceaccounts")[1]["items"]}
    assert {"deployment-controller", "replicaset-controller", "service-account-controller"} <= accounts, accounts
    assert "forbidden" not in managers[0].log.read_text().lower(), managers[0].tail()


def test_health_and_metrics(managers):
    leader, other = managers
    for one in managers:
        for path in ("/healthz", "/livez", "/readyz"):
            assert one.read(path) == (200, "ok")
        assert one.read("/metrics") == (
            403, 'forbidden: User "system:anonymous" cannot get path "/metrics"\n')
        assert one.read("/metrics", "wrong")[0] == 401
        assert one.read("/nope", TOKEN)[0] == 404
        slis = one.read("/metrics/slis", TOKEN)[1]
        assert families(slis) == {"kubernetes_healthcheck", "kubernetes_healthchecks_total"}
        assert '\nkubernetes_healthcheck{name="leaderElection",type="healthz"} 1\n' in slis
        assert ("deployment-controller" in slis) == (one is leader), "it has none before it leads"
    text = leader.read("/metrics", TOKEN)[1]
    adds = [line for line in text.splitlines() if line.startswith('workqueue_adds_total{name="replicaset"}')]
    assert adds and float(adds[0].split()[-1]) > 0, text[:3000]
    for name in ("depth", "queue_duration_seconds_count", "work_duration_seconds_count", "retries_total",
                 "unfinished_work_seconds", "longest_running_processor_seconds"):
        assert f'workqueue_{name}{{name="deployment"}}' in text, name
    assert not other.leads()
    # Of their own, controllers show what they have counted: nothing yet of jobs and nodes, as there are none.
    wanted = {"root_ca_cert_publisher_sync_total", "taint_eviction_controller_pod_deletions_total", "kubernetes_build_info"}
    wait_for(lambda: wanted <= families(leader.read("/metrics", TOKEN)[1]), 30, "metrics of controllers")
    assert 'root_ca_cert_publisher_sync_total{code="200"} ' in leader.read("/metrics", TOKEN)[1]


def test_a_killed_leader_is_followed(server, managers):
    leader, other = managers
    leader.process.send_signal(signal.SIGKILL)
    leader.process.wait(10)
    patch = {"spec": {"replicas": 5}}
    assert server.request("PATCH", "/apis/apps/v1/namespaces/default/deployments/web", patch,
                          content_type="application/merge-patch+json")[0] == 200
    wait_for(other.leads, 30, "successor")
    wait_for(lambda: count_pods(server) == 5, 30, "pods of the successor")
    lease = server.request("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"
                           "kube-controller-manager")[1]
    assert lease["spec"]["leaseTransitions"] == 1


def test_the_end_gives_the_lease_back(server, managers):
    code, seconds = managers[1].stop()
    assert code == 0 and seconds < 5, managers[1].tail()
    lease = server.request("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"
                           "kube-controller-manager")[1]
    assert not lease["spec"].get("holderIdentity")


def test_without_accounts_of_their_own_they_say_what_they_may_not(server, managers, tmp_path):
    """The manager's own role is not enough for any controller, as upstream's."""
    key, request = tmp_path / "key", tmp_path / "csr"
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    str(key), "-out", str(request), "-subj", "/O=system:nodes/CN=system:node:x"],
                   check=True, capture_output=True)
    spec = {"request": base64.b64encode(request.read_bytes()).decode(), "usages": ["digital signature", "client auth"],
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet"}
    alone = Manager(server.folder, server, 3)
    alone.arguments += ["--use-service-account-credentials=false", "--leader-elect=false",
                        "--controllers=certificatesigningrequest-approving-controller"]
    alone.start()
    try:
        path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
        made = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "x"},
                "spec": spec}
        assert server.request("POST", path, made)[0] == 201
        line = wait_for(lambda: next((l for l in alone.log.read_text().splitlines() if "Not allowed" in l), None), 20, "word")
        assert line.startswith("E") and 'key="x"' in line, line
        assert r'User \"system:kube-controller-manager\" cannot update resource' in line and "approval" in line, line
    finally:
        alone.stop()


AWAY_SECONDS = 6


def attempts_at(port, seconds):
    """How many connections somebody opened to an API server that is not there."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(0.1)
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                listener.accept()[0].close()
                count += 1
            except TimeoutError:
                pass
    return count


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_an_api_server_that_is_away(tmp_path):
    server = ApiServer(tmp_path).start()
    manager = Component(tmp_path, "kube-controller-manager", [
        "--kubeconfig", str(server.kubeconfig()), "--leader-elect=false", "--secure-port=0"]).start()
    try:
        path = "/apis/apps/v1/namespaces/default/deployments"
        assert server.request("POST", path, DEPLOYMENT)[0] == 201
        wait_for(lambda: count_pods(server) == 3, 30, "pods")
        before = {pod["metadata"]["uid"] for pod in server.request("GET", "/api/v1/pods")[1]["items"]}
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
        worked = cpu_seconds(manager.process)
        attempts = attempts_at(server.port, AWAY_SECONDS)
        assert 0 < attempts < 50 * AWAY_SECONDS, "it tries again, later and later"
        assert cpu_seconds(manager.process) - worked < 0.3 * AWAY_SECONDS
        assert manager.process.poll() is None, manager.tail()
        server.start()
        patch = {"spec": {"replicas": 5}}
        assert server.request("PATCH", path + "/web", patch, content_type="application/merge-patch+json")[0] == 200
        wait_for(lambda: count_pods(server) == 5, 60, "pods")
        after = {pod["metadata"]["uid"] for pod in server.request("GET", "/api/v1/pods")[1]["items"]}
        assert before < after, "pods that were there stay"
        events = server.request("GET", "/api/v1/namespaces/default/events")[1]["items"]
        assert sum(event["reason"] == "SuccessfulCreate" for event in events) == 5
        sets = server.request("GET", "/apis/apps/v1/namespaces/default/replicasets")[1]["items"]
        assert len(sets) == 1
    finally:
        manager.stop()
        server.stop()
