"""Three nodes whose pods have IPv4 and IPv6, or IPv6 alone: one network of them, over routes and VXLAN."""
import ipaddress
import subprocess
import sys
import tempfile

import pytest

from cluster import wait_for
from nodes import ADDRESSES, ADDRESSES6, LAN6, Nodes
from web_pods import GET, asked_by, create, service, web, who

RANGES = ["--cluster-cidr", "10.42.0.0/16,fd00:42::/56",
          "--service-cluster-ip-range", "10.43.0.0/16,fd00:43::/108"]


@pytest.fixture(scope="module")
def dual(images):
    with tempfile.TemporaryDirectory(prefix="tiphys-dual-nodes-") as folder:
        nodes = Nodes(folder, [images / "busybox.tar"], 6, RANGES, RANGES[:2])
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


OUTSIDE_SERVER = """
import socket
listener = socket.create_server(("::", 8090), family=socket.AF_INET6)
print("listening")
while True:
    connection, (address, *_) = listener.accept()
    connection.close()
    print(address)
"""


def test_what_leaves_the_cluster_has_the_nodes_address(dual, webs):
    server = subprocess.Popen([*dual.spaces.enter("lan"), sys.executable, "-uc", OUTSIDE_SERVER],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline() == "listening\n"
        for node in webs:
            dual.exec(f"web-{node}", "nc", "-w", "5", LAN6, "8090")
            assert server.stdout.readline().strip() == ADDRESSES6[node]
    finally:
        server.kill()
        server.wait()


def test_what_was_removed_comes_back(dual, webs):
    for node, other in (("one", "two"), ("two", "three")):
        cidr = pod_cidr(dual, other)
        before = dual.routes(node, "-6")[cidr]
        dual.run_on(node, "ip", "-6", "route", "del", cidr)
        wait_for(lambda n=node, c=cidr, b=before: dual.routes(n, "-6").get(c) == b, 5, "the route again")
    dual.run_on("two", "ip", "link", "del", f"{dual.bridge}.vx6")
    wait_for(lambda: pod_cidr(dual, "three") in dual.routes("two", "-6"), 5, "device and route again")
    assert asked_by(dual, "web-two", webs["three"]).endswith(" web-three")
