"""Certificates that the kubelet gets from the API, and that live for seconds: each is followed by the next."""
import json
import pathlib
import signal
import subprocess
import tempfile
import time

import pytest

from api_server import ApiServer
from cluster import FIRST_NUMBER, KUBECTL, TIPHYS, free_port, wait_for
from test_components import Component, kubeconfig_text
from test_kubelet_server import JOINING, SECRET, Joined, issuer, value

LIFE = 16  # seconds; the kubelet leaves ten between two


class Server(ApiServer):
    """An API server with the controllers that sign, as Joined knows a cluster."""

    number = 5 + FIRST_NUMBER

    def arguments(self):
        return [*super().arguments(), "--enable-bootstrap-token-auth"]

    def start(self):
        super().start()
        pki = self.data / "pki"
        config = self.folder / "manager.conf"
        config.write_text(kubeconfig_text(f"https://127.0.0.1:{self.port}", pki / "ca.crt",
                                          pki / "kube-controller-manager.crt", pki / "kube-controller-manager.key"))
        self.manager = Component(self.folder, "kube-controller-manager", [
            "--kubeconfig", str(config), "--leader-elect=false",
            "--use-service-account-credentials=true", "--secure-port", str(free_port()),
            "--controllers=certificatesigningrequest-approving-controller,certificatesigningrequest-signing-controller",
            "--cluster-signing-cert-file", str(pki / "ca.crt"), "--cluster-signing-key-file", str(pki / "ca.key"),
            f"--cluster-signing-duration={LIFE}s"]).start()
        return self

    def stop(self):
        self.manager.stop()
        return super().stop()

    def kubectl(self, *arguments, stdin=None, check=True, **_):
        return self.run(KUBECTL, *arguments, text=stdin, check=check)

    def out(self, *arguments):
        return self.kubectl(*arguments).stdout

    def get(self, what):
        return json.loads(self.out("get", what, "-o", "json"))

    def approve_serving(self):
        for one in self.get("csr")["items"]:
            if one["spec"]["signerName"] == "kubernetes.io/kubelet-serving" and not one["status"]:
                self.kubectl("certificate", "approve", one["metadata"]["name"])


@pytest.fixture(name="kubelet")
def _kubelet(tmp_path):
    server = Server(tmp_path).start()
    with tempfile.TemporaryDirectory(prefix="tiphys-rotating-") as folder:
        one = Joined(server, pathlib.Path(folder))
        server.kubectl("apply", "-f", "-", stdin=json.dumps(JOINING))
        one.write_bootstrap(SECRET)
        try:
            yield one
        finally:
            one.stop()
            server.stop()
            print(server.manager.tail(), "\n--- kubelet\n", one.log.read_text(errors="replace")[-3000:])
            subprocess.run([TIPHYS, "purge", "--data-dir", str(one.folder / "data"), "--bridge-name", one.bridge],
                           check=True, capture_output=True, timeout=120)


def over_at(pem):
    done = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601"], input=pem,
                          capture_output=True, text=True, check=True)
    text = done.stdout.strip().partition("=")[2]
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%SZ")) - time.timezone


def connections(kubelet):
    """Local ports of the process's connections to the API server."""
    done = subprocess.run(["ss", "-Htnp", "state", "established", f"dst 127.0.0.1:{kubelet.cluster.port}"],
                          capture_output=True, text=True, check=True)
    return {line.split()[2].rpartition(":")[2] for line in done.stdout.splitlines()
            if f"pid={kubelet.process.pid}," in line}


def lives_since(kubelet, moment):
    """The node's lease was renewed after that."""
    lease = kubelet.cluster.out("get", "lease", "-n", "kube-node-lease", kubelet.name,
                                "-o", "jsonpath={.spec.renewTime}")
    renewed = time.mktime(time.strptime(lease[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return renewed > moment


def test_both_certificates_are_followed_by_the_next(kubelet):
    kubelet.write_config(nodeLeaseDurationSeconds=4)
    kubelet.start()
    server = kubelet.cluster
    wait_for(kubelet.current.exists, 20, "certificate")
    first = kubelet.current.resolve()
    first_is_over = over_at(first.read_text())
    assert first_is_over < time.time() + LIFE + 1
    wait_for(kubelet.registered, 20, "node")

    def another(current, than):
        server.approve_serving()
        return current.exists() and current.resolve() != than
    wait_for(lambda: another(kubelet.current, first), 20, "second client certificate")
    second, before = kubelet.current.resolve(), connections(kubelet)
    serving = kubelet.folder / "pki/kubelet-server-current.pem"
    wait_for(lambda: another(serving, serving), 20, "serving certificate")
    wait_for(lambda: f"system:node:{kubelet.name}" in issuer(kubelet.port), 10, "serving certificate in use")
    first_serving = serving.resolve()
    wait_for(lambda: another(kubelet.current, second), 20, "third client certificate")
    # Of the connections that were made with the second none is left.
    wait_for(lambda: connections(kubelet) and not connections(kubelet) & before, 10, "other connections")
    wait_for(lambda: another(serving, first_serving), 20, "second serving certificate")
    wait_for(lambda: time.time() > first_is_over, LIFE, "end of the first")
    wait_for(lambda: lives_since(kubelet, first_is_over), 10, "node that lives on")
    assert first.exists() and first.stat().st_mode & 0o777 == 0o600

    text = server.out("get", "--raw", f"/api/v1/nodes/{kubelet.name}/proxy/metrics")
    assert 0 < value(text, "kubelet_certificate_manager_client_ttl_seconds") <= LIFE
    assert 0 < value(text, "kubelet_certificate_manager_server_ttl_seconds") <= LIFE
    assert value(text, "kubelet_certificate_manager_client_expiration_renew_errors") == 0
    assert value(text, "kubelet_server_expiration_renew_errors") == 0
    assert value(text, "kubelet_certificate_manager_server_rotation_seconds_count") >= 1
    assert "Unauthorized" not in kubelet.log.read_text(errors="replace")
    asleep_past_its_end(kubelet)


def asleep_past_its_end(kubelet):
    """One that is over can't ask for the next: the process ends, for whoever supervises it to start it again."""
    kubelet.process.send_signal(signal.SIGSTOP)
    try:
        wait_for(lambda: time.time() > over_at(kubelet.current.read_text()) + 1, LIFE + 2, "end of the last")
    finally:
        kubelet.process.send_signal(signal.SIGCONT)
    wait_for(lambda: kubelet.process.poll() is not None, 30, "end of the kubelet")
    assert kubelet.process.returncode == 1
    assert "The currently active client certificate has expired" in kubelet.log.read_text(errors="replace")
    old = kubelet.current.resolve()
    kubelet.start()
    wait_for(lambda: kubelet.current.resolve() != old, 20, "another certificate")
