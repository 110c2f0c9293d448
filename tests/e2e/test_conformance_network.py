"""Upstream's [sig-network] conformance tests as far as traffic and names are concerned, with real pods: Services of each type and
their changes, endpoints, hostPorts, the API server's proxy, DNS as pods see it. What is about objects alone is in
test_conformance_network_api.py; a policy each, over several nodes, in test_services.py. All pods are created at once."""
import json
import pathlib
import subprocess
import types

import netexec
import pytest
from cluster import wait_for
from rest import Rest
from test_dns import in_namespace_of

NS = "t-conformance-net"
CORE = f"/api/v1/namespaces/{NS}"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NS}/endpointslices"
OF = "kubernetes.io/service-name"
DOMAIN = f"{NS}.svc.cluster.local"


# ---- what is there ----

def pod(name, *containers, labels=None, grace=0, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}},
            "spec": {"terminationGracePeriodSeconds": grace, "volumes": netexec.volumes(), "containers": list(containers), **spec}}


def server(name, *words, ports=(), labels=None, **spec):
    """A pod that serves; ready when the first port answers."""
    first = int(words[0].partition("=")[0].partition(":")[2])
    probe = {"httpGet": {"port": first, "path": "/readyz"}, "periodSeconds": 1, "failureThreshold": 1}
    return pod(name, netexec.container("c", "serve", *words, readinessProbe=probe, ports=list(ports)), labels=labels, **spec)


def service(name, *ports, **spec):
    """ports: (name, port, targetPort, protocol)"""
    ports = [{"name": n, "port": p, "targetPort": t, "protocol": (protocol or ["TCP"])[0]} for n, p, t, *protocol in ports]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports, **spec}}


WEB = ("http", 80, 9376)
SEARCHES = [*(f"{i:038d}.k8s.io" for i in range(1, 7)), "_sip._tcp.abc_d.example.com", "."]  # more than 256 characters
PORTER = ["http:80=<a href=\"/rewriteme\">test</a>", "http:1080=<a href=\"/rewriteme\">test</a>", "http:160=foo", "http:162=bar",
          "tls:443=<a href=\"/tlsrewriteme\">test</a>", "tls:460=tls baz", "tls:462=tls qux"]


def host_ports(address, port):
    """The same port of the node three times, told apart by address and protocol."""
    for name, ip, protocol in (("port-loopback", "127.0.0.1", "TCP"), ("port-node", address, "TCP"), ("port-udp", address, "UDP")):
        ports = [{"hostPort": port, "containerPort": 8080, "protocol": protocol, "hostIP": ip}]
        words = ["http:8080=HOST"] if protocol == "TCP" else ["http:8008=HOST", "udp:8080=HOST"]
        yield server(name, *words, ports=ports)


def all_pods(address, port):
    yield pod("client", netexec.container("c", "serve", "http:9999=HOST"), hostname="querier", subdomain="headless",
              labels={"dns-test": "true"})
    for i in (1, 2, 3):
        yield server(f"web-{i}", "http:9376=HOST", "udp:9376=HOST", labels={"app": "web"})
    yield server("pod1", "http:100=HOST", ports=[{"name": "svc1", "containerPort": 100}], labels={"app": "multi", "pod1": "on"})
    yield server("pod2", "http:101=HOST", ports=[{"name": "svc2", "containerPort": 101}, {"name": "svc1", "containerPort": 102}],
                 labels={"app": "multi"})
    yield server("both", "http:80=HOST", "udp:80=HOST", labels={"app": "both"})
    yield server("porter", *PORTER, labels={"app": "porter"}, ports=[
        {"name": n, "containerPort": p} for n, p in (("first", 80), ("dest1", 160), ("dest2", 162), ("tlsdest1", 460), ("tlsdest2", 462))])
    yield server("json", "json:80=foo", "redirect:81=/elsewhere?x=1", labels={"app": "json"})
    yield pod("nameservers", netexec.container("c", "serve", "http:80=HOST"), dnsPolicy="None", dnsConfig={
        "nameservers": ["1.1.1.1"], "searches": ["resolv.conf.local"], "options": [{"name": "ndots", "value": "2"}]})
    yield pod("searches", netexec.container("c", "serve", "http:80=HOST"), dnsConfig={
        "searches": SEARCHES, "options": [{"name": "ndots", "value": "5"}]})
    yield server("lingers", "http:80=HOST", labels={"app": "lingers"}, grace=300)
    yield from host_ports(address, port)
    yield server("hosted", f"http:{port + 300}=hosted", f"udp:{address}:{port + 300}=hosted", labels={"app": "hosted"}, hostNetwork=True,
                 dnsPolicy="ClusterFirstWithHostNet")


def certificate(folder):
    path = folder / "tls.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=porter", "-keyout", path,
                    "-out", folder / "certificate"], check=True, capture_output=True)
    return path.read_text() + (folder / "certificate").read_text()


@pytest.fixture(scope="module", name="world")
def _world(cluster, tmp_path_factory):
    cluster.kubectl("create", "namespace", NS)
    wait_for(lambda: cluster.get("serviceaccount", NS, "default"), 20, "service account")
    node = cluster.get("nodes")["items"][0]
    address = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
    port = 54400 + cluster.number
    tools = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tools"}, "data": {
        "netexec.py": pathlib.Path(netexec.__file__).read_text(), "tls.pem": certificate(tmp_path_factory.mktemp("tls"))}}
    cluster.kubectl("create", "-n", NS, "-f", "-", stdin="\n---\n".join(map(json.dumps, [tools, *all_pods(address, port)])))
    cluster.kubectl("wait", "-n", NS, "pod", "--all", "--for=condition=Ready", "--timeout=90s")
    yield types.SimpleNamespace(rest=Rest(cluster), node=address, port=port, cluster=cluster)
    cluster.kubectl("delete", "namespace", NS, "--wait=false")


def ask(world, *urls, pod_name="client"):
    """What each answers a pod."""
    return json.loads(world.cluster.out("exec", "-n", NS, pod_name, "--", "/usr/bin/python3", "/tools/netexec.py", "ask", *urls))


def reached(world, who, *urls):
    """Waits until each URL is answered by one of `who`."""
    wait_for(lambda: set(ask(world, *urls)) <= set(who), 15, f"answers of {who} at {urls}")


def create(world, *services):
    return [world.rest.create(CORE + "/services", one)["spec"] for one in services]


def change(world, name, edit):
    """Reads, edits, writes the whole Service, as clients of Go do; its spec."""
    def once():
        one = world.rest.get(f"{CORE}/services/{name}")
        edit(one["spec"])
        answer = world.rest.request("PUT", f"{CORE}/services/{name}", one)
        assert answer.code in (200, 409), answer.text
        return answer.code == 200 and json.loads(answer.text)["spec"]
    return wait_for(once, 10, f"write of {name}")


def address_of(world, name):
    return wait_for(lambda: world.rest.get(f"{CORE}/pods/{name}")["status"].get("podIP"), 10, f"address of {name}")


def slices_of(world, name):
    return world.rest.get(f"{SLICES}?labelSelector={OF}%3D{name}")["items"]


def by_slices(world, name):
    """{pod: its ports} as the slices of a Service have it."""
    return {e["targetRef"]["name"]: sorted((p["port"], p["protocol"]) for p in s["ports"])
            for s in slices_of(world, name) for e in s["endpoints"] or ()}


def by_endpoints(world, name):
    answer = world.rest.get(f"{CORE}/endpoints/{name}")
    return {a["targetRef"]["name"]: sorted((p["port"], p["protocol"]) for p in s["ports"])
            for s in answer.get("subsets", []) for a in s.get("addresses", [])}


def endpoints_are(world, name, **ports):
    wanted = {pod_name: [(p, "TCP") for p in of] if isinstance(of[0], int) else of for pod_name, of in ports.items()}
    wait_for(lambda: by_slices(world, name) == wanted == by_endpoints(world, name), 20, f"endpoints {wanted} of {name}")


# ---- pods and nodes ----

def test_pods_and_nodes_reach_pods(world):
    names = [f"web-{i}" for i in (1, 2, 3)]
    urls = [f"{kind}://{address_of(world, name)}:9376" for kind in ("http", "udp") for name in names]
    assert ask(world, *urls) == 2 * names
    assert [netexec.ask_one(url) for url in urls] == 2 * names


def test_large_requests(world):
    """In one packet or many, and put together again on their way through a Service."""
    spec, = create(world, service("large", ("tcp", 80, 9376), ("udp", 90, 9376, "UDP"), selector={"app": "web"}))
    reached(world, ["web-1", "web-2", "web-3"], "http://large", "udp://large:90")
    text = "0123456789" * 200
    urls = [f"http://{spec['clusterIP']}/echo/{text}", f"udp://{spec['clusterIP']}:90/{text}"]
    assert ask(world, *urls) == 2 * [text] == [netexec.ask_one(url) for url in urls]


def test_kube_proxy_on_the_node(world):
    """The states of connections are kept as long as kube-proxy has it (upstream's "should set TCP CLOSE_WAIT timeout")."""
    for name, value in (("close_wait", "3600"), ("established", "86400")):
        assert pathlib.Path(f"/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_{name}").read_text().strip() == value


def test_host_ports(world):
    def asked(host, **more):
        with pytest.MonkeyPatch.context() as patch:
            if more:
                real = netexec.http.client.HTTPConnection
                patch.setattr(netexec.http.client, "HTTPConnection", lambda *a, **k: real(*a, **k, **more))
            return netexec.ask_one(f"http://{host}:{world.port}/hostname")
    wait_for(lambda: asked("127.0.0.1", source_address=(world.node, 0)) == "port-loopback", 5, "answer at the loopback address")
    assert asked("127.0.0.1") == "port-loopback"
    assert asked(world.node) == "port-node"
    assert netexec.ask_one(f"udp://{world.node}:{world.port}") == "port-udp"
    assert ask(world, f"http://{world.node}:{world.port}", f"udp://{world.node}:{world.port}") == ["port-node", "port-udp"]


def test_endpoints_on_the_host_network(world):
    ports = [("tcp", 80, world.port + 300), ("udp", 90, world.port + 300, "UDP")]
    spec, = create(world, service("hosted", *ports, type="NodePort", selector={"app": "hosted"}))
    tcp, udp = (p["nodePort"] for p in spec["ports"])
    urls = [f"http://{spec['clusterIP']}", f"udp://{spec['clusterIP']}:90", f"http://{world.node}:{tcp}", f"udp://{world.node}:{udp}"]
    reached(world, ["hosted"], *urls)
    assert [netexec.ask_one(url) for url in urls] == 4 * ["hosted"]
    change(world, "hosted", lambda s: s.update(internalTrafficPolicy="Local", externalTrafficPolicy="Local"))
    reached(world, ["hosted"], *urls)
    assert [netexec.ask_one(url) for url in urls] == 4 * ["hosted"]


# ---- endpoints ----

def test_endpoints_follow_pods(world):
    """Named and numbered ports; pods that differ have slices and subsets of their own; what was deleted comes back."""
    create(world, service("by-number", ("example", 80, 100), selector={"pod1": "on"}, publishNotReadyAddresses=True),
           service("by-name", ("http", 80, "svc1"), selector={"app": "multi"}, publishNotReadyAddresses=True),
           service("matches-none", ("http", 80, 8080), selector={"app": "nobody"}, publishNotReadyAddresses=True))

    def as_told():
        endpoints_are(world, "by-number", pod1=[100])
        endpoints_are(world, "by-name", pod1=[100], pod2=[102])
        endpoints_are(world, "matches-none")
        assert [len(slices_of(world, name)) for name in ("by-number", "by-name", "matches-none")] == [1, 2, 1]
        assert slices_of(world, "matches-none")[0]["ports"] in (None, [])
        assert [p["name"] for s in slices_of(world, "by-name") for p in s["ports"]] == ["http", "http"]
    as_told()
    for one in slices_of(world, "by-name"):
        ref, = (e["targetRef"] for e in one["endpoints"])
        assert ref == {"kind": "Pod", "namespace": NS, "name": ref["name"],
                       "uid": world.rest.get(f"{CORE}/pods/{ref['name']}")["metadata"]["uid"]}
        world.rest.delete(f"{SLICES}/{one['metadata']['name']}")
    as_told()


def test_a_pod_that_has_ended_is_no_endpoint(world):
    """Not even where not-ready addresses are published (upstream's "should be rejected for evicted pods")."""
    create(world, service("ended", ("http", 80, 80), selector={"app": "ended"}, publishNotReadyAddresses=True))
    box = {"name": "c", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "1"]}
    world.rest.create(CORE + "/pods", {"metadata": {"name": "ended", "labels": {"app": "ended"}},
                                       "spec": {"restartPolicy": "Never", "containers": [box]}})
    endpoints_are(world, "ended", ended=[80])
    endpoints_are(world, "ended")
    assert world.rest.get(f"{CORE}/pods/ended")["status"]["phase"] == "Succeeded"
    assert ask(world, "http://ended") == [None]


def test_several_ports(world):
    spec, = create(world, service("several", ("portname1", 80, "svc1"), ("portname2", 81, "svc2"), selector={"app": "multi"}))
    endpoints_are(world, "several", pod1=[100], pod2=[101, 102])
    urls = [f"http://{host}:{port}" for host in ("several", spec["clusterIP"]) for port in (81,)]
    reached(world, ["pod2"], *urls)
    # Only pod1 listens where its svc1 is; asked often enough, both were tried.
    wait_for(lambda: "pod1" in ask(world, *8 * ["http://several:80"]), 15, "answer of pod1")
    world.rest.delete(f"{CORE}/pods/pod1")
    endpoints_are(world, "several", pod2=[101, 102])
    world.rest.delete(f"{CORE}/pods/pod2")
    endpoints_are(world, "several")
    wait_for(lambda: ask(world, *urls) == [None, None], 10, "refusals")


def test_one_port_of_two_protocols(world):
    tcp, udp = ("tcp-port", 80, 80), ("udp-port", 80, 80, "UDP")
    spec, = create(world, service("protocols", tcp, udp, selector={"app": "both"}))
    endpoints_are(world, "protocols", both=[(80, "TCP"), (80, "UDP")])
    urls = [f"{kind}://{spec['clusterIP']}:80" for kind in ("http", "udp")]
    reached(world, ["both"], *urls)
    for kept, answers in ((tcp, ["both", None]), (udp, [None, "both"])):
        ports = service("x", kept)["spec"]["ports"]
        change(world, "protocols", lambda s, p=ports: s.update(ports=p))
        wait_for(lambda a=answers: ask(world, *urls) == a, 20, f"answers {answers}")


def custom_slice(world, name, port_name, port, address):
    world.rest.create(SLICES, {"metadata": {"generateName": "e2e-custom-slice", "labels": {
        OF: name, "endpointslice.kubernetes.io/managed-by": "e2e-test"}}, "addressType": "IPv4",
        "endpoints": [{"addresses": [address]}], "ports": [{"name": port_name, "port": port, "protocol": "TCP"}]})


def test_slices_by_hand(world):
    """One address with a port a slice; one port with an address a slice; the same by Endpoints of several subsets."""
    ports = [("port80", 80, 80), ("port81", 81, 81)]
    for one in create(world, service("one-ip", *ports), service("two-ips", *ports), service("subsets", *ports)):
        assert one["clusterIP"]
    web, other, porter = (address_of(world, name) for name in ("web-1", "web-2", "porter"))
    custom_slice(world, "one-ip", "port80", 160, porter)
    custom_slice(world, "one-ip", "port81", 162, porter)
    custom_slice(world, "two-ips", "port80", 9376, web)
    custom_slice(world, "two-ips", "port81", 9376, other)
    world.rest.create(CORE + "/endpoints", {"metadata": {"name": "subsets"}, "subsets": [
        {"addresses": [{"ip": porter}], "ports": [{"name": name, "port": port}]} for name, port in (("port80", 160), ("port81", 162))]})
    urls = [f"http://{name}:{port}" for name in ("one-ip", "two-ips", "subsets") for port in (80, 81)]
    wait_for(lambda: ask(world, *urls) == ["foo", "bar", "web-1", "web-2", "foo", "bar"], 15, "answers by each slice")
    world.rest.delete(CORE + "/endpoints/subsets")
    wait_for(lambda: not slices_of(world, "subsets"), 12, "end of the mirrored slices")


def test_a_pod_that_ends_and_is_not_ready(world):
    """It serves where not-ready addresses are published, and by its own address; nowhere else. It reaches others to its end."""
    for name, publish in (("tolerates", True), ("tolerates-not", False)):
        create(world, service(name, ("http", 80, 80), type="NodePort", selector={"app": "lingers"}, publishNotReadyAddresses=publish))
    specs = [world.rest.get(f"{CORE}/services/{name}")["spec"] for name in ("tolerates", "tolerates-not")]
    urls = [f"http://{address}" for s in specs for address in (s["clusterIP"], f"{world.node}:{s['ports'][0]['nodePort']}")]
    reached(world, ["lingers"], *urls)
    own = f"http://{address_of(world, 'lingers')}"
    world.rest.delete(f"{CORE}/pods/lingers")
    wait_for(lambda: ask(world, *urls, own) == ["lingers", "lingers", None, None, "lingers"], 20, "answers while it ends")
    assert ask(world, f"http://{address_of(world, 'web-1')}:9376", pod_name="lingers") == ["web-1"]
    one, = slices_of(world, "tolerates-not")[0]["endpoints"]
    assert one["conditions"] == {"ready": False, "serving": False, "terminating": True}
    world.rest.delete(f"{CORE}/pods/lingers?gracePeriodSeconds=0")


# ---- types of Services ----

def test_types_change(world):
    names = [f"web-{i}" for i in (1, 2, 3)]
    external = {"type": "ExternalName", "externalName": "foo.example.com"}
    web = {"selector": {"app": "web"}}
    create(world, service("outside", WEB, **web), service("to-cluster", **external), service("to-node", **external),
           service("from-cluster", WEB, **web), service("from-node", WEB, type="NodePort", **web))
    ports = service("x", WEB)["spec"]["ports"]
    spec = change(world, "to-cluster", lambda s: s.update(type="ClusterIP", externalName="", ports=ports, **web))
    assert "externalName" not in spec and "nodePort" not in spec["ports"][0]
    reached(world, names, "http://to-cluster", f"http://{spec['clusterIP']}")
    spec = change(world, "to-node", lambda s: s.update(type="NodePort", externalName="", ports=ports, **web))
    reached(world, names, "http://to-node", f"http://{spec['clusterIP']}", f"http://{world.node}:{spec['ports'][0]['nodePort']}")
    gone = []
    for name in ("from-cluster", "from-node"):
        before = world.rest.get(f"{CORE}/services/{name}")["spec"]
        spec = change(world, name, lambda s: s.update(type="ExternalName", externalName="outside." + DOMAIN))
        assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"} & set(spec) and "nodePort" not in spec["ports"][0], spec
        reached(world, names, f"http://{name}")
        gone.append(f"http://{before['clusterIP']}")
        found = world.cluster.out("exec", "-n", NS, "client", "--", "nslookup", f"{name}.{DOMAIN}")
        assert f"canonical name = outside.{DOMAIN}" in found
        assert world.rest.missing(f"/apis/networking.k8s.io/v1/ipaddresses/{before['clusterIP']}")
    assert ask(world, *gone) == [None, None]


def test_a_node_port_of_two_protocols(world):
    names = [f"web-{i}" for i in (1, 2, 3)]
    create(world, service("updated", WEB, selector={"app": "web"}))
    change(world, "updated", lambda s: s.update(type="NodePort"))
    ports = service("x", ("tcp-port", 80, 9376), ("udp-port", 80, 9376, "UDP"))["spec"]["ports"]
    spec = change(world, "updated", lambda s: s.update(ports=ports))
    tcp, udp = (p["nodePort"] for p in spec["ports"])
    hosts = [("updated", 80, 80), (spec["clusterIP"], 80, 80), (world.node, tcp, udp)]
    reached(world, names, *(f"http://{h}:{t}" for h, t, _ in hosts), *(f"udp://{h}:{u}" for h, _, u in hosts))


def test_services_come_again_and_are_others_business(world):
    names = [f"web-{i}" for i in (1, 2, 3)]
    one = service("again", WEB, selector={"app": "web"})
    create(world, one)
    reached(world, names, "http://again")
    world.rest.delete(CORE + "/services/again")
    spec, = create(world, one)
    reached(world, names, "http://again")
    for label in ("service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"):
        world.rest.merge(CORE + "/services/again", {"metadata": {"labels": {label: "foo-bar"}}})
        wait_for(lambda: ask(world, f"http://{spec['clusterIP']}") == [None], 10, f"nobody for {label}")
        world.rest.merge(CORE + "/services/again", {"metadata": {"labels": {label: None}}})
        reached(world, names, f"http://{spec['clusterIP']}")


def test_odd_addresses(world):
    """One with a leading zero is a decimal number; one of another range than the first is as good as any."""
    first = world.rest.get("/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"].rpartition(".")[0]
    ranges = "/apis/networking.k8s.io/v1/servicecidrs"
    more = f"203.0.113.{world.cluster.number % 8 * 16 + 128}"
    world.rest.create(ranges, {"metadata": {"name": "test-svc-cidr"}, "spec": {"cidrs": [more + "/28"]}})
    wait_for(lambda: world.rest.get(ranges + "/test-svc-cidr").get("status"), 10, "ready range")
    near, far = f"{first}.17", more.rpartition(".")[0] + "." + str(int(more.rpartition(".")[2]) + 5)
    create(world, service("funny-ip", WEB, selector={"app": "web"}, clusterIP=f"{first}.017"),
           service("far-ip", WEB, type="NodePort", selector={"app": "web"}, clusterIP=far))
    reached(world, [f"web-{i}" for i in (1, 2, 3)], f"http://{near}", f"http://{far}", "http://far-ip")
    assert ask(world, f"http://{first}.15") == [None], "017 of base 8"
    world.rest.delete(ranges + "/test-svc-cidr")


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_affinity(world, kind):
    """Sticks, lets go when switched off, and sticks again."""
    name = "sticky-" + kind.lower()
    spec, = create(world, service(name, WEB, ("udp", 80, 9376, "UDP"), type=kind, sessionAffinity="ClientIP", selector={"app": "web"}))
    assert spec["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    host = spec["clusterIP"] if kind == "ClusterIP" else world.node
    ports = [p["port"] if kind == "ClusterIP" else p["nodePort"] for p in spec["ports"]]
    urls = [f"http://{host}:{ports[0]}", f"udp://{host}:{ports[1]}"]
    names = [f"web-{i}" for i in (1, 2, 3)]

    def spread():
        answers = ask(world, *15 * urls)
        return set(answers[::2]), set(answers[1::2])

    def sticks():
        first = ask(world, *urls)
        return set(first) <= set(names) and spread() == ({first[0]}, {first[1]})
    reached(world, names, *urls)
    assert sticks()
    spec = change(world, name, lambda s: s.update(sessionAffinity="None"))
    assert "sessionAffinityConfig" not in spec
    wait_for(lambda: min(map(len, spread())) > 1, 15, "several answers")
    change(world, name, lambda s: s.update(sessionAffinity="ClientIP"))
    wait_for(sticks, 15, "one answer")


# ---- the API server's proxy ----

def test_proxy_to_services_and_pods(world):
    create(world, service("porter", ("portname1", 80, "dest1"), ("portname2", 81, 162), ("tlsportname1", 443, "tlsdest1"),
                          ("tlsportname2", 444, 462), selector={"app": "porter"}))
    wait_for(lambda: by_slices(world, "porter"), 20, "endpoint")

    def at(resource, scheme, port):
        name = f"{scheme}:porter:{port}" if scheme else f"porter:{port}" if port else "porter"
        return f"{CORE}/{resource}/{name}/proxy"
    rows = [("services", scheme, port, text) for port, text in (("portname1", "foo"), ("portname2", "bar")) for scheme in ("", "http")]
    rows += [("services", "https", "tlsportname1", "tls baz"), ("services", "https", "tlsportname2", "tls qux")]
    rows += [("pods", scheme, port, text) for port, text in (("1080", "/rewriteme"), ("160", "foo"), ("162", "bar")) for scheme in ("", "http")]
    rows += [("pods", "", "", "/rewriteme"), ("pods", "https", "443", "/tlsrewriteme"), ("pods", "https", "460", "tls baz"),
             ("pods", "https", "462", "tls qux")]
    for resource, scheme, port, text in rows:
        path = at(resource, scheme, port)
        answer = world.rest.request("GET", path + "/")
        wanted = f'<a href="{path}{text}">test</a>' if text.startswith("/") else text
        assert (answer.code, answer.text) == (200, wanted), path


def test_proxy_of_every_verb(world):
    create(world, service("json", ("", 80, 80), selector={"app": "json"}))
    wait_for(lambda: by_slices(world, "json"), 20, "endpoint")
    for place in (f"{CORE}/pods/json/proxy", f"{CORE}/services/json/proxy"):
        for verb in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"):
            answer = world.rest.request(verb, f"{place}/some/path/with/{verb}")
            assert answer.code == 200, (verb, answer.text)
            assert verb == "HEAD" or json.loads(answer.text) == {"Method": verb, "Body": "foo"}
            answer = world.rest.request(verb, f"{place}?method={verb}")
            if verb in ("GET", "HEAD"):
                assert (answer.code, answer.headers["Location"]) == (301, f"{place}/?method={verb}")
            else:
                assert answer.code == 200 and json.loads(answer.text) == {"Method": verb, "Body": "foo"}
    place = f"{CORE}/pods/json:81/proxy"
    answer = world.rest.request("GET", place + "/from/here")
    assert (answer.code, answer.headers["Location"]) == (301, place + "/elsewhere?x=1"), "redirects stay within the proxy"


# ---- names ----

@pytest.fixture(scope="module", name="names")
def _names(world, tmp_path_factory):
    """Asks as a program in the client's pod would, search paths and all."""
    create(world, service("headless", ("http", 80, 80), selector={"dns-test": "true"}, clusterIP="None"),
           service("test-service-2", ("http", 80, 80), selector={"dns-test": "true"}))
    file = tmp_path_factory.mktemp("dns") / "resolv.conf"
    file.write_text(world.cluster.out("exec", "-n", NS, "client", "--", "cat", "/etc/resolv.conf"))
    enter = in_namespace_of(address_of(world, "client"))

    def dig(*words):
        script = f"mount --bind {file} /etc/resolv.conf && exec dig +noall +answer +search +time=2 +tries=2 {' '.join(words)}"
        done = subprocess.run([*enter, "unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=True, timeout=30)
        return done.stdout
    wait_for(lambda: dig("headless"), 15, "headless name")
    return dig


def test_names_of_the_cluster_and_of_services(world, names):
    client, ip = address_of(world, "client"), world.rest.get(CORE + "/services/test-service-2")["spec"]["clusterIP"]
    api = world.rest.get("/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"]
    rows = [(name, "A", api) for name in ("kubernetes.default.svc.cluster.local", "kubernetes.default", "kubernetes.default.svc")]
    rows += [(name, "A", client) for name in ("headless", "headless." + NS, f"headless.{NS}.svc", "headless." + DOMAIN,
                                              f"querier.headless.{DOMAIN}", "querier.headless")]
    rows += [(f"_http._tcp.headless.{tail}", "SRV", f"querier.headless.{DOMAIN}.") for tail in (NS + ".svc", DOMAIN)]
    rows += [(f"_http._tcp.test-service-2.{tail}", "SRV", f"test-service-2.{DOMAIN}.") for tail in (NS + ".svc", DOMAIN)]
    reverse = ".".join(reversed(ip.split("."))) + ".in-addr.arpa."
    rows += [("test-service-2", "A", ip), (reverse, "PTR", f"test-service-2.{DOMAIN}.")]
    for transport in ("+notcp", "+tcp"):
        batch = [names(transport, name, kind) for name, kind, _ in rows]
        for (name, kind, wanted), answer in zip(rows, batch):
            assert answer.split()[-2 if kind != "SRV" else -5] == kind and answer.split()[-1] == wanted, (transport, name, answer)


def test_names_in_the_hosts_file(world):
    text = world.cluster.out("exec", "-n", NS, "client", "--", "cat", "/etc/hosts")
    assert f"{address_of(world, 'client')}\tquerier.headless.{DOMAIN}\tquerier" in text
    script = "import socket, sys; print([socket.gethostbyname(n) for n in sys.argv[1:]])"
    found = world.cluster.out("exec", "-n", NS, "client", "--", "/usr/bin/python3", "-c", script, "querier", f"querier.headless.{DOMAIN}")
    assert found.strip() == str(2 * [address_of(world, "client")])


def test_external_names(world, names):
    name = f"dns-test-service-3.{DOMAIN}"
    create(world, service("dns-test-service-3", type="ExternalName", externalName="foo.example.com"))
    wait_for(lambda: names("+short", name, "CNAME") == "foo.example.com.\n", 10, "alias")
    change(world, "dns-test-service-3", lambda s: s.update(externalName="bar.example.com"))
    wait_for(lambda: names("+short", name, "CNAME") == "bar.example.com.\n", 10, "other alias")
    ports = service("x", ("http", 80, 80))["spec"]["ports"]
    # As upstream's test does: externalName stays in what is sent.
    ip = change(world, "dns-test-service-3", lambda s: s.update(type="ClusterIP", ports=ports))["clusterIP"]
    wait_for(lambda: names("+short", name, "A") == ip + "\n", 10, "address")


def test_many_search_paths(world):
    text = world.cluster.out("exec", "-n", NS, "searches", "--", "cat", "/etc/resolv.conf")
    search = next(line.split() for line in text.splitlines() if line.startswith("search "))
    assert search[1:4] == [DOMAIN, "svc.cluster.local", "cluster.local"] and search[-8:] == SEARCHES
    assert ask(world, "tcp://kubernetes.default:443", "tcp://kubernetes.default.svc:443", pod_name="searches") == 2 * ["connected"]


def test_names_on_the_host_network(world, names):
    """ClusterFirstWithHostNet: partial names, as in any pod."""
    urls = ["tcp://kubernetes.default:443", f"http://headless.{NS}.svc:9999", "http://headless:9999"]
    assert ask(world, *urls, pod_name="hosted") == ["connected", "querier", "querier"]


def test_name_servers_of_a_pods_own(world):
    text = world.cluster.out("exec", "-n", NS, "nameservers", "--", "cat", "/etc/resolv.conf")
    assert text.splitlines() == ["search resolv.conf.local", "nameserver 1.1.1.1", "options ndots:2"]
