"""The kubelet's own server, called directly: who may see what."""
import base64
import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

from cluster import TIPHYS, free_port, wait_for

NS = "kubelet-server"
SCRAPER = {"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}},
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "scraper", "namespace": NS}},
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": NS}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "e2e-scraper"},
     "rules": [{"apiGroups": [""], "resources": ["nodes/metrics", "nodes/healthz"], "verbs": ["get"]}]},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "e2e-scraper"},
     "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "e2e-scraper"},
     "subjects": [{"kind": "ServiceAccount", "name": "scraper", "namespace": NS}]}]}


def call(port, path, token=None, method="GET", certificate=None, scheme="https", headers=None, body=None):
    """The answer's code and text; as somebody without a certificate, unless one is given (cert, key)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(*map(str, certificate))
    headers = dict(headers or {}, **({"Authorization": f"Bearer {token}"} if token else {}))
    request = urllib.request.Request(f"{scheme}://127.0.0.1:{port}{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, context=context if scheme == "https" else None, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(scope="module")
def scraped(cluster):
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(SCRAPER))
    yield cluster
    cluster.kubectl("delete", "-f", "-", "--wait=false", stdin=json.dumps(SCRAPER))


@pytest.fixture(scope="module")
def token(scraped):
    return scraped.out("create", "token", "scraper", "-n", NS).strip()


def raw(cluster, path):
    return cluster.out("get", "--raw", f"/api/v1/nodes/node{cluster.number}/proxy{path}")


def test_strangers_are_told_nothing(cluster):
    for path in ("/pods", "/metrics/resource", "/healthz", "/exec/a/b/c", "/nothing"):
        assert call(cluster.kubelet_port, path) == (401, "Unauthorized")
        assert call(cluster.kubelet_port, path, "wrong") == (401, "Unauthorized")


def test_a_token_may_what_rbac_says(scraped, token):
    port = scraped.kubelet_port
    code, text = call(port, "/metrics/resource", token)
    assert code == 200 and "node_cpu_usage_seconds_total" in text
    assert call(port, "/healthz", token) == (200, "ok")
    assert '\nkubernetes_healthcheck{name="syncloop",type="healthz"} 1\n' in call(port, "/metrics/slis", token)[1]
    user = f"system:serviceaccount:{NS}:scraper"
    assert call(port, f"/exec/{NS}/x/c?command=id", token, "POST") == (
        403, f"Forbidden (user={user}, verb=create, resource=nodes, subresource(s)=[proxy])\n")
    assert call(port, "/pods", token) == (
        403, f"Forbidden (user={user}, verb=get, resource=nodes, subresource(s)=[pods proxy])\n")
    nobody = scraped.out("create", "token", "nobody", "-n", NS).strip()
    assert call(port, "/metrics/resource", nobody)[0] == 403


def test_a_certificate_may_what_its_groups_may(cluster):
    pki = cluster.data / "pki"

    def pair(leaf):
        return pki / f"{leaf}.crt", pki / f"{leaf}.key"
    code, text = call(cluster.kubelet_port, "/pods", certificate=pair("apiserver-kubelet-client"))
    assert code == 200 and json.loads(text)["kind"] == "PodList"
    code, text = call(cluster.kubelet_port, "/pods", certificate=pair("kube-proxy"))
    assert (code, text) == (403, "Forbidden (user=system:kube-proxy, verb=get, resource=nodes, "
                                 "subresource(s)=[pods proxy])\n")


# ---- what it tells ----

FILL = "dd if=/dev/zero of={} bs=1M count=3 2>/dev/null"
PROBED = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probed", "namespace": NS}, "spec": {
    "terminationGracePeriodSeconds": 0, "containers": [{
        "name": "main", "image": "busybox", "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", f"echo said; {FILL.format('/v/x')}; {FILL.format('/x')}; while true; do :; done"],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        "resources": {"limits": {"cpu": "50m", "memory": "32Mi"}},
        "livenessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1}}],
    "volumes": [{"name": "v", "emptyDir": {}}]}}


@pytest.fixture(scope="module")
def probed(scraped):
    scraped.kubectl("apply", "-f", "-", stdin=json.dumps(PROBED))
    scraped.kubectl("wait", "-n", NS, "--for=condition=Ready", "pod/probed", "--timeout=60s")
    return scraped


def value(text, name, *labels):
    """The value of the first series of that name with all the labels; None: there is none."""
    for line in text.splitlines():
        if line.startswith((name + "{", name + " ")) and all(label in line for label in labels):
            return float(line.rsplit("} ", 1)[-1].split()[0] if "{" in line else line.split()[1])
    return None


def test_metrics_of_the_kubelet(probed, token):
    code, text = call(probed.kubelet_port, "/metrics", token)
    assert code == 200
    assert value(text, "kubelet_node_name", f'node="node{probed.number}"') == 1
    assert value(text, "kubelet_running_pods") >= 1
    assert value(text, "kubelet_running_containers", 'container_state="running"') >= 1
    assert value(text, "kubelet_started_containers_total", 'container_type="container"') >= 1
    assert value(text, "kubelet_pod_start_duration_seconds_count") >= 1
    assert value(text, "kubelet_pod_worker_duration_seconds_count", 'operation_type="sync"') >= 1
    assert value(text, "kubelet_runtime_operations_total", 'operation_type="run_podsandbox"') >= 1
    assert value(text, "kubelet_runtime_operations_duration_seconds_count", 'operation_type="create_container"') >= 1
    assert value(text, "process_open_fds") > 3 and value(text, "process_cpu_seconds_total") > 0
    assert value(raw(probed, "/metrics"), "kubelet_http_requests_total", 'path="metrics"') >= 1
    assert value(text, "rest_client_requests_total", 'code="200"', 'method="GET"') >= 1
    assert value(text, "rest_client_request_duration_seconds_count", 'verb="POST"') >= 1
    assert value(text, "kubelet_active_pods", 'static=""') >= 1 and value(text, "kubelet_mirror_pods") >= 0
    assert value(text, "kubelet_pod_start_total_duration_seconds_count") >= 1
    assert value(text, "kubelet_pod_start_sli_duration_seconds_count") >= 1
    assert value(text, "kubelet_first_network_pod_start_sli_duration_seconds") >= 0
    assert value(text, "kubernetes_build_info", 'major="1"', 'minor="35"') == 1
    assert value(text, "kubelet_run_podsandbox_duration_seconds_count", 'runtime_handler=""') >= 1
    assert value(text, "kubelet_containers_per_pod_count_count") >= 1
    assert value(text, "kubelet_cgroup_version") in (1, 2)
    assert value(text, "kubelet_http_inflight_requests", 'path="metrics"') >= 1


def test_metrics_of_containers(probed, token):
    labels = ('container="main"', f'namespace="{NS}"', 'pod="probed"')

    def busy():
        text = call(probed.kubelet_port, "/metrics/cadvisor", token)[1]
        throttled = value(text, "container_cpu_cfs_throttled_periods_total", *labels)
        return text if throttled and value(text, "container_cpu_usage_seconds_total", *labels) else None
    text = wait_for(busy, 20, "throttled container")
    assert 0 < value(text, "container_memory_working_set_bytes", *labels) < 32 * 1024 * 1024
    assert value(text, "container_spec_memory_limit_bytes", *labels) == 32 * 1024 * 1024
    assert value(text, "container_start_time_seconds", *labels) > 1e9
    assert value(text, "container_network_receive_bytes_total", 'interface="eth0"', *labels[1:]) is not None
    assert value(text, "container_cpu_usage_seconds_total", 'id="/"') > 0
    assert value(text, "machine_cpu_cores") >= 1 and value(text, "container_scrape_error") == 0


def test_metrics_of_probes(probed, token):
    def passed():
        text = call(probed.kubelet_port, "/metrics/probes", token)[1]
        return value(text, "prober_probe_total", 'pod="probed"', 'probe_type="Liveness"', 'result="successful"')
    wait_for(passed, 20, "probe")


def test_summary_tells_of_network_and_processes(probed):
    summary = json.loads(raw(probed, "/stats/summary"))
    pod = next(p for p in summary["pods"] if p["podRef"]["name"] == "probed")
    assert pod["network"]["name"] == "eth0" and pod["network"]["txBytes"] >= 0
    assert pod["process_stats"]["process_count"] >= 2
    assert summary["node"]["network"]["interfaces"]


def test_summary_tells_of_disks(probed):
    """The runtime looks at writable layers every ten seconds, we at a pod's folders once a minute."""
    def filled():
        shown = json.loads(raw(probed, "/stats/summary"))
        pod = next(p for p in shown["pods"] if p["podRef"]["name"] == "probed")
        full = pod["containers"][0].get("rootfs", {}).get("usedBytes", 0) >= 3 << 20
        return full and any(v["name"] == "v" and v["usedBytes"] >= 3 << 20 for v in pod.get("volume", [])) and (shown, pod)
    shown, pod = wait_for(filled, 90, "a measured layer and volume")
    volumes = {v["name"].split("-")[0] for v in pod["volume"]}
    assert volumes == {"v", "kube"}, "the token's too"
    logs = pod["containers"][0]["logs"]
    assert 0 < logs["usedBytes"] < 1 << 20 and logs["inodesUsed"] >= 2
    storage = pod["ephemeral-storage"]
    assert 6 << 20 < storage["usedBytes"] < 8 << 20 and storage["capacityBytes"] == shown["node"]["fs"]["capacityBytes"]
    images = shown["node"]["runtime"]["imageFs"]
    assert 0 < images["usedBytes"] < images["capacityBytes"] and shown["node"]["fs"]["inodes"] >= 0
    lean = json.loads(raw(probed, "/stats/summary?only_cpu_and_memory=true"))
    assert all("volume" not in p and "rootfs" not in p["containers"][0] for p in lean["pods"])


def test_lists_of_pods(probed):
    running = json.loads(raw(probed, "/runningpods/"))
    mine = next(p for p in running["items"] if p["metadata"]["name"] == "probed")
    assert [c["name"] for c in mine["spec"]["containers"]] == ["main"]
    assert any(p["metadata"]["name"] == "probed" for p in json.loads(raw(probed, "/pods"))["items"])


# ---- the node's logs ----

@pytest.fixture(scope="module")
def system_log(cluster):
    """A folder in /var/log as a container with a hostPath could have made it."""
    with tempfile.TemporaryDirectory(prefix="tiphys-e2e-", dir="/var/log") as name:
        folder = pathlib.Path(name)
        (folder / "big.log").write_text("0123456789" * 30_000)
        (folder / "a&b <i>.log").write_text("<script>")
        (folder / "sub").mkdir()
        (folder / "inside").symlink_to(folder / "big.log")
        (folder / "shadow").symlink_to("/etc/shadow")
        (folder / "root").symlink_to("/")
        os.mkfifo(folder / "pipe")
        yield folder


def as_api_server(cluster):
    pki = cluster.data / "pki"
    return pki / "apiserver-kubelet-client.crt", pki / "apiserver-kubelet-client.key"


def test_logs_of_the_node(cluster, system_log):
    place = f"/logs/{system_log.name}"
    assert raw(cluster, place + "/") == (
        '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n'
        '<a href="a&b%20%3Ci%3E.log">a&amp;b &lt;i&gt;.log</a>\n<a href="big.log">big.log</a>\n'
        '<a href="inside">inside</a>\n<a href="pipe">pipe</a>\n<a href="root">root</a>\n'
        '<a href="shadow">shadow</a>\n<a href="sub/">sub/</a>\n</pre>\n')
    assert f'<a href="{system_log.name}/">' in raw(cluster, "/logs/")
    assert raw(cluster, place + "/big.log") == "0123456789" * 30_000
    assert raw(cluster, place + "/inside") == "0123456789" * 30_000
    assert raw(cluster, place + "/a&b%20%3Ci%3E.log") == "<script>"
    code, text = call(cluster.kubelet_port, place + "/big.log", certificate=as_api_server(cluster),
                      headers={"Range": "bytes=299995-"})
    assert (code, text) == (206, "56789")
    for outside in ("/shadow", "/root/etc/passwd", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/pipe", "/no"):
        assert call(cluster.kubelet_port, place + outside, certificate=as_api_server(cluster)) == (
            404, "404 page not found\n"), outside
    assert call(cluster.kubelet_port, place + "/big.log", certificate=as_api_server(cluster), method="POST") == (
        405, "405: Method Not Allowed")


def test_logs_of_the_node_are_for_those_who_may(scraped, token):
    code, text = call(scraped.kubelet_port, "/logs/", token)
    assert code == 403 and "verb=get, resource=nodes, subresource(s)=[log])" in text


# ---- what kubectl doesn't ask for ----

def test_debugging_handlers(probed):
    def ask(path, method="GET", body=None):
        return call(probed.kubelet_port, path, certificate=as_api_server(probed), method=method, body=body)
    assert ask("/debug/flags/v") == (406, "unsupported http method")
    assert ask("/debug/flags/v", "PUT", b"lots") == (400, 'strconv.ParseUint: parsing "lots": invalid syntax')
    assert ask("/debug/flags/v", "PUT", b"0") == (200, "successfully set klog.logging.verbosity to 0")
    assert ask("/debug/pprof/cmdline")[1].split("\0")[1] == "server"
    assert ask("/debug/pprof/heap") == (404, "Unknown profile\n")
    assert ask("/pods", "DELETE") == (405, "405: Method Not Allowed")


def test_errors_of_container_logs(probed):
    def ask(path):
        return call(probed.kubelet_port, "/containerLogs/" + path, certificate=as_api_server(probed))
    assert ask(f"{NS}/probed/main") == (200, "said\n")
    assert ask(f"{NS}/nobody/main") == (404, 'pod "nobody" does not exist')
    assert ask(f"{NS}/probed/other") == (404, 'container "other" not found in pod "probed"')
    assert ask(f"{NS}/probed/main?tailLines=x") == (400, '{"message": "Unable to decode query."}')
    assert ask(f"{NS}/probed/main?tailLines=-1") == (422, '{"message": "Invalid request."}')
    assert ask(f"{NS}/probed/main?previous=true") == (
        400, 'previous terminated container "main" in pod "probed" not found')
    assert ask(f"{NS}/probed") == (404, "404: Page Not Found")


def test_this_runtime_makes_no_checkpoints(probed):
    def ask(path):
        return call(probed.kubelet_port, "/checkpoint/" + path, certificate=as_api_server(probed), method="POST")
    assert ask(f"{NS}/nobody/main") == (404, "pod does not exist")
    assert ask(f"{NS}/probed/other") == (404, "container other does not exist")
    assert ask(f"{NS}/probed/main?timeout=soon") == (404, "cannot parse value of timeout parameter")
    code, text = ask(f"{NS}/probed/main")
    assert code == 500 and text.startswith(
        f"checkpointing of {NS}/probed/main failed (rpc error: code = Unimplemented desc = "), text


# ---- a node that joins ----

TOKEN_ID, SECRET = "abc123", "0123456789abcdef"
JOINING = {"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
     "metadata": {"name": f"bootstrap-token-{TOKEN_ID}", "namespace": "kube-system"},
     "stringData": {"token-id": TOKEN_ID, "token-secret": SECRET, "usage-bootstrap-authentication": "true"}},
    *({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
       "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
       "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}]}
      for name, role, group in (
          ("e2e-bootstrap", "system:node-bootstrapper", "system:bootstrappers"),
          ("e2e-approve", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", "system:bootstrappers"),
          ("e2e-renew", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "system:nodes")))]}


class Joined:
    """A kubelet of its own that joins the session's cluster; its node takes no pods."""

    def __init__(self, cluster, folder):
        self.cluster = cluster
        self.folder = folder
        self.name = f"joined{cluster.number}"
        self.bridge = f"tiphysj{cluster.number}"
        self.port, self.healthz, self.read_only = free_port(), free_port(), free_port()
        self.log = folder / "kubelet.log"
        self.kubeconfig = folder / "kubelet.conf"
        self.current = folder / "pki/kubelet-client-current.pem"
        self.process = None
        (folder / "ca.crt").write_bytes((cluster.data / "pki/ca.crt").read_bytes())
        self.write_bootstrap("0" * 16)
        self.write_config()

    def write_bootstrap(self, secret):
        ca = base64.b64encode((self.folder / "ca.crt").read_bytes()).decode()
        (self.folder / "bootstrap.conf").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"https://127.0.0.1:{self.cluster.port}",
                                                    "certificate-authority-data": ca}}],
            "users": [{"name": "it", "user": {"token": f"{TOKEN_ID}.{secret}"}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))

    def write_config(self, **more):
        (self.folder / "config.yaml").write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True, "cacheTTL": "0s"},
                               "x509": {"clientCAFile": "ca.crt"}},
            "authorization": {"mode": "Webhook"}, "cgroupDriver": "systemd", "rotateCertificates": True,
            "healthzBindAddress": "127.0.0.1", "healthzPort": self.healthz, "port": 1, "maxPods": 17,
            "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local", "nodeStatusUpdateFrequency": "0s",
            "registerWithTaints": [{"key": "e2e", "value": "joined", "effect": "NoSchedule"}],
            "logging": {"flushFrequency": 0, "verbosity": 2}, "serverTLSBootstrap": True,
            "readOnlyPort": self.read_only, "tlsMinVersion": "VersionTLS13", **more}))

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [TIPHYS, "kubelet", "--config", str(self.folder / "config.yaml"), "--kubeconfig",
                 str(self.kubeconfig), "--bootstrap-kubeconfig", str(self.folder / "bootstrap.conf"),
                 "--cert-dir", str(self.folder / "pki"), "--data-dir", str(self.folder / "data"),
                 "--hostname-override", self.name, "--bridge-name", self.bridge, f"--port={self.port}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        return self.process.returncode

    def says(self, words, seconds=20):
        wait_for(lambda: words in self.log.read_text(errors="replace"), seconds, f"{words!r} in the log")

    def registered(self):
        done = self.cluster.kubectl("get", "node", self.name, "-o", "json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def requests(self, signer):
        return [c for c in self.cluster.get("csr")["items"] if c["spec"]["signerName"] == f"kubernetes.io/{signer}"]


@pytest.fixture(scope="module")
def joined(cluster):
    with tempfile.TemporaryDirectory(prefix="tiphys-joined-") as folder:
        one = Joined(cluster, pathlib.Path(folder))
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(JOINING))
        try:
            yield one
        finally:
            one.stop()
            cluster.kubectl("delete", "node", one.name, "--ignore-not-found", "--wait=false")
            cluster.kubectl("delete", "-f", "-", "--wait=false", stdin=json.dumps(JOINING))
            subprocess.run([TIPHYS, "purge", "--data-dir", str(one.folder / "data"), "--bridge-name", one.bridge],
                           check=True, capture_output=True, timeout=120)


def test_a_wrong_token_is_told_and_tried_again(joined):
    joined.start()
    joined.says('Failed to bootstrap the client certificate, will retry" err="cannot create certificate signing '
                'request: Unauthorized"')
    assert joined.process.poll() is None and not joined.kubeconfig.exists()


def test_a_token_joins_the_node(joined):
    joined.write_bootstrap(SECRET)
    node = wait_for(joined.registered, 60, "node")
    assert node["status"]["capacity"]["pods"] == "17"
    assert {"key": "e2e", "value": "joined", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert "kubelet-client-current.pem" in joined.kubeconfig.read_text()
    assert joined.current.is_symlink() and joined.current.stat().st_mode & 0o777 == 0o600
    mine = [c for c in joined.requests("kube-apiserver-client-kubelet")
            if c["spec"]["username"] == f"system:bootstrap:{TOKEN_ID}"]
    assert mine[-1]["status"]["conditions"][0]["reason"] == "AutoApproved"


def test_configz_shows_file_and_flags(joined):
    configz = json.loads(joined.cluster.out("get", "--raw", f"/api/v1/nodes/{joined.name}/proxy/configz"))
    config = configz["kubeletconfig"]
    assert (config["maxPods"], config["port"], config["healthzPort"]) == (17, joined.port, joined.healthz)
    assert config["authentication"]["x509"]["clientCAFile"] == str(joined.folder / "ca.crt")
    assert config["syncFrequency"] == "1m0s" and config["rotateCertificates"] is True


def test_healthz_without_tls(joined):
    assert call(joined.healthz, "/healthz", scheme="http") == (200, "ok")
    assert call(joined.healthz, "/healthz/syncloop", scheme="http") == (200, "ok")
    assert call(joined.healthz, "/healthz?verbose", scheme="http") == (
        200, "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n")
    assert call(joined.healthz, "/pods", scheme="http")[0] == 404


def test_the_read_only_port_only_reads(joined):
    code, text = call(joined.read_only, "/pods", scheme="http")
    assert code == 200 and json.loads(text)["kind"] == "PodList"
    assert call(joined.read_only, "/metrics", scheme="http")[0] == 200
    assert call(joined.read_only, "/configz", scheme="http")[0] == 404
    for path in ("/exec/a/b/c", "/run/a/b/c", "/containerLogs/a/b/c", "/runningpods/"):
        assert call(joined.read_only, path, scheme="http") == (405, "Debug endpoints are disabled.\n")


def test_older_versions_of_tls_are_refused(joined):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", joined.port), 10) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def issuer(port):
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    done = subprocess.run(["openssl", "x509", "-noout", "-issuer", "-subject"], input=pem, capture_output=True,
                          text=True, check=True)
    return done.stdout


def test_a_serving_certificate_is_approved_by_hand(joined):
    assert "kubernetes" not in issuer(joined.port)
    mine = wait_for(lambda: [c for c in joined.requests("kubelet-serving")
                             if c["spec"]["username"] == f"system:node:{joined.name}"], 20, "request")
    joined.cluster.kubectl("certificate", "approve", mine[-1]["metadata"]["name"])
    wait_for(lambda: f"system:node:{joined.name}" in issuer(joined.port), 30, "serving certificate")
    assert (joined.folder / "pki/kubelet-server-current.pem").is_symlink()


def test_a_restart_needs_no_token(joined):
    before = len(joined.requests("kube-apiserver-client-kubelet"))
    assert joined.stop() == 0
    joined.write_bootstrap("0" * 16)
    joined.write_config(nodeLeaseDurationSeconds=37)
    joined.start()

    def renewed():
        done = joined.cluster.kubectl("get", "lease", "-n", "kube-node-lease", joined.name, "-o",
                                      "jsonpath={.spec.leaseDurationSeconds}", check=False)
        return done.stdout == "37"
    wait_for(renewed, 30, "lease of the second start")
    assert f"system:node:{joined.name}" in issuer(joined.port), "the serving certificate was kept, too"
    assert len(joined.requests("kube-apiserver-client-kubelet")) == before


def test_a_certificate_that_is_over_is_got_again(joined):
    assert joined.stop() == 0
    old = joined.current.resolve()
    joined.write_bootstrap(SECRET)
    key, request, certificate = (str(joined.folder / f"old.{end}") for end in ("key", "csr", "crt"))
    for command in (["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=old",
                     "-keyout", key, "-out", request],
                    ["x509", "-req", "-in", request, "-signkey", key, "-days", "-1", "-out", certificate]):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    old.write_text((joined.folder / "old.crt").read_text() + (joined.folder / "old.key").read_text())
    joined.start()
    joined.says("Part of the existing bootstrap client certificate is expired")
    wait_for(lambda: joined.current.resolve() != old, 30, "another certificate")


def serial(port):
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, capture_output=True, text=True,
                          check=True).stdout.strip().removeprefix("serial=")


def make_pair(folder, number):
    """Named .new: what follows the files is told of them when they are complete, by a rename."""
    pair = [folder / f"serving.{end}.new" for end in ("crt", "key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=serving", "-set_serial", str(number), "-out", pair[0], "-keyout", pair[1]],
                   check=True, capture_output=True)
    return pair


def test_serving_files_are_followed(joined):
    """A pair that changes is served without a restart; one that is broken is told, and the old one kept."""
    assert joined.stop() == 0
    tls = joined.folder / "tls"
    tls.mkdir()
    for path in make_pair(tls, 17):
        path.rename(path.with_suffix(""))
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    joined.write_config(serverTLSBootstrap=False, tlsCertFile=str(tls / "serving.crt"), tlsMinVersion="",
                        tlsPrivateKeyFile=str(tls / "serving.key"), tlsCipherSuites=[suite])
    joined.start()
    wait_for(lambda: serial(joined.port) == "11", 30, "the first pair")
    for path in make_pair(tls, 18):
        path.rename(path.with_suffix(""))
    wait_for(lambda: serial(joined.port) == "12", 20, "the second pair")
    (tls / "serving.key.new").write_text("no key")
    (tls / "serving.key.new").rename(tls / "serving.key")
    joined.says("invalid certificate and key pair from file")
    assert serial(joined.port) == "12"
    assert joined.process.poll() is None


def test_only_the_cipher_suites_that_are_named(joined):
    def handshake(ciphers):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        with socket.create_connection(("127.0.0.1", joined.port), 10) as plain, context.wrap_socket(plain) as secure:
            return secure.cipher()[0]
    assert handshake("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256") == "ECDHE-ECDSA-AES256-GCM-SHA384"
    with pytest.raises(ssl.SSLError):
        handshake("ECDHE-ECDSA-AES128-GCM-SHA256")


@pytest.mark.parametrize("text, words", [
    ("tlsCipherSuites: [TLS_NOPE]", "Cipher suite TLS_NOPE not supported or doesn't exist"),
    ("tlsMinVersion: SSLv3", 'unknown tls version "SSLv3"'),
    ("foo: 1", 'failed to decode: strict decoding error: unknown field "foo"'),
    ("maxPods: -1", "invalid configuration: maxPods (--max-pods) -1 must not be a negative number"),
    ("cpuManagerPolicy: static", 'cpuManagerPolicy: "static" is not supported by this kubelet'),
])
def test_a_wrong_file_is_refused(tmp_path, text, words):
    path = tmp_path / "config.yaml"
    path.write_text(f"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{text}\n")
    done = subprocess.run([TIPHYS, "kubelet", "--config", str(path)], capture_output=True, text=True, timeout=20,
                          check=False)
    assert done.returncode == 1 and words in done.stderr
