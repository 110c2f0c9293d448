"""Each component alone: its own process and its own user, by kubeconfig over TLS."""
import base64
import contextlib
import json
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from cluster import KUBECTL, TIPHYS, free_port, wait_for
from test_first_cluster import MANIFEST, fetch, pods, ready

BRIDGE = "tiphyssplit"
COMMANDS = ["server", "agent", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet",
            "kube-proxy", "hollow", "purge"]
BY_KUBECONFIG = ["agent", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "hollow"]
# Short leases: a killed leader's successor waits for the end of its lease.
ELECTION = ["--leader-elect-lease-duration=3s", "--leader-elect-renew-deadline=2s",
            "--leader-elect-retry-period=500ms"]
STOP_SECONDS = 5


def kubeconfig_text(server, ca, certificate, key):
    def data(path):
        return base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": server, "certificate-authority-data": data(ca)}}],
        "users": [{"name": "it", "user": {"client-certificate-data": data(certificate),
                                          "client-key-data": data(key)}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]})


def run(*arguments, timeout=30):
    return subprocess.run([TIPHYS, *arguments], capture_output=True, text=True, timeout=timeout, check=False)


class Component:
    def __init__(self, folder, name, arguments):
        self.name = name
        self.arguments = arguments
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([TIPHYS, self.name, *self.arguments], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        return self

    def restart_after_kill(self):
        assert self.process.poll() is None, self.tail()
        self.process.kill()
        self.process.wait(10)
        self.start()

    def stop(self):
        """Returns the exit code and the seconds that it took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        return self.process.returncode, time.monotonic() - started

    def tail(self, lines=30):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.name}\n" + "\n".join(text.splitlines()[-lines:])


class Split:
    """A cluster of five processes. The methods that test_first_cluster's functions use are Cluster's.

    number: picks the bridge and the address ranges (below those of Cluster) of those that run side by side, 0 to 9.
    """

    def __init__(self, folder, number=0):
        self.bridge = f"{BRIDGE}{number}" if number else BRIDGE
        self.pods = f"10.{20 + 2 * number}.0.0/16"
        self.services = f"10.{21 + 2 * number}.0.0/16"
        self.folder = pathlib.Path(folder)
        self.node_data = self.folder / "node"
        (self.node_data / "images").mkdir(parents=True)
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.pki = self.folder / "api/pki"
        self.parts = {}

    def add(self, name, *arguments):
        self.parts[name] = Component(self.folder, name, list(arguments)).start()

    def kubeconfig(self, leaf):
        path = self.folder / f"{leaf}.conf"
        path.write_text(kubeconfig_text(self.url, self.pki / "ca.crt", self.pki / f"{leaf}.crt",
                                        self.pki / f"{leaf}.key"))
        return str(path)

    def start(self):
        self.add("kube-apiserver", "--data-dir", str(self.folder / "api"), "--secure-port", str(self.port),
                 f"--service-cluster-ip-range={self.services}")
        wait_for(lambda: all((self.pki / f"admin.{kind}").exists() for kind in ("crt", "key")), 30, "certificates")
        self.admin = self.kubeconfig("admin")
        wait_for(lambda: self.kubectl("get", "--raw", "/readyz", check=False).stdout == "ok", 30,
                 "API server that is ready")
        self.add("kube-controller-manager", "--kubeconfig", self.kubeconfig("kube-controller-manager"),
                 "--use-service-account-credentials=true", "--cluster-cidr", self.pods,
                 "--secure-port", str(free_port()), *ELECTION)
        self.add("kube-scheduler", "--kubeconfig", self.kubeconfig("kube-scheduler"),
                 "--secure-port=0", *ELECTION)
        self.add("kubelet", "--kubeconfig", self.kubeconfig("kubelet-client"), "--data-dir", str(self.node_data),
                 "--port", str(free_port()), "--bridge-name", self.bridge, "--cgroup-root", f"/{self.bridge}",
                 "--cluster-dns", self.services.replace("0.0/16", "0.10"), "--cluster-cidr", self.pods,
                 "--client-ca-file", str(self.pki / "ca.crt"),
                 "--tls-cert-file", str(self.pki / "kubelet.crt"),
                 "--tls-private-key-file", str(self.pki / "kubelet.key"))
        self.add("kube-proxy", "--kubeconfig", self.kubeconfig("kube-proxy"), "--bridge-name", self.bridge,
                 "--cluster-cidr", self.pods)
        return self

    def restart_after_kill(self, name):
        self.parts[name].restart_after_kill()

    def tails(self):
        return "\n".join(part.tail() for part in self.parts.values())

    def stop(self):
        return {name: self.parts[name].stop() for name in reversed(self.parts)}

    def purge(self):
        done = run("purge", "--data-dir", str(self.node_data), "--bridge-name", self.bridge, "--cgroup-root",
                   f"/{self.bridge}", timeout=120)
        assert done.returncode == 0, done.stderr

    def kubectl(self, *arguments, check=True, timeout=60, stdin=None):
        done = subprocess.run([KUBECTL, "--kubeconfig", self.admin, "--cache-dir", str(self.folder / "cache"),
                               *arguments], capture_output=True, text=True, timeout=timeout, input=stdin, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}\n{self.tails()}")
        return done

    def out(self, *arguments, **named):
        return self.kubectl(*arguments, **named).stdout

    def scale(self, count):
        self.kubectl("scale", "deployment/nginx-deployment", f"--replicas={count}")
        try:
            wait_for(lambda: len(ready_pods(self)) == count == len(pods(self, "default")), 30, f"{count} pods")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tails()}") from None


def ready_pods(split):
    return [p for p in pods(split, "default") if ready(p)]


@contextlib.contextmanager
def running_split(images, number=0):
    with tempfile.TemporaryDirectory(prefix="tiphys-split-") as folder:
        one = Split(folder, number)
        for image in images.glob("*.tar"):
            (one.node_data / "images" / image.name).symlink_to(image)
        try:
            yield one.start()
        finally:
            one.stop()
            one.purge()


@pytest.fixture(scope="module")
def split(images):
    with running_split(images) as one:
        yield one


# ---- together ----

def test_rollout(split):
    split.kubectl("apply", "-f", MANIFEST)
    split.kubectl("rollout", "status", "deployment/nginx-deployment", "--timeout=45s")
    split.kubectl("expose", "deployment/nginx-deployment", "--port=80", "--name=web")
    address = split.out("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    assert address.startswith("10.21.")
    assert all(p["status"]["podIP"].startswith("10.20.") for p in ready_pods(split))
    wait_for(lambda: "nginx" in fetch(f"http://{address}/").lower(), 20, "page by cluster IP")
    wait_for(lambda: "GET /" in split.out("logs", "-l", "app=nginx"), 10, "log line")


def test_top(split):
    """The API server asks the kubelet, which is another process, for its figures."""
    table = wait_for(lambda: split.kubectl("top", "node", "--no-headers", check=False).stdout.split(), 30, "figures")
    assert table[1].endswith("m") and table[3].endswith("Mi")
    wait_for(lambda: split.kubectl("top", "pod", "--no-headers", check=False).stdout.count("nginx-deployment-") == 2,
             60, "figures of two pods")


def test_nobody_is_refused(split):
    """No right is lacking (scheduler, kubelet and proxy have just upstream's), and watches stand."""
    for part in split.parts.values():
        text = part.log.read_text()
        assert not any(word in text for word in ("forbidden", "Forbidden", "Watch broke")), part.tail()


@pytest.mark.parametrize("name, count", [("kube-apiserver", 3), ("kube-controller-manager", 2),
                                         ("kube-scheduler", 3), ("kubelet", 2)])
def test_goes_on_after_a_kill(split, name, count):
    before = {p["metadata"]["name"]: p["status"]["containerStatuses"] for p in ready_pods(split)}
    split.restart_after_kill(name)
    wait_for(lambda: split.kubectl("get", "--raw", "/readyz", check=False).stdout == "ok", 30, "API server")
    split.scale(count)
    for pod in ready_pods(split):
        old = before.get(pod["metadata"]["name"])
        new = pod["status"]["containerStatuses"]
        assert old is None or [s["containerID"] for s in old] == [s["containerID"] for s in new]


def test_proxy_goes_on_after_a_kill(split):
    address = split.out("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    split.parts["kube-proxy"].process.kill()
    split.parts["kube-proxy"].process.wait(10)
    assert "nginx" in fetch(f"http://{address}/").lower(), "rules stay without the proxy"
    split.parts["kube-proxy"].start()
    split.kubectl("expose", "deployment/nginx-deployment", "--port=80", "--name=later")
    later = split.out("get", "service", "later", "-o", "jsonpath={.spec.clusterIP}")
    wait_for(lambda: "nginx" in fetch(f"http://{later}/").lower(), 20, "page of a later service")


# ---- bad surroundings ----

def test_taken_ports(split):
    done = run("kube-apiserver", "--data-dir", str(split.folder / "second"), "--secure-port", str(split.port))
    assert done.returncode == 1 and "address already in use" in done.stderr, done.stderr
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        done = run("kubelet", "--kubeconfig", split.kubeconfig("kubelet-client"), "--data-dir",
                   str(split.folder / "second-node"), "--bridge-name", f"{BRIDGE}x",
                   "--port", str(taken.getsockname()[1]))
    run("purge", "--data-dir", str(split.folder / "second-node"), "--bridge-name", f"{BRIDGE}x")
    assert done.returncode == 1 and "address already in use" in done.stderr, done.stderr


def strange_pair(folder):
    """A CA, certificate and key that the cluster doesn't know."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=system:kube-scheduler", "-days", "1", "-keyout", f"{folder}/strange.key",
                    "-out", f"{folder}/strange.crt"], check=True, capture_output=True)
    return folder / "strange.crt", folder / "strange.key"


@pytest.mark.parametrize("fault, text", [("ca", "failed to verify certificate"), ("client", "unknown ca"),
                                         ("port", "refused")])
def test_a_connection_that_fails_says_why(split, tmp_path, fault, text):
    """The component keeps trying, says why on its log, and ends in order."""
    crt, key = strange_pair(tmp_path)
    own = (split.pki / "kube-scheduler.crt", split.pki / "kube-scheduler.key")
    url = f"https://127.0.0.1:{free_port()}" if fault == "port" else split.url
    ca = crt if fault == "ca" else split.pki / "ca.crt"
    config = tmp_path / "wrong.conf"
    config.write_text(kubeconfig_text(url, ca, *((crt, key) if fault == "client" else own)))
    part = Component(tmp_path, "kube-scheduler", ["--kubeconfig", str(config), "--leader-elect=false",
                                                  "--secure-port=0"]).start()
    try:
        wait_for(lambda: text.lower() in part.tail().lower(), 10, f"log line with {text!r}")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{part.tail()}") from None
    finally:
        code, seconds = part.stop()
    assert code == 0 and seconds < STOP_SECONDS


# ---- the end ----

def test_sigterm_ends_each(split):
    ended = split.stop()
    assert all(code == 0 and seconds < STOP_SECONDS for code, seconds in ended.values()), \
        f"{ended}\n{split.tails()}"


def test_purge_leaves_nothing(split):
    split.purge()
    rules = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert not re.search(rf"{BRIDGE}\b", rules), "others' names are longer"
    assert subprocess.run(["ip", "link", "show", BRIDGE], capture_output=True, check=False).returncode != 0
    assert str(split.folder) not in pathlib.Path("/proc/self/mountinfo").read_text()


# ---- command lines ----

@pytest.mark.parametrize("command", COMMANDS)
def test_command_line(command):
    helped = run(command, "--help")
    assert helped.returncode == 0 and f"tiphys {command} [flags]" in helped.stdout and not helped.stderr
    version = run(command, "--version")
    assert version.returncode == 0 and version.stdout.startswith("Kubernetes v1.35.")
    unknown = run(command, "--nope")
    assert unknown.returncode == 2 and "unknown flag: --nope" in unknown.stderr and not unknown.stdout
    positional = run(command, "word")
    assert positional.returncode == 2 and "does not take any arguments" in positional.stderr


def test_no_command_and_an_unknown_one():
    assert run().returncode == 2
    done = run("nope")
    assert done.returncode == 2 and 'unknown command "nope"' in done.stderr
    assert run("--help").returncode == 0 and "kube-apiserver" in run("--help").stdout
    assert run("--version").returncode == 0


@pytest.mark.parametrize("command", BY_KUBECONFIG)
@pytest.mark.parametrize("text, expected", [
    (None, "No such file or directory"),
    ("{", "wrong.conf"),
    ('{"current-context":"x"}', 'context "x" does not exist'),
    ('{"current-context":"x","contexts":[{"name":"x","context":{"cluster":"c"}}]}', 'cluster "c" does not exist'),
    ('{"current-context":"x","contexts":[{"name":"x","context":{"cluster":"c"}}],"clusters":[{"name":"c",'
     '"cluster":{"server":"https://127.0.0.1:1","certificate-authority-data":"bm9wZQ=="}}]}', "certificate"),
])
def test_wrong_kubeconfig(tmp_path, command, text, expected):
    config = tmp_path / "wrong.conf"
    if text is not None:
        config.write_text(text)
    done = run(command, "--kubeconfig", str(config))
    assert done.returncode == 1 and expected in done.stderr, done.stderr
    missing = run(command)
    assert missing.returncode == 1 and "--kubeconfig is needed" in missing.stderr
