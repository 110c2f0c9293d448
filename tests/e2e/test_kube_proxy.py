"""kube-proxy alone, with its configuration file, in a network namespace of its own: both modes, its ports, cleanup."""
import contextlib
import ctypes
import http.server
import json
import os
import socket
import socketserver
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

from api_server import ApiServer
from cluster import TIPHYS, wait_for

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
HEALTH_PORT = 32040
MANY = "/api/v1/namespaces/many"
MANY_SLICES = "/apis/discovery.k8s.io/v1/namespaces/many"
CONFIG = """
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {{kubeconfig: {kubeconfig}}}
hostnameOverride: n1
clusterCIDR: 10.42.0.0/16
mode: {mode}
oomScoreAdj: 0
conntrack: {{tcpEstablishedTimeout: 2h, maxPerCore: 0}}
iptables: {{syncPeriod: 1s, masqueradeBit: 15}}
nftables: {{syncPeriod: 1s, masqueradeBit: 15}}
"""


@contextlib.contextmanager
def own_network():
    """This thread, and what it starts, in a new network namespace: the node and its pod are one machine."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    assert LIBC.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    try:
        tool("ip", "link", "set", "lo", "up")
        tool("ip", "addr", "add", "192.168.7.1/24", "dev", "lo")
        tool("ip", "addr", "add", "10.42.0.9/32", "dev", "lo")
        tool("ip", "route", "add", "default", "dev", "lo")
        yield
    finally:
        LIBC.setns(before, CLONE_NEWNET)
        os.close(before)


def tool(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert not check or done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"page")

    def log_message(self, *_):
        pass


def fetch(url, timeout=1):
    """(status, text); (0, why) without an answer."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


OBJECTS = [
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
     "spec": {"clusterIP": "10.43.0.77", "type": "LoadBalancer", "externalTrafficPolicy": "Local",
              "healthCheckNodePort": HEALTH_PORT,
              "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30077}]}},
    {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
     "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
     "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
     "endpoints": [{"addresses": ["10.42.0.9"], "conditions": {"ready": True}, "nodeName": "n1"}]},
]


class Proxy:
    def __init__(self, server, mode, more=""):
        self.file = server.folder / f"{mode}.yaml"
        self.file.write_text(CONFIG.format(kubeconfig=server.kubeconfig(), mode=mode) + more)
        self.log = server.folder / f"{mode}.log"
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([TIPHYS, "kube-proxy", "--config", str(self.file)], stdout=log, stderr=log)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log.read_text()[-2000:]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with own_network():
        one = ApiServer(tmp_path_factory.mktemp("kube-proxy"))
        one.start()
        pages = socketserver.ThreadingTCPServer(("10.42.0.9", 8080), Page)  # HTTPServer would ask DNS for its name
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        one.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": OBJECTS}))
        one.kubectl("patch", "node", "n1", "--subresource=status", "--type=merge", "-p", json.dumps(
            {"status": {"addresses": [{"type": "InternalIP", "address": "192.168.7.1"}]}}))
        try:
            yield one
        finally:
            pages.shutdown()
            one.process.terminate()
            one.process.wait(20)


@contextlib.contextmanager
def running(server, mode):
    proxy = Proxy(server, mode)
    try:
        # The rules of the one before answer, too.
        wait_for(lambda: "kubeproxy_sync_full_proxy_rules_duration_seconds_count" in
                 fetch("http://127.0.0.1:10249/metrics")[1], 20, "first rules")
        wait_for(lambda: fetch("http://10.43.0.77/") == (200, "page"), 20, "page by cluster IP")
        yield proxy
    finally:
        proxy.stop()


def check_ports(mode):
    status, text = fetch("http://127.0.0.1:10256/healthz")
    assert status == 200 and json.loads(text)["nodeEligible"] is True
    assert fetch("http://127.0.0.1:10256/livez")[0] == 200
    assert fetch("http://127.0.0.1:10249/proxyMode") == (200, mode)
    config = json.loads(fetch("http://127.0.0.1:10249/configz")[1])["kubeproxy.config.k8s.io"]
    assert config["mode"] == mode and config["conntrack"]["tcpEstablishedTimeout"] == "2h0m0s"
    assert fetch("http://127.0.0.1:10249/healthz") == (200, "ok")
    assert '\nkubernetes_healthcheck{name="ping",type="healthz"} 1\n' in fetch("http://127.0.0.1:10249/metrics/slis")[1]
    metrics = fetch("http://127.0.0.1:10249/metrics")[1]
    assert 'kubernetes_build_info{' in metrics
    for name in ("sync_proxy_rules_duration_seconds_count", "sync_full_proxy_rules_duration_seconds_count",
                 "sync_proxy_rules_last_timestamp_seconds"):
        assert f'kubeproxy_{name}{{ip_family="IPv4"}}' in metrics, metrics
    assert ("kubeproxy_sync_proxy_rules_iptables_total{" in metrics) == (mode == "iptables")
    assert "rest_client_requests_total{" in metrics and "process_resident_memory_bytes " in metrics


def check_health_port():
    status, text = wait_for(lambda: (lambda a: a if a[0] == 200 else None)(
        fetch(f"http://192.168.7.1:{HEALTH_PORT}/")), 10, "health check port")
    assert json.loads(text) == {"service": {"namespace": "default", "name": "web"}, "localEndpoints": 1,
                                "serviceProxyHealthy": True}


def chains():
    return tool("iptables-save", "-t", "nat").count(":KUBE-SVC-")


def tables():
    return tool("nft", "list", "tables").count("tiphys-proxy")


def test_iptables_mode(server):
    with running(server, "iptables"):
        check_ports("iptables")
        check_health_port()
        assert chains() == 1 and tables() == 0
        assert "0x8000/0x8000" in tool("iptables-save", "-t", "nat"), "masqueradeBit"
        assert fetch("http://192.168.7.1:30077/")[1] == "page"
        tool("iptables", "-t", "nat", "-F")
        tool("iptables", "-t", "nat", "-X")
        wait_for(lambda: fetch("http://10.43.0.77/")[0] == 200, 20, "repair")


def test_nftables_mode_replaces_the_other_and_cleanup_both(server):
    with running(server, "nftables"):
        check_ports("nftables")
        check_health_port()
        assert chains() == 0 and tables() == 1
        assert fetch("http://192.168.7.1:30077/")[1] == "page", "the primary address"
        assert tool("cat", "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established").strip() == "7200"
    assert fetch("http://10.43.0.77/")[0] == 200, "rules stay without the proxy"
    tool(TIPHYS, "kube-proxy", "--cleanup")
    assert chains() == 0 and tables() == 0


def test_a_node_that_is_about_to_go(server):
    with running(server, "nftables"):
        server.kubectl("taint", "node", "n1", "ToBeDeletedByClusterAutoscaler=:NoSchedule")
        wait_for(lambda: fetch("http://127.0.0.1:10256/healthz")[0] == 503, 10, "unhealthy")
        assert fetch("http://127.0.0.1:10256/livez")[0] == 200
        server.kubectl("taint", "node", "n1", "ToBeDeletedByClusterAutoscaler-")
        wait_for(lambda: fetch("http://127.0.0.1:10256/healthz")[0] == 200, 10, "healthy")


def many_services(count):
    """Requests that make so many Services of one endpoint each."""
    for i in range(count):
        name = f"many-{i}"
        yield ("POST", f"{MANY}/services", {"metadata": {"name": name},
                                            "spec": {"ports": [{"port": 80, "targetPort": 8080}]}})
        yield ("POST", f"{MANY_SLICES}/endpointslices", {**OBJECTS[2], "metadata": {
            "name": name, "labels": {"kubernetes.io/service-name": name}}})


@contextlib.contextmanager
def asked_all_the_time(url):
    """Connection after connection to another Service meanwhile: each is answered."""
    answers, over = [], threading.Event()

    def ask():
        while not over.wait(0.02):  # thousands a minute would meet ports of connections in TIME_WAIT
            answers.append(fetch(url, 10))  # this process, too, has ten thousand Services to read
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        over.set()
        asking.join()
    wrong = [answer for answer in answers if answer != (200, "page")]
    assert len(answers) > 100 and not wrong, (len(answers), wrong[:3])


def test_ten_thousand_services_at_once(server):
    server.request("POST", "/api/v1/namespaces", {"metadata": {"name": "many"}})
    with running(server, "nftables"), asked_all_the_time("http://10.43.0.77/"):
        assert set(server.statuses(many_services(10_000))) == {201}
        last = server.request("GET", f"{MANY}/services/many-9999")[1]["spec"]["clusterIP"]
        wait_for(lambda: fetch(f"http://{last}/") == (200, "page"), 10, "page of the last one")
        for path in (f"{MANY}/services", f"{MANY_SLICES}/endpointslices"):
            assert server.request("DELETE", path, timeout=60)[0] == 200
        wait_for(lambda: fetch(f"http://{last}/")[0] == 0, 10, "end of the last one")


def failures(server, reason):
    """What events of the node tell of it, and how often."""
    events = json.loads(server.kubectl("get", "events", "-o", "json"))["items"]
    return [(e["message"], e["count"]) for e in events
            if e["reason"] == reason and e["involvedObject"]["kind"] == "Node"]


def test_a_port_that_is_taken_is_tried_again(server):
    with socket.create_server(("0.0.0.0", 10256)) as other, running(server, "nftables"):
        wait_for(lambda: failures(server, "FailedToStartProxierHealthcheck"), 10, "event")
        other.close()
        wait_for(lambda: fetch("http://127.0.0.1:10256/livez")[0] == 200, 10, "the port")
    assert failures(server, "FailedToStartProxierHealthcheck") == [(
        "healthz server failed: failed to start proxy healthz on 0.0.0.0:10256: "
        "listen tcp 0.0.0.0:10256: bind: address already in use", 1)]


def test_a_port_that_is_taken_ends_it_if_it_must_have_it(server):
    with socket.create_server(("127.0.0.1", 10249)):
        proxy = Proxy(server, "nftables", "bindAddressHardFail: true\n")
        assert proxy.process.wait(10) == 1
    why = "starting metrics server failed: listen tcp 127.0.0.1:10249: bind: address already in use"
    assert f"tiphys: {why}\n" in proxy.log.read_text()
    assert failures(server, "FailedToStartMetricServer") == [(why, 1)]


def test_another_content_of_the_file_ends_it(server):
    with running(server, "nftables") as proxy:
        proxy.file.touch()
        assert fetch("http://127.0.0.1:10256/livez")[0] == 200, "the same content"
        proxy.file.write_text(proxy.file.read_text() + "metricsBindAddress: 127.0.0.1:10259\n")
        assert proxy.process.wait(10) == 1
        assert "content of the proxy server's configuration file was updated" in proxy.log.read_text()
        proxy.start()
        wait_for(lambda: fetch("http://127.0.0.1:10259/proxyMode") == (200, "nftables"), 10, "the new port")


def kube_proxy(*arguments, check=True):
    done = subprocess.run([TIPHYS, "kube-proxy", *map(str, arguments)], capture_output=True, text=True, timeout=20,
                          check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def test_flags_that_quit(server, tmp_path):
    file = tmp_path / "written.yaml"
    kube_proxy("--proxy-mode=iptables", "--cluster-cidr=10.42.0.0/16", "--ipvs-scheduler=rr", "--ipvs-strict-arp",
               "--metrics-bind-address=10.0.0.1", "--metrics-port=77", "--write-config-to", file)
    text = file.read_text()
    assert text.startswith("apiVersion: kubeproxy.config.k8s.io/v1alpha1\n") and "kind: KubeProxyConfiguration\n" in text
    for line in ("mode: iptables", "clusterCIDR: 10.42.0.0/16", "metricsBindAddress: 10.0.0.1:77",
                 "healthzBindAddress: 0.0.0.0:10256", "  scheduler: rr", "  strictARP: true", "  qps: 5"):
        assert f"{line}\n" in text, text
    again = tmp_path / "again.yaml"
    kube_proxy("--config", file, "--write-config-to", again)
    assert again.read_text() == text
    kube_proxy("--iptables-sync-period=7s", "--write-config-to", again)
    assert again.read_text().count("  syncPeriod: 7s\n") == 2, "of both modes, as upstream"
    forward = "/proc/sys/net/ipv4/ip_forward"
    tool("sh", "-c", f"echo 0 >{forward}")
    kube_proxy("--init-only", "--conntrack-tcp-timeout-established=3h", "--conntrack-max-per-core=0")
    assert tool("cat", forward) == "1\n"
    assert tool("cat", "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established") == "10800\n"
    done = kube_proxy("--proxy-mode=ipvs", "--ipvs-tcp-timeout=5s", check=False)
    assert done.returncode == 1 and 'mode: "ipvs" is not supported by this kube-proxy' in done.stderr
    assert kube_proxy("--ipvs-sync-period=x", check=False).returncode == 2
    done = kube_proxy("--healthz-bind-address=::1", "--healthz-port=70000", check=False)
    assert 'HealthzBindAddress: Invalid value: "70000": must be a valid port' in done.stderr


def test_deprecated_ports_and_rights_of_the_network_alone(server, tmp_path):
    """After --init-only it needs CAP_NET_ADMIN only; port 0 is no port."""
    kube_proxy("--init-only", "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0",
               "--conntrack-tcp-timeout-close-wait=0")
    log = tmp_path / "log"
    with open(log, "ab") as out:
        process = subprocess.Popen(
            ["setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all", TIPHYS, "kube-proxy", "--kubeconfig",
             server.kubeconfig(), "--hostname-override=n1", "--cluster-cidr=10.42.0.0/16", "--healthz-port=0",
             "--metrics-port=10249", "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0",
             "--conntrack-tcp-timeout-close-wait=0"], stdout=out, stderr=out)
    try:
        wait_for(lambda: "kubeproxy_sync_full_proxy_rules_duration_seconds_count" in
                 fetch("http://127.0.0.1:10249/metrics")[1], 20, "first rules")
        assert fetch("http://10.43.0.77/") == (200, "page")
        assert fetch("http://127.0.0.1:10256/healthz")[0] == 0
        assert "Flag --healthz-port has been deprecated" in log.read_text()
    finally:
        process.terminate()
        process.wait(20)


def test_as_a_pod(server):
    """Without a kubeconfig: server, CA and token as a DaemonSet's pod has them."""
    server.kubectl("create", "serviceaccount", "kube-proxy", "-n", "kube-system")
    server.kubectl("create", "clusterrolebinding", "kube-proxy", "--clusterrole=system:node-proxier",
                   "--serviceaccount=kube-system:kube-proxy")
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    script = f'mount -t tmpfs none /run && mkdir -p {folder} && cd {folder} && echo "$CA" >ca.crt && ' \
        f'echo "$TOKEN" >token && exec {TIPHYS} kube-proxy --hostname-override=n1 --oom-score-adj=0'
    log = server.folder / "pod.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdout=out, stderr=out, env={
            "PATH": os.environ["PATH"], "CA": (server.data / "pki/ca.crt").read_text(),
            "TOKEN": server.kubectl("create", "token", "kube-proxy", "-n", "kube-system"),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.port)})
    try:
        wait_for(lambda: "kubeproxy_sync_full_proxy_rules_duration_seconds_count" in
                 fetch("http://127.0.0.1:10249/metrics")[1], 20, "first rules")
        assert fetch("http://10.43.0.77/") == (200, "page")
    finally:
        process.terminate()
        assert process.wait(20) == 0, log.read_text()[-2000:]


@pytest.mark.parametrize("text, reason", [
    ("mode: ipvs\n", 'mode: "ipvs" is not supported by this kube-proxy'),
    ("nodePortAddresses: [x]\n", 'NodePortAddresses[0]: Invalid value: "x": must be a valid CIDR'),
    ("nonsense: 1\n", 'unknown field "nonsense"'),
])
def test_bad_files(tmp_path, text, reason):
    file = tmp_path / "config.yaml"
    file.write_text("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n" + text)
    done = subprocess.run([TIPHYS, "kube-proxy", "--config", str(file)], capture_output=True, text=True, timeout=20,
                          check=False)
    assert done.returncode == 1 and reason in done.stderr
