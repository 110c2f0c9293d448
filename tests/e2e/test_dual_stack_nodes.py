"""Three nodes whose pods have IPv4 and IPv6, or IPv6 alone: one network of them, over routes and VXLAN."""
import ipaddress
import json
import subprocess
import tempfile

import pytest

from cluster import KUBECTL, TIPHYS, Cluster, wait_for
from nodes import ADDRESSES, ADDRESSES6, LAN6, Nodes, run
from web_pods import GET, asked_by, create, service, sources_outside, web, who

# Others than an agent has by itself. The range of Services is within that of pods.
POD_CIDR, SERVICE_CIDR, DOMAIN = "10.52.0.0/15,fd00:42::/56", "10.53.0.0/16,fd00:43::/108", "dual.example"
RANGES = ["--cluster-cidr", POD_CIDR, "--service-cluster-ip-range", SERVICE_CIDR]


@pytest.fixture(scope="module")
def dual(images):
    with tempfile.TemporaryDirectory(prefix="tiphys-dual-nodes-") as folder:
        nodes = Nodes(folder, [images / "busybox.tar"], 6, RANGES, {"clusterDomain": DOMAIN})
        try:
            yield nodes.start()
        finally:
            nodes.purge()


def wide(addresses):
    return next(a for a in addresses if ":" in a)


@pytest.fixture(scope="module")
def webs(dual):
    """IPv6 addresses of a web pod on each node."""
    both = {"ipFamilyPolicy": "RequireDualStack"}
    create(dual, *(web(f"web-{node}", node) for node in ADDRESSES), service("all", {"app": "web"}, **both),
           service("near", {"on": "two"}, type="NodePort", externalTrafficPolicy="Local", **both),
           service("far", {"on": "three"}, type="NodePort", **both))
    return {pod["spec"]["nodeName"]: wide(ip["ip"] for ip in pod["status"]["podIPs"])
            for pod in dual.get("pods", "default")["items"]}


def pod_cidr(nodes, node):
    return wide(nodes.get("node", name=node)["spec"]["podCIDRs"])


def test_pods_of_all_nodes_reach_each_other_by_both_families(dual, webs):
    narrow = {pod["spec"]["nodeName"]: pod["status"]["podIP"] for pod in dual.get("pods", "default")["items"]}
    for own in (webs, narrow):
        for node, address in own.items():
            script = "; ".join(GET.format(address=other, port=8080) for other in own.values())
            answers = dual.exec(f"web-{node}", "sh", "-c", script).split("\n")[:-1]
            assert answers == [f"{address} web-{other}" for other in own], node
    for node, address in webs.items():
        assert ipaddress.ip_address(address) in ipaddress.ip_network(pod_cidr(dual, node))
        internal = [a["address"] for a in dual.get("node", name=node)["status"]["addresses"] if a["type"] == "InternalIP"]
        assert internal == [ADDRESSES[node], ADDRESSES6[node]]


def test_nodes_reach_pods_of_other_nodes(dual, webs):
    for node in webs:
        for other, address in webs.items():
            source, name = dual.curl(node, who(address)).split()
            assert name == f"web-{other}"
            via_vxlan = node != other and "three" in (node, other)
            first = pod_cidr(dual, node).removesuffix("/64")
            assert source == (first if via_vxlan else f"{first}1" if node == other else ADDRESSES6[node])


def test_routes_are_of_the_segment_or_the_tunnel(dual, webs):
    routes = dual.routes("one", "-6")
    two, three = (routes[pod_cidr(dual, node)] for node in ("two", "three"))
    assert (two["gateway"], two["dev"]) == (ADDRESSES6["two"], "eth0")
    assert (three["gateway"], three["dev"]) == (pod_cidr(dual, "three").removesuffix("/64"), f"{dual.bridge}.vx6")
    for node in webs:
        assert dual.exec(f"web-{node}", "cat", "/sys/class/net/eth0/mtu") == "1430\n"
    # To the byte, in one piece.
    assert ", 0% packet loss" in dual.exec("web-two", "ping", "-c", "1", "-s", str(1430 - 48), webs["three"])


def test_services_over_nodes(dual, webs):
    specs = {name: dual.get("service", "default", name)["spec"] for name in ("all", "near", "far")}
    near, far = (specs[name]["ports"][0]["nodePort"] for name in ("near", "far"))

    def answered():
        script = "for i in $(seq 24); do " + GET.format(address=wide(specs["all"]["clusterIPs"]), port=80) + "; done"
        lines = dual.exec("web-one", "sh", "-c", script).splitlines()
        # Its own answer comes back to it by way of the gateway.
        gateway = pod_cidr(dual, "one").removesuffix("/64") + "1"
        assert {line for line in lines if not line.startswith(webs["one"] + " ")} <= {f"{gateway} web-one"}, lines
        return {line.split()[1] for line in lines} >= {f"web-{node}" for node in webs}
    wait_for(answered, 20, "answers of all three")
    wait_for(lambda: dual.curl("lan", who(ADDRESSES6["two"], near)) == f"{LAN6} web-two", 10, "local answer")
    assert dual.curl("lan", who(ADDRESSES6["one"], near), seconds=1) is None
    for node in ("one", "two"):
        wait_for(lambda n=node: dual.curl("lan", who(ADDRESSES6[n], far)), 10, "passed on answer")
        source, name = dual.curl("lan", who(ADDRESSES6[node], far)).split()
        assert name == "web-three" and source == pod_cidr(dual, node).removesuffix("/64")


def test_what_leaves_the_cluster_has_the_nodes_address(dual, webs):
    assert sources_outside(dual, webs, LAN6) == ADDRESSES6


def test_what_was_removed_comes_back(dual, webs):
    for node, other in (("one", "two"), ("two", "three")):
        cidr = pod_cidr(dual, other)
        before = dual.routes(node, "-6")[cidr]
        dual.run_on(node, "ip", "-6", "route", "del", cidr)
        wait_for(lambda n=node, c=cidr, b=before: dual.routes(n, "-6").get(c) == b, 5, "the route again")
    dual.run_on("two", "ip", "link", "del", f"{dual.bridge}.vx6")
    wait_for(lambda: pod_cidr(dual, "three") in dual.routes("two", "-6"), 5, "device and route again")
    assert asked_by(dual, "web-two", webs["three"]).endswith(" web-three")


def told_of(dual, node):
    return {e["message"] for e in dual.get("events", "default")["items"]
            if e["reason"] == "FailedToCreateRoute" and e["involvedObject"]["name"] == node}


def test_what_services_have_is_no_nodes(dual, webs):
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "odd"},
            "spec": {"podCIDR": "10.53.7.0/24", "podCIDRs": ["10.53.7.0/24", "fd00:42:0:77::/64"]},
            "status": {"addresses": [{"type": "InternalIP", "address": "172.30.0.9"}]}}
    create(dual, node)
    wanted = ("Could not create route on node one: podCIDR 10.53.7.0/24 overlaps the services' range 10.53.0.0/16; "
              'InternalIP "172.30.0.9" is no IPv6 address')
    wait_for(lambda: wanted in told_of(dual, "odd"), 15, "event")
    assert "10.53.7.0/24" not in dual.routes("one") and "fd00:42:0:77::/64" not in dual.routes("one", "-6")
    dual.kubectl("delete", "node", "odd")


def test_a_device_in_the_way_is_named(dual, webs):
    """As another cluster's, or flannel's."""
    three, device = pod_cidr(dual, "three"), f"{dual.bridge}.vx6"

    def replaced():
        batch = f"link del {device}\nlink add others type vxlan id 1 dstport 8472 local fd00:30::1 dev eth0\n"
        return dual.spaces.run("one", "ip", "-batch", "-", stdin=batch, check=False).returncode == 0
    wait_for(replaced, 10, "another device")
    wanted = (f"Could not create route on node one: InternalIP {ADDRESSES6['three']} is behind a router, and there can be no "
              f"VXLAN device: device others has VXLAN's VNI 1 and port 8472 already, which {device} needs (of several "
              "clusters or pod networks of one machine one only can have it)")
    wait_for(lambda: wanted in told_of(dual, "three"), 10, "event")
    assert dual.exec("web-one", "sh", "-c", GET.format(address=webs["two"], port=8080)).endswith(" web-two\n")
    dual.run_on("one", "ip", "link", "del", "others")
    wait_for(lambda: three in dual.routes("one", "-6"), 10, "the route again")
    assert asked_by(dual, "web-one", webs["three"]).endswith(" web-three")


# ---- what agents are told by their cluster ----

def documents(dual):
    return {name: dual.get("configmap", "kube-system", name)["data"][key]
            for name, key in (("kubelet-config", "kubelet"), ("kubeadm-config", "ClusterConfiguration"))}


def test_joined_nodes_have_the_clusters_ranges_and_domain(dual, webs):
    told = documents(dual)
    assert f'podSubnet: "{POD_CIDR}"\n' in told["kubeadm-config"]
    assert f'serviceSubnet: "{SERVICE_CIDR}"\n' in told["kubeadm-config"]
    assert '- "10.53.0.10"\n' in told["kubelet-config"] and f'clusterDomain: "{DOMAIN}"\n' in told["kubelet-config"]
    for name in told:
        for group in ("system:nodes", "system:bootstrappers:kubeadm:default-node-token"):
            may = dual.out("auth", "can-i", "get", f"configmap/{name}", "-n", "kube-system", "--as", "x", "--as-group", group)
            assert may == "yes\n"
    for node in webs:
        resolv = dual.exec(f"web-{node}", "cat", "/etc/resolv.conf")
        assert "nameserver 10.53.0.10\n" in resolv and f"search default.svc.{DOMAIN} svc.{DOMAIN} {DOMAIN}" in resolv
        got = dual.run_on(node, "dig", "@10.53.0.10", "+short", "+time=2", f"kubernetes.default.svc.{DOMAIN}")
        assert got == "10.53.0.1\n"
        config = json.loads(dual.out("get", "--raw", f"/api/v1/nodes/{node}/proxy/configz"))["kubeletconfig"]
        assert (config["clusterDNS"], config["clusterDomain"]) == (["10.53.0.10"], DOMAIN)


def patch(dual, name, key, text):
    dual.kubectl("patch", "configmap", name, "-n", "kube-system", "-p", json.dumps({"data": {key: text}}))


def test_a_node_goes_by_what_it_was_told_before(dual, webs):
    """While the cluster says nonsense, nothing at all, or is away."""
    two, told = dual.agents["two"], documents(dual)
    dual.run_on("two", "ip", "-6", "route", "replace", "default", "via", LAN6, "dev", "eth0", "proto", "ra")
    before = dual.routes("two", "-6")

    def restart(line):
        assert two.stop() == 0
        seen = len(two.log.read_text())
        two.start()
        wait_for(lambda: line in two.log.read_text()[seen:], 20, f"log line {line}")
    patch(dual, "kubeadm-config", "ClusterConfiguration", told["kubeadm-config"].replace("10.52.0.0/15", "0.0.0.0/33"))
    restart('ConfigMap kube-system/kubeadm-config: networking.podSubnet: Invalid value')
    stranger = dual.folder / "stranger"
    done = run(*dual.prefix, TIPHYS, "agent", "--data-dir", stranger, "--hostname-override", "stranger",
               "--server", dual.url, *dual.join_words(), timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "tiphys: couldn't read the cluster's configuration: ConfigMap kube-system/kubeadm-config: networking.podSubnet: "
        'Invalid value: "0.0.0.0/33,fd00:42::/56": must be a CIDR, or one of each IP family; --cluster-cidr, '
        "--cluster-dns and --cluster-domain give it by hand")
    assert dual.kubectl("get", "node", "stranger", check=False).returncode == 1
    patch(dual, "kubeadm-config", "ClusterConfiguration", told["kubeadm-config"])
    dual.kubectl("delete", "configmap", "kubelet-config", "-n", "kube-system")
    restart("ConfigMap kube-system/kubelet-config, key kubelet")
    assert f"search default.svc.{DOMAIN}" in dual.exec("web-two", "cat", "/etc/resolv.conf")
    patch_text = told["kubelet-config"].replace(DOMAIN, "other.example")
    dual.kubectl("create", "configmap", "kubelet-config", "-n", "kube-system", f"--from-literal=kubelet={patch_text}")
    restart("The cluster's configuration has changed")
    # Nor is a default route forgotten silently that came by router advertisements.
    restart("it will run out, unless net.ipv6.conf.<link>.accept_ra is 2\" link=\"eth0\"")
    assert dual.stop() == 0
    restart("The cluster's configuration can't be read, what this node has counts")
    Cluster.start(dual, ready=False)
    dual.wait_nodes()
    assert documents(dual) == told, "the server says again what it has"
    assert wait_for(lambda: dual.routes("two", "-6") == before, 20, "the routes")
    restart("The cluster's configuration has changed")


# ---- a node that is made again (last: addresses change) ----

def test_routes_follow_a_range_that_changes(dual, webs):
    before = dual.get("node", name="two")["spec"]["podCIDRs"]
    # So that the range that is given back is not the next one.
    create(dual, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "spare"}})
    wait_for(lambda: dual.get("node", name="spare")["spec"].get("podCIDRs"), 10, "a range of the spare node")
    assert dual.agents["two"].stop() == 0
    dual.kubectl("delete", "node", "two", "spare")
    dual.agents["two"].start()

    def ranges():
        now = dual.get("node", name="two")["spec"].get("podCIDRs", before)
        return now if now != before else None
    now = wait_for(ranges, 30, "other ranges")
    for node in ("one", "three"):
        wait_for(lambda n=node: now[0] in dual.routes(n) and now[1] in dual.routes(n, "-6"), 10, "new routes")
        assert before[0] not in dual.routes(node) and before[1] not in dual.routes(node, "-6")

    def problem():
        conditions = dual.get("node", name="two")["status"]["conditions"]
        return next((c["message"] for c in conditions if c["type"] == "Ready" and c["status"] == "False"), "")
    wait_for(lambda: f"the node's pod range is {','.join(now)} now, but pods with addresses of the bridge's range "
             in problem() and "still run: drain the node" in problem(), 20, "message")
    dual.kubectl("drain", "two", "--force", "--grace-period=0", "--timeout=30s")
    dual.wait_nodes()
    dual.kubectl("uncordon", "two")
    create(dual, web("again", "two"))
    addresses = [ip["ip"] for ip in dual.get("pod", "default", "again")["status"]["podIPs"]]
    for address, cidr in zip(addresses, now):
        assert ipaddress.ip_address(address) in ipaddress.ip_network(cidr)
        for node in ("one", "three"):
            assert asked_by(dual, f"web-{node}", address).endswith(" again")
    for node in webs:
        wait_for(lambda n=node: dual.run_on(n, "dig", "@10.53.0.10", "+short", "+time=1", "+tries=1",
                                            f"kubernetes.default.svc.{DOMAIN}", check=False) == "10.53.0.1\n", 20, "DNS")


# ---- IPv6 alone ----

@pytest.fixture(scope="module")
def six(images):
    """Nothing of it uses an address of IPv4, though its machines have some."""
    ranges = ["--cluster-cidr", "fd00:62::/56", "--service-cluster-ip-range", "fd00:63::/108"]
    with tempfile.TemporaryDirectory(prefix="tiphys-six-nodes-") as folder:
        nodes = Nodes(folder, [images / "busybox.tar"], 8, ranges)
        try:
            yield nodes.start()
        finally:
            nodes.purge()


def test_a_cluster_of_ipv6_alone(six):
    assert "https://[" in six.kubeconfig.read_text()
    create(six, *(web(f"web-{node}", node) for node in ADDRESSES),
           service("six", {"app": "web"}, type="NodePort", ipFamilyPolicy="PreferDualStack"))
    pods = {pod["spec"]["nodeName"]: pod["status"] for pod in six.get("pods", "default")["items"]}
    webs = {node: status["podIP"] for node, status in pods.items()}
    for node in six.get("nodes")["items"]:
        name = node["metadata"]["name"]
        internal = [a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"]
        assert internal == [ADDRESSES6[name]] and pods[name]["hostIPs"] == [{"ip": ADDRESSES6[name]}]
        assert [ip["ip"] for ip in pods[name]["podIPs"]] == [webs[name]]
        (cidr,) = node["spec"]["podCIDRs"]
        assert ipaddress.ip_address(webs[name]) in ipaddress.ip_network(cidr)
    for node, address in webs.items():
        script = "; ".join(GET.format(address=other, port=8080) for other in webs.values())
        answers = six.exec(f"web-{node}", "sh", "-c", script).split("\n")[:-1]
        assert answers == [f"{address} web-{other}" for other in webs], node
        assert six.exec(f"web-{node}", "cat", "/sys/class/net/eth0/mtu") == "1430\n"
    spec = six.get("service", "default", "six")["spec"]
    assert spec["ipFamilies"] == ["IPv6"]
    for node in webs:
        wait_for(lambda n=node: six.curl(n, who(spec["clusterIP"], 80)), 20, "answer of the Service")
        wait_for(lambda n=node: six.curl("lan", who(ADDRESSES6[n], spec["ports"][0]["nodePort"])), 20, "answer at the port")
        got = six.exec(f"web-{node}", "nslookup", "six.default.svc.cluster.local")
        assert f"Address: {spec['clusterIP']}" in got
    for what in ("services/six:", "pods/web-three:8080"):
        assert "web-" in six.out("get", "--raw", f"/api/v1/namespaces/default/{what}/proxy/cgi-bin/who")
    api = six.get("service", "default", "kubernetes")["spec"]["clusterIP"]
    assert ":" in api
    assert six.exec("web-three", "sh", "-c", f"nc -w 3 {api} 443 </dev/null && echo connected") == "connected\n"
    forward = subprocess.Popen([*six.prefix, KUBECTL, "--kubeconfig", str(six.kubeconfig), "port-forward", "pod/web-two",
                                ":8080"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(forward.stdout.readline().split("127.0.0.1:")[1].split()[0])
        assert six.curl("lan", who("127.0.0.1", port)).endswith(" web-two")
    finally:
        forward.kill()
        forward.wait(10)
