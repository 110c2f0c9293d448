"""Several nodes: joining by token, and one network of their pods."""
import json
import re

import pytest

from cluster import TIPHYS, wait_for
from nodes import ADDRESSES, LAN, POD_CIDR, run
from web_pods import GET, asked_by, create, service, sources_outside, web, who
from wrk import Load

WRONG_HASH = "sha256:" + 64 * "0"


@pytest.fixture(name="stranger")
def _stranger(three_nodes, tmp_path):
    """Runs an agent that has no place in the cluster, outside of its nodes, until it gives up."""
    def join(*arguments, server=three_nodes.url, name="stranger"):
        done = run(*three_nodes.prefix, TIPHYS, "agent", "--server", server, "--hostname-override", name,
                   "--data-dir", tmp_path / "data", "--discovery-timeout", "1s", *arguments, check=False)
        assert done.returncode == 1
        assert not (tmp_path / "data" / "agent").exists() and not (tmp_path / "data" / "containerd").exists()
        return done.stderr.splitlines()[-1]
    return join


def new_token(nodes, *arguments):
    done = nodes.token("create", *arguments)
    assert re.fullmatch("[a-z0-9]{6}\\.[a-z0-9]{16}\n", done.stdout), done
    return done.stdout.strip()


def test_who_may_not_join(three_nodes, stranger):
    word = "tiphys: couldn't validate the identity of the API Server: "
    token = new_token(three_nodes)
    assert stranger("--token", "abc") == 'tiphys: the bootstrap token "abc" was not of the form ' \
        '"\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z"'
    assert stranger("--token", "nobody.0123456789abcdef") == word + \
        'could not find a JWS signature in the cluster-info ConfigMap for token ID "nobody"'
    other = token[:7] + "0123456789abcdef"
    assert stranger("--token", other) == word + \
        "failed to verify JWS signature of received cluster info object, can't trust this API Server"
    told = stranger("--token", token, "--discovery-token-ca-cert-hash", WRONG_HASH)
    assert told.startswith(word + "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "
                           '"sha256:') and f'are pinned, only "{WRONG_HASH}"' in told
    assert "connection refused" in stranger("--token", token, server="https://172.30.0.1:1")
    assert stranger("--token", token, name="two") == 'tiphys: a Node with name "two" and status "Ready" already ' \
        'exists in the cluster. You must delete the existing Node or change the name of this new joining Node'
    assert stranger().startswith("tiphys: --token is needed: this node has not joined a cluster yet")
    expired = new_token(three_nodes, "--ttl", "1s")
    wait_for(lambda: expired not in three_nodes.token("list").stdout, 10, "end of the token")
    assert "could not find a JWS signature" in stranger("--token", expired)


def test_tokens_are_made_listed_and_deleted(three_nodes):
    token = new_token(three_nodes, "--ttl", "0", "--description", "for ever", "--usages", "signing")
    line = next(row for row in three_nodes.token("list").stdout.splitlines() if row.startswith(token))
    assert re.fullmatch(f"{token} +<forever> +<never> +signing +for ever +"
                        "system:bootstrappers:kubeadm:default-node-token", line)
    assert three_nodes.token("create", token).stderr == f'tiphys: a token with id "{token[:6]}" already exists\n'
    assert three_nodes.token("delete", token, token).stderr.startswith(
        f'tiphys: failed to delete bootstrap token "{token[:6]}": secrets "bootstrap-token-')
    assert token not in three_nodes.token("list").stdout
    assert "didn't match pattern" in three_nodes.token("delete", "x").stderr


def test_a_joined_node_needs_no_token_again(three_nodes):
    two = three_nodes.agents["two"]
    assert not (two.data / "agent/bootstrap-kubelet.conf").exists()
    assert two.stop() == 0
    two.start()

    def renewed():
        lease = three_nodes.out("get", "lease", "two", "-n", "kube-node-lease", "-o", "jsonpath={.spec.renewTime}")
        return lease > before
    before = three_nodes.out("get", "lease", "two", "-n", "kube-node-lease", "-o", "jsonpath={.spec.renewTime}")
    wait_for(renewed, 20, "lease of the node that came back")
    user = three_nodes.out("get", "csr", "-o", "jsonpath={.items[*].spec.username}")
    assert set(user.split()) == {user.split()[0]} and user.startswith("system:bootstrap:")


# ---- the pods' network ----

@pytest.fixture(scope="module")
def webs(three_nodes):
    """A web pod on each node; its address by the node's name."""
    create(three_nodes, *(web(f"web-{node}", node) for node in ADDRESSES))
    yield {pod["spec"]["nodeName"]: pod["status"]["podIP"]
           for pod in three_nodes.get("pods", "default")["items"] if pod["metadata"]["name"].startswith("web-")}
    three_nodes.kubectl("delete", "pod", "-l", "app=web", "--wait=false")


def test_pods_of_all_nodes_reach_each_other_by_their_own_addresses(three_nodes, webs):
    for node, address in webs.items():
        script = "; ".join(GET.format(address=other, port=8080) for other in webs.values())
        answers = three_nodes.exec(f"web-{node}", "sh", "-c", script).split("\n")[:-1]
        assert answers == [f"{address} web-{other}" for other in webs], node
        assert address.rpartition(".")[0] == three_nodes.pod_cidr(node).rpartition(".")[0]
    logs = {node: three_nodes.out("logs", f"web-{node}") for node in webs}
    assert set(logs.values()) == {"serving\n"}


def test_nodes_reach_pods_of_other_nodes_and_pods_other_nodes(three_nodes, webs):
    for node in webs:
        for other, address in webs.items():
            source, name = three_nodes.curl(node, who(address)).split()
            assert name == f"web-{other}"
            via_vxlan = node != other and "three" in (node, other)
            first = three_nodes.pod_cidr(node).removesuffix("/24")
            bridge = first.removesuffix("0") + "1"
            assert source == (first if via_vxlan else bridge if node == other else ADDRESSES[node])
    create(three_nodes, web("host", "three", 8081, hostNetwork=True))
    for node in webs:
        source = three_nodes.curl(node, who(ADDRESSES["three"], 8081)).split()[0]
        assert source == ADDRESSES[node]
        source = asked_by(three_nodes, f"web-{node}", ADDRESSES["three"], 8081).split()[0]
        # Out of the pods' network with the node's address; on the node itself with the pod's own.
        assert source in (ADDRESSES[node], webs[node])
    three_nodes.kubectl("delete", "pod", "host")


def test_what_leaves_the_cluster_has_the_nodes_address(three_nodes, webs):
    assert sources_outside(three_nodes, webs, LAN) == ADDRESSES
    table = next(line for line in three_nodes.run_on("two", "nft", "list", "tables").splitlines() if "masq" in line)
    three_nodes.run_on("two", "nft", "flush " + table)
    wait_for(lambda: any(event["reason"] == "PodNetworkRepaired" and event["involvedObject"]["name"] == "two"
                         for event in three_nodes.get("events", "default")["items"]), 25, "event")
    wait_for(lambda: sources_outside(three_nodes, webs, LAN) == ADDRESSES, 10, "masquerade")


def test_pods_have_the_mtu_that_passes_the_tunnel(three_nodes, webs):
    for node, address in webs.items():
        assert three_nodes.exec(f"web-{node}", "cat", "/sys/class/net/eth0/mtu") == "1450\n"
    # To the byte, in one piece.
    assert ", 0% packet loss" in three_nodes.exec("web-two", "ping", "-c", "1", "-s", str(1450 - 28), webs["three"])


def test_services_over_nodes(three_nodes, webs):
    create(three_nodes, service("all", {"app": "web"}),
           service("near", {"on": "two"}, type="NodePort", externalTrafficPolicy="Local"),
           service("far", {"on": "three"}, type="NodePort"))
    addresses = {name: three_nodes.get("service", "default", name)["spec"] for name in ("all", "near", "far")}
    near, far = (addresses[name]["ports"][0]["nodePort"] for name in ("near", "far"))

    def answered():
        script = "for i in $(seq 24); do " + GET.format(address=addresses["all"]["clusterIP"], port=80) + "; done"
        lines = three_nodes.exec("web-one", "sh", "-c", script).splitlines()
        # Its own answer comes back to it by way of the gateway.
        gateway = webs["one"].rpartition(".")[0] + ".1"
        assert {line for line in lines if not line.startswith(webs["one"] + " ")} <= {f"{gateway} web-one"}, lines
        return {line.split()[1] for line in lines} >= {f"web-{node}" for node in webs}
    wait_for(answered, 20, "answers of all three")
    # Local: the client's own address, and only where a pod is.
    wait_for(lambda: three_nodes.curl("lan", who(ADDRESSES["two"], near)) == f"{LAN} web-two", 10, "local answer")
    assert three_nodes.curl("lan", who(ADDRESSES["one"], near), seconds=1) is None
    # Cluster: any node passes it on, with an address of its own.
    for node in ("one", "two"):
        wait_for(lambda n=node: three_nodes.curl("lan", who(ADDRESSES[n], far)), 10, "passed on answer")
        source, name = three_nodes.curl("lan", who(ADDRESSES[node], far)).split()
        assert name == "web-three" and source == three_nodes.pod_cidr(node).removesuffix("/24")
    three_nodes.kubectl("delete", "service", "all", "near", "far")


def test_a_node_in_iptables_mode_and_back(three_nodes, webs):
    """The mode is a node's own; what the other mode left goes. The proxy's metrics are among the node's."""
    two = three_nodes.agents["two"]
    create(three_nodes, service("modes", {"app": "web"}, type="NodePort"))
    port = three_nodes.get("service", "default", "modes")["spec"]["ports"][0]["nodePort"]

    def chains():
        return "KUBE-SERVICES" in three_nodes.run_on("two", "iptables-save")

    def tables():
        return "tiphys-proxy" in three_nodes.run_on("two", "nft", "list", "tables")

    def metrics():
        return three_nodes.kubectl("get", "--raw", "/api/v1/nodes/two/proxy/metrics", check=False).stdout
    for mode in ("iptables", "nftables"):
        assert two.stop() == 0
        two.start("--proxy-mode", mode)
        wait_for(lambda m=mode: (chains(), tables()) == (m == "iptables", m == "nftables"), 20, "rules of the mode")
        wait_for(lambda: three_nodes.curl("lan", who(ADDRESSES["two"], port)), 10, "answer by node port")
        wait_for(lambda m=mode: 'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"}' in metrics()
                 and ("kubeproxy_sync_proxy_rules_iptables_total{" in metrics()) == (m == "iptables"), 10, "metrics")
    started = [e["source"]["component"] for e in three_nodes.get("events", "default")["items"]
               if e["reason"] == "Starting" and e["involvedObject"]["name"] == "two"]
    assert "kube-proxy" in started
    three_nodes.kubectl("delete", "service", "modes")
    done = run(*three_nodes.prefix, TIPHYS, "agent", "--proxy-mode=ipvs", check=False)
    assert (done.returncode, done.stderr) == (1, 'tiphys: --proxy-mode: "ipvs" is not supported by this kube-proxy: '
                                              "nftables and iptables are\n")


def test_every_node_has_the_ports_of_kube_proxy(three_nodes):
    """Load balancers ask for /healthz from outside, the node itself for the rest."""
    for node, address in ADDRESSES.items():
        assert json.loads(three_nodes.curl("lan", f"http://{address}:10256/healthz"))["nodeEligible"] is True
        assert "lastUpdated" in json.loads(three_nodes.curl("lan", f"http://{address}:10256/livez"))
        assert three_nodes.curl("lan", f"http://{address}:10249/healthz") is None
        assert three_nodes.curl(node, "http://127.0.0.1:10249/healthz") == "ok"
        mode = three_nodes.curl(node, "http://127.0.0.1:10249/proxyMode")
        config = json.loads(three_nodes.curl(node, "http://127.0.0.1:10249/configz"))["kubeproxy.config.k8s.io"]
        assert mode in ("nftables", "iptables")
        assert (config["mode"], config["hostnameOverride"], config["clusterCIDR"]) == (mode, node, POD_CIDR)
        assert "\nkubeproxy_proxy_healthz_total{" in three_nodes.curl(node, "http://127.0.0.1:10249/metrics")


def rolling(image):
    """As the documentation has it: who stops first waits until nobody sends it anything new."""
    container = {"name": "web", "image": image, "imagePullPolicy": "IfNotPresent",
                 "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1},
                 "lifecycle": {"preStop": {"sleep": {"seconds": 2}}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "rolling"}, "spec": {
        "replicas": 4, "selector": {"matchLabels": {"app": "rolling"}},
        "strategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}},
        "template": {"metadata": {"labels": {"app": "rolling"}},
                     "spec": {"terminationGracePeriodSeconds": 10, "containers": [container]}}}}


def test_a_rolling_update_loses_no_request(three_nodes, tmp_path):
    """wrk outside, by a node port of two nodes: every request of a whole update gets its answer."""
    def rollout(image):
        create(three_nodes, rolling(image))
        three_nodes.kubectl("rollout", "status", "deployment/rolling", "--timeout=60s")
    rollout("nginx:1.7.9")
    create(three_nodes, service("rolling", {"app": "rolling"}, type="NodePort", ports=[{"port": 80}]))
    port = three_nodes.get("service", "default", "rolling")["spec"]["ports"][0]["nodePort"]
    urls = [f"http://{ADDRESSES[node]}:{port}/" for node in ("one", "two")]
    for url in urls:
        wait_for(lambda u=url: "tag 1.7.9" in (three_nodes.curl("lan", u) or ""), 10, "first answer")
    loads = [Load(three_nodes.spaces.enter("lan"), tmp_path, url) for url in urls]
    try:
        rollout("nginx:1.9.1")
    finally:
        told = [load.end() for load in loads]
    for url, (answers, errors) in zip(urls, told):
        assert not any(errors.values()) and answers > 100, (url, answers, errors)
        assert "tag 1.9.1" in three_nodes.curl("lan", url)
    three_nodes.kubectl("delete", "deployment,service", "rolling")


def test_host_ports_are_reached_from_other_nodes(three_nodes, webs):
    create(three_nodes, web("ported", "three", exposed={"containerPort": 8080, "hostPort": 8088}))
    assert three_nodes.curl("lan", who(ADDRESSES["three"], 8088)) == f"{LAN} ported"
    assert asked_by(three_nodes, "web-one", ADDRESSES["three"], 8088) == f"{ADDRESSES['one']} ported"
    assert three_nodes.curl("one", who(ADDRESSES["three"], 8088)) == f"{ADDRESSES['one']} ported"
    three_nodes.kubectl("delete", "pod", "ported")
    wait_for(lambda: three_nodes.curl("lan", who(ADDRESSES["three"], 8088), seconds=1) is None, 10, "closed port")


# ---- routes that are wrong, gone, or others' ----

def odd_node(name, cidr, address):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
            "status": {"addresses": [{"type": "InternalIP", "address": address}]}}


def test_a_route_that_was_removed_comes_back(three_nodes):
    for node, other in (("one", "two"), ("two", "three"), ("three", "one")):
        cidr = three_nodes.pod_cidr(other)
        before = three_nodes.routes(node)[cidr]
        three_nodes.run_on(node, "ip", "route", "del", cidr)
        wait_for(lambda n=node, c=cidr, b=before: three_nodes.routes(n).get(c) == b, 5, "the route again")
    three_nodes.run_on("two", "ip", "link", "del", f"{three_nodes.bridge}.vx")
    wait_for(lambda: three_nodes.pod_cidr("three") in three_nodes.routes("two"), 5, "device and route again")


def test_odd_nodes_are_refused_and_disturb_nobody(three_nodes, webs):
    before = {node: three_nodes.routes(node) for node in ADDRESSES}
    two = three_nodes.pod_cidr("two")
    three_nodes.run_on("one", "ip", "route", "add", "10.42.77.0/24", "via", LAN)
    odd = [odd_node("odd-all", "0.0.0.0/0", "172.30.0.9"), odd_node("odd-services", "10.43.0.0/24", "172.30.0.9"),
           odd_node("odd-twos", two, "172.30.0.9"), odd_node("odd-own", "10.42.78.0/24", ADDRESSES["one"]),
           odd_node("odd-loop", "10.42.79.0/24", "127.0.0.1"), odd_node("odd-foreign", "10.42.77.0/24", "172.30.0.9")]
    create(three_nodes, *odd)
    words = {"odd-all": "podCIDR 0.0.0.0/0 is not within the cluster's range 10.42.0.0/16",
             "odd-services": "podCIDR 10.43.0.0/24 is not within the cluster's range 10.42.0.0/16",
             "odd-twos": f'podCIDR {two} overlaps that of node "two"',
             "odd-own": f"InternalIP {ADDRESSES['one']} is this node's own",
             "odd-loop": "InternalIP 127.0.0.1 is no address of a machine",
             "odd-foreign": "another route to 10.42.77.0/24 is there, which this node did not make (protocol 3)"}

    def told():
        events = three_nodes.get("events", "default")["items"]
        said = {(e["involvedObject"]["name"], e["message"]) for e in events if e["reason"] == "FailedToCreateRoute"}
        return said >= {(name, f"Could not create route on node one: {why}") for name, why in words.items()}
    wait_for(told, 15, "events")
    now = three_nodes.routes("one")
    assert now.pop("10.42.77.0/24")["gateway"] == LAN and now == before["one"]
    assert asked_by(three_nodes, "web-one", webs["two"]) == f"{webs['one']} web-two"
    three_nodes.kubectl("delete", "node", *words)
    three_nodes.run_on("one", "ip", "route", "del", "10.42.77.0/24")
    for node in ("two", "three"):
        wait_for(lambda n=node: three_nodes.routes(n) == before[n], 10, "routes as before")


# ---- nodes that go ----

def test_pods_of_a_lost_node_are_elsewhere(three_nodes):
    soon = [{"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}
            for key in ("unreachable", "not-ready")]
    template = web("moving", "x")
    spec = dict(template["spec"], tolerations=soon)
    del spec["nodeName"]
    three_nodes.kubectl("cordon", "one", "two")
    create(three_nodes, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "moving"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": "moving"}},
        "template": {"metadata": {"labels": {"app": "moving"}}, "spec": spec}}},
        service("moving", {"app": "moving"}))
    three_nodes.kubectl("rollout", "status", "deployment/moving", "--timeout=60s")
    three_nodes.kubectl("uncordon", "one", "two")
    three = three_nodes.agents["three"]

    def endpoints():
        slices = three_nodes.out("get", "endpointslices", "-l", "kubernetes.io/service-name=moving", "-o", "json")
        return [(e["nodeName"], e["conditions"]["ready"]) for s in json.loads(slices)["items"]
                for e in s.get("endpoints") or []]
    wait_for(lambda: endpoints() == [("three", True)], 10, "endpoint")
    three.lose()
    wait_for(lambda: [e for e in endpoints() if e[1] and e[0] != "three"], 40, "endpoint on another node")
    assert ("three", True) not in endpoints()
    address = three_nodes.get("service", "default", "moving")["spec"]["clusterIP"]
    wait_for(lambda: three_nodes.curl("two", who(address, 80)), 10, "answer of the other pod")
    gone = three_nodes.pod_cidr("three")
    three_nodes.kubectl("delete", "node", "three")
    for node in ("one", "two"):
        wait_for(lambda n=node: gone not in three_nodes.routes(n), 10, "end of the route")
        assert not three_nodes.run_on(node, "ip", "-br", "link", "show", "type", "vxlan")
    three.start()
    three_nodes.wait_nodes()
    cidr = three_nodes.pod_cidr("three")
    for node in ("one", "two"):
        wait_for(lambda n=node: cidr in three_nodes.routes(n), 10, "route again")
    three_nodes.kubectl("delete", "deployment", "moving")
    create(three_nodes, web("again", "three"))
    address = three_nodes.get("pod", "default", "again")["status"]["podIP"]
    assert three_nodes.curl("one", who(address)).endswith(" again")


def test_dns_of_every_node(three_nodes):
    """Each node answers its own; where a node's name server is away, another one does."""
    slices = wait_for(lambda: {e["nodeName"]: e for s in three_nodes.get("endpointslices", "kube-system")["items"]
                               for e in s["endpoints"] if e["conditions"]["ready"]}
                      if len(three_nodes.get("endpointslices", "kube-system")["items"]) == 3 else None, 30, "slices")
    assert set(slices) == set(ADDRESSES)
    server = three_nodes.get("service", "kube-system", "kube-dns")["spec"]["clusterIP"]

    def ask(node, at=server):
        done = three_nodes.spaces.run(node, "dig", f"@{at}", "+short", "+time=1", "+tries=1",
                                      "kubernetes.default.svc.cluster.local", check=False)
        return done.stdout.strip() == "10.43.0.1"
    for node, endpoint in slices.items():
        wait_for(lambda n=node: ask(n), 20, f"answer on {node}")
        # Also from its neighbours: they need it while their own is away.
        for other in slices:
            assert ask(other, endpoint["addresses"][0]), f"{other} asks {node}"
    two = three_nodes.agents["two"]
    assert two.stop() == 0
    try:
        # It took its announcement back: the rules that it left behind lead nowhere, those of others to others.
        wait_for(lambda: len(three_nodes.get("endpointslices", "kube-system")["items"]) == 2, 20, "end of its slice")
        assert ask("one") and ask("three")
    finally:
        two.start()
    wait_for(lambda: ask("two"), 30, "answer of the node that came back")
