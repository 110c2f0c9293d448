"""The part of upstream's [sig-network] conformance tests that is about objects alone: what may be done with each kind of the
network, step by step as those tests do it, and what controllers make of Services and Endpoints. No pods. Traffic is
test_conformance_network.py's."""
import statistics
import threading
import time
import types

import pytest

from cluster import wait_for
from rest import Rest

NS = "t-conformance-net-api"
CORE, NETWORKING = f"/api/v1/namespaces/{NS}", "/apis/networking.k8s.io/v1"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NS}/endpointslices"
OF = "kubernetes.io/service-name"


@pytest.fixture(scope="module", name="rest")
def _rest(cluster):
    rest = Rest(cluster)
    cluster.kubectl("create", "namespace", NS)
    yield rest
    cluster.kubectl("delete", "namespace", NS, "--wait=false")


def service(name, *ports, **spec):
    ports = [{"name": n, "port": p, "protocol": "TCP"} for n, p in ports]
    return {"metadata": {"name": name}, "spec": {"ports": ports, **spec}}


def slices_of(rest, name):
    return rest.get(f"{SLICES}?labelSelector={OF}%3D{name}")["items"]


# ---- each kind's verbs ----

def discovered(rest, group, resource):
    groups = {g["name"]: [v["version"] for v in g["versions"]] for g in rest.get("/apis")["groups"]}
    assert "v1" in groups[group]
    assert "v1" in [v["version"] for v in rest.get(f"/apis/{group}")["versions"]]
    found, = [r for r in rest.get(f"/apis/{group}/v1")["resources"] if r["name"] == resource]
    assert set(found["verbs"]) == {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}


def life(rest, collection, bodies, everywhere=None):
    """Three objects of one kind through all verbs, found by a label; yields the third while it is there."""
    for body in bodies:
        body["metadata"]["labels"] = {"special-label": "generic"}
    made = [rest.create(collection, body) for body in bodies]
    chosen = "?labelSelector=special-label%3Dgeneric"
    path = f"{collection}/{made[-1]['metadata']['name']}"
    assert rest.get(path)["metadata"]["uid"] == made[-1]["metadata"]["uid"]
    found = rest.get(collection + chosen)
    assert len(found["items"]) == 3 == len(rest.get((everywhere or collection) + chosen)["items"])
    version = found["metadata"]["resourceVersion"]
    patched = rest.merge(path, {"metadata": {"annotations": {"patched": "true"}}})
    assert patched["metadata"]["annotations"]["patched"] == "true"
    assert int(patched["metadata"]["resourceVersion"]) > int(made[-1]["metadata"]["resourceVersion"])
    patched["metadata"]["annotations"]["updated"] = "true"
    assert rest.update(path, patched)["metadata"]["annotations"] == {"patched": "true", "updated": "true"}
    for place in {collection, everywhere or collection}:
        seen = rest.watch(place + chosen, version, lambda _, one: "updated" in one["metadata"].get("annotations", {}))
        assert [(kind, one["metadata"]["name"]) for kind, one in seen] == 2 * [("MODIFIED", made[-1]["metadata"]["name"])]
    yield path
    rest.delete(path)
    assert rest.missing(path)
    left = [one["metadata"]["uid"] for one in rest.get(collection + chosen)["items"]]
    assert sorted(left) == sorted(one["metadata"]["uid"] for one in made[:2])
    assert rest.delete(collection + chosen)["kind"].endswith("List")
    assert rest.get(collection + chosen)["items"] == []


def test_ingress_classes(rest):
    discovered(rest, "networking.k8s.io", "ingressclasses")
    classes = [{"metadata": {"name": f"net-class{i}"}, "spec": {"controller": "example.com/controller"}} for i in range(3)]
    for path in life(rest, NETWORKING + "/ingressclasses", classes):
        assert rest.get(path)["spec"] == {"controller": "example.com/controller"}
    parameters = {"scope": "Namespace", "namespace": "foo-ns", "kind": "fookind", "name": "fooname", "apiGroup": "example.com"}
    scoped = {"metadata": {"name": "net-scoped"}, "spec": {"controller": "example.com/controller", "parameters": parameters}}
    assert rest.create(NETWORKING + "/ingressclasses", scoped)["spec"]["parameters"] == parameters
    rest.delete(NETWORKING + "/ingressclasses/net-scoped")


def backend(name):
    return {"service": {"name": name, "port": {"number": 8080}}}


def test_ingresses(rest):
    discovered(rest, "networking.k8s.io", "ingresses")
    collection = f"{NETWORKING}/namespaces/{NS}/ingresses"
    route = {"path": "/", "pathType": "ImplementationSpecific", "backend": backend("test-backend")}
    bodies = [{"metadata": {"generateName": "e2e-example-ing"}, "status": {"loadBalancer": {}}, "spec": {
        "defaultBackend": backend("default-backend"), "rules": [{"host": f"host{i}.bar.com", "http": {"paths": [route]}}]}}
        for i in range(3)]
    for path in life(rest, collection, bodies, NETWORKING + "/ingresses"):
        patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}}}
        patched = rest.merge(path + "/status", patch)
        assert patched["status"] == patch["status"] and patched["metadata"]["annotations"]["patchedstatus"] == "true"
        patched["status"]["loadBalancer"]["ingress"][0]["ip"] = "169.1.1.2"
        assert rest.update(path + "/status", patched)["status"] == patched["status"]
        assert rest.get(path + "/status")["metadata"]["uid"] == patched["metadata"]["uid"]
        assert rest.get(path)["spec"] == bodies[2]["spec"]


def test_default_ingress_classes(rest):
    """Those that came last are meant, among equals the first by name; without one nothing is filled in."""
    ingress = {"metadata": {"name": "classless"}, "spec": {"defaultBackend": backend("b")}}

    def class_of_new():
        return rest.call("POST", f"{NETWORKING}/namespaces/{NS}/ingresses?dryRun=All", ingress)["spec"].get("ingressClassName")
    assert class_of_new() is None
    made = {}
    for name in ("net-default-b", "net-default-a"):
        made[name] = rest.create(NETWORKING + "/ingressclasses", {"metadata": {"name": name, "annotations": {
            "ingressclass.kubernetes.io/is-default-class": "true"}}, "spec": {"controller": "example.com/controller"}})
    times = {name: one["metadata"]["creationTimestamp"] for name, one in made.items()}
    assert class_of_new() == min(made, key=lambda name: (times[name] != max(times.values()), name))
    for name in made:
        rest.delete(f"{NETWORKING}/ingressclasses/{name}")
    assert class_of_new() is None


def test_endpoint_slices(rest):
    discovered(rest, "discovery.k8s.io", "endpointslices")
    endpoints = [{"addresses": ["1.2.3.4", "5.6.7.8"]}, {"addresses": ["2.2.3.4", "6.6.7.8"]}]
    bodies = [{"metadata": {"generateName": "e2e-example-ing"}, "addressType": "IPv4", "endpoints": endpoints} for _ in range(3)]
    for path in life(rest, SLICES, bodies, "/apis/discovery.k8s.io/v1/endpointslices"):
        assert [e["addresses"] for e in rest.get(path)["endpoints"]] == [e["addresses"] for e in endpoints]


def test_ip_addresses(rest):
    discovered(rest, "networking.k8s.io", "ipaddresses")
    parent = {"group": "mygroup", "resource": "myresources", "namespace": "foo", "name": "bar"}
    bodies = [{"metadata": {"name": name}, "spec": {"parentRef": parent}}
              for name in ("192.0.2.7", "fe80::42:1dff:fe84:f9e2", "255.255.255.255")]
    for path in life(rest, NETWORKING + "/ipaddresses", bodies):
        assert rest.get(path)["spec"]["parentRef"] == parent
        refused = rest.request("PATCH", path, {"spec": {"parentRef": {"name": "else"}}}, kind="application/merge-patch+json")
        assert refused.code == 422 and "field is immutable" in refused.text
    for name in ("192.0.02.7", "::ffff:192.0.2.7", "FE80::1", "x"):
        answer = rest.request("POST", NETWORKING + "/ipaddresses", {"metadata": {"name": name}, "spec": {"parentRef": parent}})
        assert answer.code == 422, (name, answer.text)


def conditions(one):
    return {c["type"]: (c["status"], c.get("reason", "")) for c in one.get("status", {}).get("conditions", [])}


def test_the_service_cidr(rest):
    discovered(rest, "networking.k8s.io", "servicecidrs")
    path = NETWORKING + "/servicecidrs/kubernetes"
    one = rest.get(path)
    assert one["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"]
    assert conditions(one) == {"Ready": ("True", "")}
    status = rest.get(path + "/status")
    assert (status["kind"], status["apiVersion"]) == ("ServiceCIDR", "networking.k8s.io/v1")
    assert status["metadata"]["uid"] == one["metadata"]["uid"]
    assert path.rpartition("/")[2] in [c["metadata"]["name"] for c in rest.get(NETWORKING + "/servicecidrs")["items"]]
    seen = rest.watch(NETWORKING + "/servicecidrs", "", lambda kind, c: c["metadata"]["name"] == "kubernetes")
    assert seen[-1][0] == "ADDED"


def test_service_cidrs_come_and_go(rest):
    """Statuses, and that a range goes after the addresses of it are free, not before. (10 s after: this file's last test.)"""
    path = NETWORKING + "/servicecidrs/net-more"
    rest.create(NETWORKING + "/servicecidrs", {"metadata": {"name": "net-more"}, "spec": {"cidrs": ["203.0.113.0/28"]}})
    wait_for(lambda: conditions(rest.get(path)) == {"Ready": ("True", "")}, 10, "ready range")
    told = {"type": "Told", "status": "True", "reason": "E2E", "message": "", "lastTransitionTime": "2030-01-01T00:00:00Z"}
    patched = rest.merge(path + "/status", {"status": {"conditions": [*rest.get(path)["status"]["conditions"], told]}})
    assert conditions(patched) == {"Ready": ("True", ""), "Told": ("True", "E2E")}
    patched["status"]["conditions"][1]["reason"] = "Updated"
    assert conditions(rest.update(path + "/status", patched))["Told"] == ("True", "Updated")
    refused = rest.request("PATCH", path, {"spec": {"cidrs": ["203.0.113.32/28"]}}, kind="application/merge-patch+json")
    assert refused.code == 422 and "field is immutable" in refused.text

    rest.create(CORE + "/services", service("far", ("http", 80), clusterIP="203.0.113.5"))
    held = rest.get(NETWORKING + "/ipaddresses/203.0.113.5")
    assert held["spec"]["parentRef"] == {"resource": "services", "namespace": NS, "name": "far"}
    rest.delete(path)
    wait_for(lambda: conditions(rest.get(path))["Ready"] == ("False", "Terminating"), 10, "a range that waits")
    assert rest.get(path)["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"]
    answer = rest.request("POST", CORE + "/services", service("late", ("http", 80), clusterIP="203.0.113.6"))
    assert answer.code == 422, answer.text
    rest.delete(CORE + "/services/far")
    assert rest.missing(NETWORKING + "/ipaddresses/203.0.113.5")


# ---- the Service of the API server ----

def test_the_kubernetes_service(rest):
    services = rest.get("/api/v1/services")["items"]
    assert ("default", "kubernetes") in [(s["metadata"]["namespace"], s["metadata"]["name"]) for s in services]
    subsets = rest.get("/api/v1/namespaces/default/endpoints/kubernetes")["subsets"]
    found = rest.get(f"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector={OF}%3Dkubernetes")["items"]
    assert {a["ip"] for s in subsets for a in s["addresses"]} == {a for s in found for e in s["endpoints"] for a in e["addresses"]}
    assert {p["port"] for s in subsets for p in s["ports"]} == {p["port"] for s in found for p in s["ports"]} == {rest.port}


# ---- Services ----

def test_a_services_status(rest):
    version = rest.get("/api/v1/services?labelSelector=test-service-static%3Dtrue")["metadata"]["resourceVersion"]
    body = service("told", ("http", 80), type="LoadBalancer", loadBalancerClass="example.com/internal-vip")
    body["metadata"]["labels"] = {"test-service-static": "true"}
    rest.create(CORE + "/services", body)
    path = CORE + "/services/told"
    assert rest.get(path + "/status")["status"] == {"loadBalancer": {}}
    patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}}
    patched = rest.merge(path + "/status", patch)
    assert patched["metadata"]["annotations"] == {"patchedstatus": "true"}
    assert patched["status"]["loadBalancer"]["ingress"] == [{"ip": "203.0.113.1", "ipMode": "VIP"}]
    one = rest.get(path)
    one["status"]["conditions"] = [{"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test",
                                    "lastTransitionTime": None}]
    assert rest.update(path + "/status", one)["status"]["conditions"][0]["message"] == "Set from e2e test"
    labelled = rest.call("PATCH", path, {"metadata": {"labels": {"test-service": "patched"}}, "spec": {}, "status": {"loadBalancer": {}}},
                         kind="application/strategic-merge-patch+json")
    assert labelled["metadata"]["labels"] == {"test-service-static": "true", "test-service": "patched"}
    assert labelled["status"]["conditions"], "no part of a write of the Service"
    rest.delete(path)
    seen = rest.watch(f"{CORE}/services?labelSelector=test-service-static%3Dtrue", version, lambda kind, _: kind == "DELETED")
    assert [kind for kind, _ in seen] == ["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED"]
    ingress, status, label = (one for _, one in seen[1:4])
    assert "patchedstatus" in ingress["metadata"]["annotations"] and "conditions" not in ingress["status"]
    assert status["status"]["conditions"] and label["metadata"]["labels"]["test-service"] == "patched"


def test_a_collection_of_services(rest):
    for name, port, label in (("e2e-svc-a", 8001, "delete"), ("e2e-svc-b", 8002, "delete"), ("e2e-svc-c", 8003, "keep")):
        body = service(name, ("http", port), type="ClusterIP")
        body["metadata"]["labels"] = {"e2e-test-service": label}
        rest.create(CORE + "/services", body)
    addresses = [rest.get(f"{CORE}/services/e2e-svc-{x}")["spec"]["clusterIP"] for x in "abc"]
    rest.delete(CORE + "/services?labelSelector=e2e-test-service%3Ddelete")
    left = [s["metadata"]["name"] for s in rest.get(CORE + "/services?labelSelector=e2e-test-service")["items"]]
    assert left == ["e2e-svc-c"]
    assert [rest.missing(f"{NETWORKING}/ipaddresses/{ip}") for ip in addresses] == [True, True, False]
    rest.delete(CORE + "/services/e2e-svc-c")


def test_node_ports_are_one_services_own(rest):
    port = rest.create(CORE + "/services", service("node-port", ("http", 80), type="NodePort"))["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767
    other = service("other-port", ("http", 80), type="NodePort")
    other["spec"]["ports"][0]["nodePort"] = port
    answer = rest.request("POST", CORE + "/services", other)
    assert answer.code == 422 and f"{port}: provided port is already allocated" in answer.text
    one = rest.get(CORE + "/services/node-port")
    one["spec"]["ports"][0]["nodePort"] = 29999
    answer = rest.request("PUT", CORE + "/services/node-port", one)
    assert answer.code == 422 and "29999: provided port is not in the valid range" in answer.text
    rest.delete(CORE + "/services/node-port")
    assert rest.create(CORE + "/services", other)["spec"]["ports"][0]["nodePort"] == port
    rest.delete(CORE + "/services/other-port")


def test_static_paths(rest):
    for path in ("/healthz", "/api", "/apis", "/metrics", "/openapi/v2", "/version"):
        assert rest.request("GET", path).code == 200, path


# ---- Endpoints and slices ----

def test_endpoints_in_events(rest):
    chosen = "?labelSelector=test-endpoint-static%3Dtrue"
    version = rest.get("/api/v1/endpoints" + chosen)["metadata"]["resourceVersion"]
    made = rest.create(CORE + "/endpoints", {
        "metadata": {"name": "testservice", "labels": {"test-endpoint-static": "true"}},
        "subsets": [{"addresses": [{"ip": "10.0.0.24"}], "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}]})
    found, = rest.get("/api/v1/endpoints" + chosen)["items"]
    found["metadata"]["labels"]["test-service"] = "updated"
    path = CORE + "/endpoints/testservice"
    rest.update(path, found)
    patched = rest.call("PATCH", path, {"metadata": {"labels": {"test-service": "patched"}}, "subsets": [
        {"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http-test", "port": 8080}]}]},
        kind="application/strategic-merge-patch+json")
    assert int(patched["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert patched["subsets"] == [{"addresses": [{"ip": "10.0.0.25"}],
                                   "ports": [{"name": "http-test", "port": 8080, "protocol": "TCP"}]}]
    rest.delete(CORE + "/endpoints" + chosen)
    assert rest.missing(path)
    seen = rest.watch(CORE + "/endpoints" + chosen, version, lambda kind, _: kind == "DELETED")
    assert [(kind, e["metadata"]["labels"].get("test-service")) for kind, e in seen] == [
        ("ADDED", None), ("MODIFIED", "updated"), ("MODIFIED", "patched"), ("DELETED", "patched")]


def test_a_service_that_matches_no_pods(rest):
    rest.create(CORE + "/services", service("empty", ("example", 80), selector={"does-not-match-anything": "yes"}))
    wait_for(lambda: not rest.missing(CORE + "/endpoints/empty") and slices_of(rest, "empty"), 20, "Endpoints and slice")
    assert "subsets" not in rest.get(CORE + "/endpoints/empty")
    one, = slices_of(rest, "empty")
    assert one["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io"
    assert one["endpoints"] in (None, []) and one["ports"] in (None, [])
    rest.delete(CORE + "/services/empty")
    wait_for(lambda: rest.missing(CORE + "/endpoints/empty") and not slices_of(rest, "empty"), 30, "their end")


def test_endpoints_are_mirrored(rest):
    rest.create(CORE + "/services", service("custom", ("example", 80)))
    one = {"metadata": {"name": "custom"}, "subsets": [{"ports": [{"port": 80}], "addresses": [{"ip": "10.1.2.3"}]}]}

    def mirrored():
        return [([p["port"] for p in s["ports"]], [e["addresses"] for e in s["endpoints"]]) for s in slices_of(rest, "custom")]
    rest.create(CORE + "/endpoints", one)
    wait_for(lambda: mirrored() == [([80], [["10.1.2.3"]])], 12, "mirrored slice")
    one["subsets"][0]["addresses"] = [{"ip": "10.2.3.4"}]
    rest.update(CORE + "/endpoints/custom", one)
    wait_for(lambda: mirrored() == [([80], [["10.2.3.4"]])], 12, "update of the slice")
    rest.delete(CORE + "/endpoints/custom")
    wait_for(lambda: mirrored() == [], 12, "end of the slice")
    rest.delete(CORE + "/services/custom")


TOTAL, PARALLEL = 200, 15


def test_from_service_to_endpoints(rest):
    """How long it takes, for 200 Services, 15 at a time. Upstream lets half of them take 20 s; we, loaded as may be, 2."""
    version = rest.get(SLICES)["metadata"]["resourceVersion"]
    sent, turn = {}, threading.Semaphore(PARALLEL)

    def send(name):
        with turn:
            sent[name] = time.monotonic()
            rest.create(CORE + "/services", service(name, ("http", 80), selector={"name": "nobody"}))
    threads = [threading.Thread(target=send, args=(f"latency-{i}",)) for i in range(TOTAL)]
    for thread in threads:
        thread.start()
    seen = types.SimpleNamespace(at={})

    def all_there(_, one):
        name = one["metadata"]["labels"].get(OF, "")
        if name.startswith("latency-"):
            seen.at.setdefault(name, time.monotonic())
        return len(seen.at) == TOTAL
    rest.watch(SLICES, version, all_there, seconds=60)
    for thread in threads:
        thread.join()
    took = sorted(seen.at[name] - sent[name] for name in sent)
    assert statistics.median(took) < 2 and took[TOTAL * 99 // 100] < 10, took
    rest.delete(CORE + "/services")
    wait_for(lambda: not rest.get(SLICES)["items"] and not rest.get(CORE + "/endpoints")["items"], 30, "end of all")


def test_an_unused_range_is_gone(rest):
    wait_for(lambda: rest.missing(NETWORKING + "/servicecidrs/net-more"), 30, "end of the range")
