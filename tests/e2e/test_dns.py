"""The cluster's DNS: names of Services, endpoints and pods, asked for by `dig` in pods' network namespaces and
by busybox' nslookup inside of them. After upstream's test/e2e/network/dns.go."""
import json
import pathlib
import subprocess

import pytest
from cluster import wait_for

ZONE = "cluster.local"


def in_namespace_of(ip):
    """The command that runs another one in the network namespace of the pod that has this address."""
    for path in pathlib.Path("/run/netns").glob("cni-*"):
        done = subprocess.run(["ip", "netns", "exec", path.name, "ip", "-o", "addr"], capture_output=True, text=True,
                              check=False)
        if f"inet {ip}/" in done.stdout:
            return ["ip", "netns", "exec", path.name]
    raise AssertionError(f"no network namespace has {ip}")


class Client:
    """A pod that asks."""

    def __init__(self, cluster, namespace, name):
        self.cluster = cluster
        self.namespace = namespace
        self.name = name
        self.server = kube_dns(cluster)
        self.enter = in_namespace_of(cluster.get("pod", namespace, name)["status"]["podIP"])

    def dig(self, *arguments, server=None):
        done = subprocess.run([*self.enter, "dig", f"@{server or self.server}", "+time=2", "+tries=2", *arguments],
                              capture_output=True, text=True, timeout=30, check=False)
        return done.stdout

    def short(self, *arguments):
        return sorted(self.dig("+short", *arguments).split("\n"))[1:]

    def status(self, *arguments):
        out = self.dig(*arguments)
        return next(line.split("status: ")[1].split(",")[0] for line in out.splitlines() if "status: " in line)

    def nslookup(self, name):
        return self.cluster.kubectl("exec", "-n", self.namespace, self.name, "--", "nslookup", name, check=False)


def kube_dns(cluster):
    return cluster.get("service", "kube-system", "kube-dns")["spec"]["clusterIP"]


def pod(name, **spec):
    labels = spec.pop("labels", {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
            "spec": {"terminationGracePeriodSeconds": 1,
                     "containers": [{"name": "c", "image": "busybox", "imagePullPolicy": "IfNotPresent",
                                     "command": ["sleep", "3600"]}], **spec}}


def service(name, ports=(), **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"name": n, "port": p} for n, p in ports], **spec}}


def apply(cluster, namespace, *objects):
    cluster.kubectl("apply", "-n", namespace, "-f", "-",
                    stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def pod_ip(cluster, namespace, name):
    return wait_for(lambda: cluster.get("pod", namespace, name)["status"].get("podIP"), 60, f"address of {name}")


@pytest.fixture(scope="module")
def client(cluster):
    cluster.kubectl("create", "namespace", "dns-test")
    apply(cluster, "dns-test", pod("client"),
          pod("one", labels={"app": "pets"}, hostname="one", subdomain="pets"),
          pod("two", labels={"app": "pets"}, hostname="two", subdomain="pets"),
          service("web", [("http", 80)], selector={"app": "pets"}),
          service("pets", [("http", 80)], selector={"app": "pets"}, clusterIP="None"))
    cluster.kubectl("wait", "-n", "dns-test", "pod", "--all", "--for=condition=Ready", "--timeout=90s")
    yield Client(cluster, "dns-test", "client")
    cluster.kubectl("delete", "namespace", "dns-test", "--wait=false")


def test_kube_dns_is_there(cluster):
    """The Service with the address that pods are given, and this node as its endpoint."""
    spec = wait_for(lambda: cluster.get("service", "kube-system", "kube-dns"), 30, "kube-dns")["spec"]
    assert spec["clusterIP"] == cluster.arguments()[cluster.arguments().index("--cluster-dns") + 1]
    assert {(p["name"], p["port"], p["protocol"]) for p in spec["ports"]} >= {("dns", 53, "UDP"), ("dns-tcp", 53, "TCP")}
    node = cluster.get("nodes")["items"][0]
    address = node["metadata"]["annotations"]["tiphys.io/dns-address"]

    def endpoint():
        slices = cluster.get("endpointslices", "kube-system")["items"]
        return next(e for s in slices for e in s["endpoints"] if e["addresses"] == [address])
    found = wait_for(lambda: endpoint()["conditions"]["ready"] and endpoint(), 30, "ready endpoint")
    assert found["hints"] == {"forNodes": [{"name": node["metadata"]["name"]}]}


def test_look_ups_in_a_pod(client):
    """What the Kubernetes documentation's "Debugging DNS Resolution" begins with. (busybox' nslookup of today
    searches for names without a dot only; its other applets search as the C library does.)"""
    address = client.cluster.get("service", "default", "kubernetes")["spec"]["clusterIP"]
    done = client.nslookup(f"kubernetes.default.svc.{ZONE}")
    assert done.returncode == 0 and address in done.stdout, done.stdout + done.stderr
    assert f"Name:\tweb.dns-test.svc.{ZONE}" in client.nslookup("web").stdout
    assert client.nslookup(f"nobody.default.svc.{ZONE}").returncode != 0
    done = client.cluster.kubectl("exec", "-n", "dns-test", "client", "--", "ping", "-c", "1", "one.pets", check=False)
    assert f"({pod_ip(client.cluster, 'dns-test', 'one')})" in done.stdout, done.stdout + done.stderr


def test_services_over_udp_and_tcp(client):
    ip = client.cluster.get("service", "dns-test", "web")["spec"]["clusterIP"]
    for transport in "+notcp", "+tcp":
        assert client.short(transport, f"web.dns-test.svc.{ZONE}", "A") == [ip]
        assert client.short(transport, f"WEB.Dns-Test.svc.{ZONE}", "A") == [ip]
        assert client.short(transport, f"_http._tcp.web.dns-test.svc.{ZONE}", "SRV") == [
            f"0 100 80 web.dns-test.svc.{ZONE}."]
        assert client.short(transport, "-x", ip) == [f"web.dns-test.svc.{ZONE}."]
    assert client.short(f"dns-version.{ZONE}", "TXT") == ['"1.1.0"']


def test_headless_and_hostnames(client):
    one, two = (pod_ip(client.cluster, "dns-test", name) for name in ("one", "two"))
    name = f"pets.dns-test.svc.{ZONE}"
    assert client.short(name, "A") == sorted([one, two])
    assert client.short(f"one.{name}", "A") == [one]
    assert client.short(f"_http._tcp.{name}", "SRV") == [f"0 50 80 {host}.{name}." for host in ("one", "two")]
    assert f"one.{name}." in client.short("-x", one)
    assert client.short(f"{one.replace('.', '-')}.dns-test.pod.{ZONE}", "A") == [one]
    # A pod's own /etc/hosts has its whole name.
    hosts = client.cluster.out("exec", "-n", "dns-test", "one", "--", "cat", "/etc/hosts")
    assert f"one.{name}" in hosts


def test_names_that_are_not_there(client):
    assert client.status(f"nobody.dns-test.svc.{ZONE}", "A") == "NXDOMAIN"
    assert client.status(f"web.nowhere.svc.{ZONE}", "A") == "NXDOMAIN"
    assert client.status(f"web.dns-test.svc.{ZONE}", "AAAA") == "NOERROR"
    assert client.short(f"web.dns-test.svc.{ZONE}", "AAAA") == []
    assert f"ns.dns.{ZONE}. hostmaster.{ZONE}." in client.dig(f"nobody.dns-test.svc.{ZONE}", "A")
