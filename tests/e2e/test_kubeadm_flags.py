"""kube-scheduler and kube-controller-manager start with the command lines that kubeadm writes into their
manifests (kubeadm v1.35, cmd/kubeadm/app/phases/controlplane). Only the ports are other ones."""
import ssl
import tempfile
import urllib.error
import urllib.request

import pytest

from cluster import free_port, wait_for
from test_components import STOP_SECONDS, Split, run


class Manifests(Split):
    def start(self):
        self.add("kube-apiserver", "--data-dir", str(self.folder / "api"), "--secure-port", str(self.port),
                 f"--service-cluster-ip-range={self.services}")
        wait_for(lambda: (self.pki / "admin.key").exists(), 30, "certificates")
        self.admin = self.kubeconfig("admin")
        wait_for(lambda: self.kubectl("get", "--raw", "/readyz", check=False).stdout == "ok", 30, "API server")
        self.proxy = f"{self.pki}/front-proxy-client"
        self.ports = {"kube-scheduler": free_port(), "kube-controller-manager": free_port()}
        scheduler, manager = self.kubeconfig("kube-scheduler"), self.kubeconfig("kube-controller-manager")
        self.add("kube-scheduler", f"--authentication-kubeconfig={scheduler}",
                 f"--authorization-kubeconfig={scheduler}", "--bind-address=127.0.0.1", f"--kubeconfig={scheduler}",
                 "--leader-elect=true", f"--secure-port={self.ports['kube-scheduler']}")
        self.add("kube-controller-manager", "--allocate-node-cidrs=true", f"--authentication-kubeconfig={manager}",
                 f"--authorization-kubeconfig={manager}", "--bind-address=127.0.0.1",
                 f"--client-ca-file={self.pki}/ca.crt", f"--cluster-cidr={self.pods}", "--cluster-name=kubernetes",
                 f"--cluster-signing-cert-file={self.pki}/ca.crt", f"--cluster-signing-key-file={self.pki}/ca.key",
                 "--controllers=*,bootstrapsigner,tokencleaner", f"--kubeconfig={manager}", "--leader-elect=true",
                 f"--requestheader-client-ca-file={self.pki}/front-proxy-ca.crt", f"--root-ca-file={self.pki}/ca.crt",
                 f"--service-account-private-key-file={self.pki}/sa.key",
                 f"--service-cluster-ip-range={self.services}", "--use-service-account-credentials=true",
                 f"--secure-port={self.ports['kube-controller-manager']}")
        return self

    def status(self, name, path, client=None, headers=None):
        """What the component answers to a caller with that certificate."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if client:
            context.load_cert_chain(f"{client}.crt", f"{client}.key")
        request = urllib.request.Request(f"https://127.0.0.1:{self.ports[name]}{path}", headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=5, context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (urllib.error.URLError, OSError):
            return 0


@pytest.fixture(scope="module")
def manifests():
    with tempfile.TemporaryDirectory(prefix="tiphys-kubeadm-") as folder:
        one = Manifests(folder, 5)
        try:
            yield one.start()
        finally:
            one.stop()


@pytest.mark.parametrize("name", ["kube-scheduler", "kube-controller-manager"])
def test_each_starts_and_leads(manifests, name):
    wait_for(lambda: manifests.status(name, "/healthz") == 200, 20, f"{name} that serves")
    holder = ["get", "lease", name, "-n", "kube-system", "-o", "jsonpath={.spec.holderIdentity}"]
    wait_for(lambda: manifests.kubectl(*holder, check=False).stdout, 20, f"{name} that leads")
    assert manifests.status(name, "/metrics") == 403


def test_a_front_proxy_speaks_for_users(manifests):
    name = "kube-controller-manager"
    master = {"X-Remote-User": "jane", "X-Remote-Group": "system:masters"}
    assert manifests.status(name, "/metrics", manifests.proxy, master) == 200
    assert manifests.status(name, "/metrics", manifests.proxy, {"X-Remote-User": "jane"}) == 403
    assert manifests.status(name, "/metrics", manifests.proxy) == 401, "it is no user itself"
    assert manifests.status(name, "/metrics", f"{manifests.pki}/admin") == 200
    assert manifests.status(name, "/metrics", f"{manifests.pki}/kube-proxy", master) == 403, "it is no proxy"


def test_each_ends_in_order(manifests):
    ended = manifests.stop()
    assert all(code == 0 and seconds < STOP_SECONDS for code, seconds in ended.values()), manifests.tails()


@pytest.mark.parametrize("name", ["kube-scheduler", "kube-controller-manager"])
@pytest.mark.parametrize("flag, text", [
    ("--feature-gates=Nope=true", "unrecognized feature gate: Nope"),
    ("--feature-gates=InPlacePodVerticalScaling=false", "feature is locked to true"),
    ("--feature-gates=GangScheduling=true", "GangScheduling"),
    ("--profiling=true", "--profiling=true"),
])
def test_switches_that_are_not_there(name, flag, text):
    done = run(name, flag, "--kubeconfig=/nowhere")
    assert done.returncode == 1 and text in done.stderr, done.stderr
    done = run(name, "--profiling=false", "--feature-gates=GangScheduling=false", "--kubeconfig=/nowhere")
    assert "No such file" in done.stderr, done.stderr
