"""What upstream's [sig-api-machinery] and [sig-instrumentation] conformance tests ask for, step by step as those tests do it,
where neither custom resources, aggregated servers nor admission webhooks take part."""
import concurrent.futures
import contextlib
import json
import random
import threading
import uuid

import pytest

from cluster import wait_for
from rest import Rest

NAMESPACES, APPS = "/api/v1/namespaces", "/apis/apps/v1/namespaces"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# A resource of each group that every cluster has.
RESOURCES = {
    "v1": "namespaces", "admissionregistration.k8s.io/v1": "validatingwebhookconfigurations",
    "apiextensions.k8s.io/v1": "customresourcedefinitions", "apiregistration.k8s.io/v1": "apiservices", "apps/v1": "deployments",
    "authentication.k8s.io/v1": "tokenreviews", "authorization.k8s.io/v1": "selfsubjectaccessreviews",
    "autoscaling/v1": "horizontalpodautoscalers", "autoscaling/v2": "horizontalpodautoscalers", "batch/v1": "jobs",
    "certificates.k8s.io/v1": "certificatesigningrequests", "coordination.k8s.io/v1": "leases",
    "discovery.k8s.io/v1": "endpointslices", "events.k8s.io/v1": "events", "networking.k8s.io/v1": "ingresses",
    "node.k8s.io/v1": "runtimeclasses", "policy/v1": "poddisruptionbudgets", "scheduling.k8s.io/v1": "priorityclasses",
    "storage.k8s.io/v1": "csinodes"}


@pytest.fixture(scope="module", name="rest")
def _rest(cluster):
    return Rest(cluster)


@pytest.fixture(name="ns")
def _ns(rest):
    """A new namespace with its account; its path."""
    name = f"t-api-{uuid.uuid4().hex[:8]}"
    rest.create(NAMESPACES, {"metadata": {"name": name}})
    path = f"{NAMESPACES}/{name}"
    wait_for(lambda: not rest.missing(path + "/serviceaccounts/default"), 20, "account")
    yield path
    if not rest.missing(path):
        rest.delete(path)


def ns_name(path):
    return path.split("/namespaces/")[1].split("/")[0]


def items(rest, path):
    return rest.get(path)["items"]


def pod(name, unschedulable=False, **spec):
    container = {"name": "c", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "1000"]}
    if unschedulable:
        spec["nodeSelector"] = {"x-test.k8s.io/unsatisfiable": "not-schedulable"}
    return {"metadata": {"name": name}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **spec}}


def template(labels, **named):
    return {**pod("", **named), "metadata": {"labels": labels}}


# ---- discovery, versions, forms ----

def test_discovery(rest):
    groups = rest.get("/apis/")["groups"]
    assert groups
    for group in groups:
        one = rest.get(f"/apis/{group['name']}/")
        assert one["versions"] and one["preferredVersion"] in one["versions"], one
    for version, resource in RESOURCES.items():
        document = rest.get(f"/{'apis' if '/' in version else 'api'}/{version}")
        assert document["groupVersion"] == version
        assert resource in [r["name"] for r in document["resources"]]


def test_aggregated_discovery(rest):
    found = set()
    for path in ("/api", "/apis"):
        answer = rest.request("GET", path, Accept=AGGREGATED)
        assert answer.headers["Content-Type"] == AGGREGATED
        document = json.loads(answer.text)
        assert (document["kind"], document["apiVersion"]) == ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2")
        for group in document["items"]:
            for version in group["versions"]:
                name = "/".join(filter(None, [group["metadata"].get("name"), version["version"]]))
                found |= {(name, r["resource"]) for r in version["resources"]}
        # What client-go sends: it prefers the aggregated form, and takes what it gets.
        older = AGGREGATED.replace("v=v2", "v=v2beta1")
        assert rest.request("GET", path, Accept=f"{AGGREGATED},{older},application/json").headers["Content-Type"] == AGGREGATED
        assert rest.request("GET", path, Accept="application/json").headers["Content-Type"] == "application/json"
    assert set(RESOURCES.items()) <= found


def test_server_version(rest):
    version = rest.get("/version")
    assert (version["major"], version["minor"]) == ("1", "35")


def test_what_has_no_metadata_is_no_table(rest):
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
              "spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    refused = rest.call("POST", path, review, expect=(406,), Accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert (refused["kind"], refused["code"], refused["reason"]) == ("Status", 406, "NotAcceptable")
    assert rest.create(path, review)["status"]["allowed"] is True


def test_field_validation_of_typed_objects(rest, ns):
    labels = {"app": "nginx"}
    one = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "my-dep", "labels": labels}, "spec": {
        "selector": {"matchLabels": labels}, "template": template(labels)}}
    path = f"{ns.replace(NAMESPACES, APPS)}/deployments?fieldManager=field_validation_mgr&fieldValidation=Strict"
    twice = json.dumps(one).replace('"spec": {', '"spec": {"unknownField": "foo", "replicas": 2, "replicas": 3, ', 1)
    refused = rest.call("POST", path, twice, expect=(400,))
    assert 'strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"' in refused["message"]
    one["metadata"]["unknownMeta"] = "foo"
    assert 'strict decoding error: unknown field "metadata.unknownMeta"' in rest.call("POST", path, one, expect=(400,))["message"]
    del one["metadata"]["unknownMeta"]
    rest.create(path + "&dryRun=All", one)


# ---- kinds without controllers: flow control, policies ----

def condition(**named):
    return {"status": "False", "message": "Set from an e2e test", "lastTransitionTime": "2024-01-01T00:00:00Z", **named}


def life(rest, collection, body, patch, update):
    """Three objects of one kind through all verbs, and status where the kind has one."""
    group, resource = collection.rsplit("/", 1)
    names = [r["name"] for r in rest.get(group)["resources"]]
    assert resource in names
    made = [rest.create(collection, body) for _ in range(3)]
    chosen = f"?labelSelector=example-e2e-label%3D{body['metadata']['labels']['example-e2e-label']}"
    path = f"{collection}/{made[2]['metadata']['name']}"
    assert rest.get(path)["metadata"]["uid"] == made[2]["metadata"]["uid"]
    found = rest.get(collection + chosen)
    assert len(found["items"]) == 3
    events = rest.events(collection + chosen, found["metadata"]["resourceVersion"])
    patched = rest.merge(path, {"metadata": {"annotations": {"patched": "true"}}, "spec": patch})
    assert patched["metadata"]["annotations"]["patched"] == "true"
    assert contains(patched["spec"], patch) and patched["metadata"]["generation"] == 2
    assert int(patched["metadata"]["resourceVersion"]) > int(made[2]["metadata"]["resourceVersion"])
    one = rest.get(path)
    one["metadata"]["annotations"]["updated"] = "true"
    merge_into(one["spec"], update)
    updated = rest.update(path, one)
    assert updated["metadata"]["annotations"]["updated"] == "true" and contains(updated["spec"], update)
    kind, seen = next(event for event in events if "annotations" in event[1]["metadata"])
    assert (kind, seen["spec"], seen["metadata"]["annotations"]) == ("MODIFIED", patched["spec"], {"patched": "true"})
    if resource + "/status" in names:
        status_life(rest, path, updated)
    rest.delete(path)
    assert rest.missing(path) and len(items(rest, collection + chosen)) == 2
    rest.delete(collection + chosen)
    assert not items(rest, collection + chosen)


def status_life(rest, path, before):
    read = rest.get(path + "/status")
    assert (read["kind"], read["metadata"]["uid"]) == (before["kind"], before["metadata"]["uid"])
    told = {"conditions": [condition(type="PatchStatusFailed", reason="e2e")]}
    assert "PatchStatusFailed" in [c["type"] for c in rest.merge(path + "/status", {"status": told})["status"]["conditions"]]
    one = rest.get(path)
    one["status"]["conditions"].append(condition(type="StatusUpdateFailed", reason="E2E"))
    updated = rest.update(path + "/status", one)
    assert "StatusUpdateFailed" in [c["type"] for c in updated["status"]["conditions"]]
    assert updated["spec"] == before["spec"]


def contains(whole, part):
    return all(contains(whole[k], v) if isinstance(v, dict) else whole[k] == v for k, v in part.items())


def merge_into(whole, part):
    for key, value in part.items():
        if isinstance(value, dict):
            merge_into(whole[key], value)
        else:
            whole[key] = value


def named(prefix):
    return {"generateName": prefix, "labels": {"example-e2e-label": uuid.uuid4().hex[:8]}}


def test_flow_schemas(rest):
    rules = [{"subjects": [{"kind": "User", "user": {"name": "example-e2e-non-existent-user"}}],
              "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}]
    life(rest, "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", {"metadata": named("e2e-example-fs-"), "spec": {
        "matchingPrecedence": 10000, "priorityLevelConfiguration": {"name": "global-default"},
        "distinguisherMethod": {"type": "ByUser"}, "rules": rules}}, {"matchingPrecedence": 9999}, {"matchingPrecedence": 9000})


def test_priority_levels(rest):
    life(rest, "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", {"metadata": named("e2e-example-pl-"), "spec": {
        "type": "Limited", "limited": {"nominalConcurrencyShares": 2, "limitResponse": {"type": "Reject"}}}},
        {"limited": {"nominalConcurrencyShares": 4}}, {"limited": {"nominalConcurrencyShares": 6}})


POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"


def test_admission_policies(rest):
    rule = {"operations": ["CREATE"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
    life(rest, POLICIES + "ies", {"metadata": named("e2e-example-vap-"), "spec": {
        "validations": [{"expression": "object.spec.replicas <= 100"}], "matchConstraints": {"resourceRules": [rule]}}},
        {"failurePolicy": "Ignore"}, {"failurePolicy": "Fail"})
    life(rest, POLICIES + "ybindings", {"metadata": named("e2e-example-vapb-"), "spec": {
        "policyName": "replicalimit-policy.example.com", "validationActions": ["Deny"]}},
        {"validationActions": ["Warn"]}, {"validationActions": ["Deny"]})


# ---- events ----

def without_versions(one):
    metadata = {k: v for k, v in one["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    return {**one, "metadata": metadata}


def event_life(rest, collection, everywhere, body, text=""):
    name = ns_name(collection)
    chosen = "?labelSelector=testevent-constant%3Dtrue"

    def seen(place):
        return [e for e in items(rest, place + chosen) if e["metadata"]["namespace"] == name]
    body["metadata"] = {"name": "event-test", "labels": {"testevent-constant": "true"}}
    rest.create(collection, body)
    assert [len(seen(place)) for place in (collection, everywhere)] == [1, 1]
    path = collection + "/event-test"
    if text:
        rest.strategic(path, {text: "This is a test event - patched"})
        assert rest.get(path)[text] == "This is a test event - patched"
    one = rest.get(path)
    for series in ({"count": 2, "lastObservedTime": "2017-09-19T13:49:11.000000Z"},
                   {"count": 100, "lastObservedTime": "2017-09-19T13:49:16.000000Z"}):
        one["series"] = series
        if series["count"] == 2:
            rest.strategic(path, {"series": series})
        else:
            rest.update(path, without_versions(one))
        assert without_versions(rest.get(path)) == without_versions(one)
    rest.delete(path)
    assert not seen(collection) + seen(everywhere)


def test_core_events(rest, ns):
    body = {"message": "This is a test event", "reason": "Test", "type": "Normal", "count": 1, "involvedObject": {"namespace": ns_name(ns)}}
    event_life(rest, ns + "/events", "/api/v1/events", dict(body), "message")
    event_set(rest, ns + "/events", body)


def event_set(rest, collection, body):
    for i in range(3):
        rest.create(collection, {**body, "metadata": {"name": f"test-event-{i}", "labels": {"testevent-set": "true"}}})
    chosen = collection + "?labelSelector=testevent-set%3Dtrue"
    assert len(items(rest, chosen)) == 3
    rest.delete(chosen)
    assert not items(rest, chosen)


def test_events(rest, ns):
    group = "/apis/events.k8s.io/v1"
    collection = ns.replace("/api/v1", group) + "/events"
    body = {"regarding": {"namespace": ns_name(ns)}, "eventTime": "2017-09-19T13:49:16.000000Z", "note": "This is event-test",
            "action": "Do", "reason": "Test", "type": "Normal", "reportingController": "test-controller", "reportingInstance": "test-node"}
    rest.create(collection, {**body, "metadata": {"name": "by-field"}})
    for place in (ns + "/events?fieldSelector=source%3Dtest-controller",
                  collection + "?fieldSelector=reportingController%3Dtest-controller"):
        assert [e["metadata"]["name"] for e in items(rest, place)] == ["by-field"]
    rest.delete(collection + "/by-field")
    event_life(rest, collection, group + "/events", dict(body))
    event_set(rest, collection, body)


# ---- lists in pieces ----

TEMPLATES = 120


def make_templates(rest, collection, count):
    body = {"template": {"spec": {"containers": [{"name": "test", "image": "test2"}]}}}
    with contextlib.closing(rest.connection()) as connection:
        for i in range(count):
            connection.request("POST", collection, body=json.dumps({**body, "metadata": {"name": f"template-{i:04}"}}),
                               headers={"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 201, answer.read()
            answer.read()


def test_lists_in_chunks(rest, ns):
    collection = ns + "/podtemplates"
    make_templates(rest, collection, TEMPLATES)
    found, version, token = [], None, ""
    while not found or token:
        limit = random.randint(1, TEMPLATES // 10)
        page = rest.get(f"{collection}?limit={limit}&continue={token}")
        assert 0 < len(page["items"]) <= limit
        found += [t["metadata"]["name"] for t in page["items"]]
        version = version or page["metadata"]["resourceVersion"]
        assert page["metadata"]["resourceVersion"] == version
        token = page["metadata"].get("continue", "")
        assert page["metadata"].get("remainingItemCount") == (TEMPLATES - len(found) if token else None)
    assert found == [f"template-{i:04}" for i in range(TEMPLATES)]
    assert len(items(rest, f"{collection}?limit={TEMPLATES + 1}")) == TEMPLATES


# ---- watches ----

def labelled(name, label):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"watch-this-configmap": label}}}


def watched(collection, *labels):
    return f"{collection}?labelSelector=watch-this-configmap+in+({'%2C'.join(labels)})"


def changed(rest, path, **fields):
    """The ConfigMap with other data, or another label."""
    one = rest.get(path)
    if "label" in fields:
        one["metadata"]["labels"]["watch-this-configmap"] = fields["label"]
    else:
        one["data"] = fields
    return rest.update(path, one)


def test_watches_of_selectors(rest, ns):
    maps = ns + "/configmaps"
    a, b, both = rest.events(watched(maps, "A")), rest.events(watched(maps, "B")), rest.events(watched(maps, "A", "B"))
    steps = [("ADDED", rest.create(maps, labelled("a", "A"))), ("MODIFIED", changed(rest, maps + "/a", mutation="1")),
             ("MODIFIED", changed(rest, maps + "/a", mutation="2"))]
    for step in steps:
        assert step == next(a) == next(both)
    rest.delete(maps + "/a")
    kind, gone = next(a)
    assert (kind, gone["data"]) == ("DELETED", {"mutation": "2"}) and next(both) == (kind, gone)
    assert int(gone["metadata"]["resourceVersion"]) > int(steps[-1][1]["metadata"]["resourceVersion"])
    step = ("ADDED", rest.create(maps, labelled("b", "B")))
    assert step == next(b) == next(both)
    rest.delete(maps + "/b")
    assert next(b)[0] == next(both)[0] == "DELETED"
    step = ("ADDED", rest.create(maps, labelled("last", "A")))
    assert step == next(a) == next(both), "nothing of B came to A"


def test_watches_from_a_version(rest, ns):
    maps = ns + "/configmaps"
    rest.create(maps, labelled("one", "from"))
    first, second = (changed(rest, maps + "/one", mutation=m) for m in "12")
    rest.delete(maps + "/one")
    events = rest.events(watched(maps, "from"), first["metadata"]["resourceVersion"])
    assert next(events) == ("MODIFIED", second) and next(events)[0] == "DELETED"


def test_watches_go_on_where_they_stopped(rest, ns):
    maps = ns + "/configmaps"
    events = rest.events(watched(maps, "closed"))
    made, first = rest.create(maps, labelled("one", "closed")), changed(rest, maps + "/one", mutation="1")
    assert [next(events), next(events)] == [("ADDED", made), ("MODIFIED", first)]
    events.close()
    second = changed(rest, maps + "/one", mutation="2")
    events = rest.events(watched(maps, "closed"), first["metadata"]["resourceVersion"])
    rest.delete(maps + "/one")
    assert next(events) == ("MODIFIED", second) and next(events)[0] == "DELETED"


def test_what_leaves_a_selector_is_deleted_for_its_watch(rest, ns):
    maps = ns + "/configmaps"
    path, events = maps + "/one", rest.events(watched(maps, "here"))
    made, first = rest.create(maps, labelled("one", "here")), changed(rest, path, mutation="1")
    changed(rest, path, label="wrong-value")
    assert [next(events), next(events), next(events)[0]] == [("ADDED", made), ("MODIFIED", first), "DELETED"]
    changed(rest, path, mutation="2")
    back, third = changed(rest, path, label="here"), changed(rest, path, mutation="3")
    rest.delete(path)
    assert [next(events), next(events), next(events)[0]] == [("ADDED", back), ("MODIFIED", third), "DELETED"]


def random_changes(rest, maps, stop):
    existing, count = [], 0
    while not stop.wait(0.005):
        what = random.choice(["create", "update", "delete"]) if existing else "create"
        count += 1
        if what == "create":
            existing.append(f"cm-{count}")
            rest.create(maps, {"metadata": {"name": existing[-1]}})
        elif what == "update":
            name = random.choice(existing)
            rest.update(f"{maps}/{name}", {"metadata": {"name": name, "labels": {"mutated": str(count)}}})
        else:
            rest.delete(f"{maps}/{existing.pop(random.randrange(len(existing)))}")


WATCHES = 30


def test_watches_see_one_order(rest, ns):
    """Each new watch starts at the version that the first one has come to; from there on all see the same."""
    maps, stop = ns + "/configmaps", threading.Event()
    version, watches = rest.get(maps)["metadata"]["resourceVersion"], []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        writer = pool.submit(random_changes, rest, maps, stop)
        try:
            for _ in range(WATCHES):
                watches.append(rest.events(maps + "?allowWatchBookmarks=true", version, 60))
                versions = [next(w)[1]["metadata"]["resourceVersion"] for w in watches]
                version = versions[0]
                assert set(versions) == {version}
        finally:
            stop.set()
    writer.result()


# ---- owners ----

def controller(name, replicas, **named):
    labels = {"gctest": name}
    return {"metadata": {"name": name}, "spec": {"replicas": replicas, "selector": labels, "template": template(labels, **named)}}


def wait_for_replicas(rest, path):
    wait_for(lambda: rest.get(path)["status"]["replicas"] == rest.get(path)["spec"]["replicas"], 60, "replicas")


def delete_owner(rest, path, policy):
    rest.delete(path, propagationPolicy=policy, preconditions={"uid": rest.get(path)["metadata"]["uid"]})


def test_pods_go_with_their_controller(rest, ns):
    path = ns + "/replicationcontrollers"
    rest.create(path, controller("simpletest.rc", 2))
    wait_for(lambda: items(rest, ns + "/pods"), 30, "pods")
    delete_owner(rest, path + "/simpletest.rc", "Background")
    wait_for(lambda: not items(rest, path) and not items(rest, ns + "/pods"), 60, "end of all")


REPLICAS = 10


def test_orphans_stay(rest, ns):
    path = ns + "/replicationcontrollers"
    rest.create(path, controller("simpletest.rc", REPLICAS, unschedulable=True))
    wait_for_replicas(rest, path + "/simpletest.rc")
    delete_owner(rest, path + "/simpletest.rc", "Orphan")
    wait_for(lambda: not items(rest, path), 60, "end of the controller")
    left = items(rest, ns + "/pods")
    assert len(left) == REPLICAS and not any(p["metadata"].keys() & {"ownerReferences", "deletionTimestamp"} for p in left)


def test_a_controller_waits_for_its_pods(rest, ns):
    path = ns + "/replicationcontrollers"
    rest.create(path, controller("simpletest.rc", REPLICAS))
    wait_for_replicas(rest, path + "/simpletest.rc")
    delete_owner(rest, path + "/simpletest.rc", "Foreground")
    wait_for(lambda: not items(rest, path), 90, "end of the controller")
    assert items(rest, ns + "/pods") == []


def owner(one, **more):
    return {"apiVersion": "v1", "kind": one["kind"], "name": one["metadata"]["name"], "uid": one["metadata"]["uid"], **more}


def test_pods_with_another_owner_stay(rest, ns):
    path = ns + "/replicationcontrollers"
    rest.create(path, controller("to-be-deleted", REPLICAS))
    stays = rest.create(path, controller("to-stay", 0))
    wait_for_replicas(rest, path + "/to-be-deleted")
    for one in items(rest, ns + "/pods")[:REPLICAS // 2]:
        rest.strategic(f"{ns}/pods/{one['metadata']['name']}", {"metadata": {"ownerReferences": [owner(stays)]}})
    delete_owner(rest, path + "/to-be-deleted", "Foreground")
    wait_for(lambda: rest.missing(path + "/to-be-deleted"), 90, "end of the controller")
    left = items(rest, ns + "/pods")
    assert len(left) == REPLICAS // 2 and not any("deletionTimestamp" in p["metadata"] for p in left)
    assert [[o["name"] for o in p["metadata"]["ownerReferences"]] for p in left] == [["to-stay"]] * len(left)


def test_circles_block_nothing(rest, ns):
    pods = [rest.create(ns + "/pods", pod(f"pod{i}")) for i in range(3)]
    for i, one in enumerate(pods):
        reference = owner(pods[i - 1], controller=True, blockOwnerDeletion=True)
        patched = rest.strategic(f"{ns}/pods/{one['metadata']['name']}", {"metadata": {"ownerReferences": [reference]}})
        assert patched["metadata"]["ownerReferences"] == [reference]
    delete_owner(rest, ns + "/pods/pod0", "Foreground")
    wait_for(lambda: not items(rest, ns + "/pods"), 90, "end of the circle")


@pytest.mark.parametrize("policy", ["Background", "Orphan"])
def test_replica_sets_and_their_deployment(rest, ns, policy):
    labels, apps = {"gctest": policy}, ns.replace(NAMESPACES, APPS)
    rest.create(apps + "/deployments", {"metadata": {"name": "simpletest.deployment"}, "spec": {
        "replicas": 2, "selector": {"matchLabels": labels}, "template": template(labels)}})
    wait_for(lambda: items(rest, apps + "/replicasets"), 60, "ReplicaSet")
    if policy == "Orphan":
        wait_for(lambda: items(rest, apps + "/replicasets")[0]["status"].get("replicas") == 2, 60, "two pods")
    delete_owner(rest, apps + "/deployments/simpletest.deployment", policy)

    def left():
        return tuple(len(items(rest, place)) for place in (apps + "/deployments", apps + "/replicasets", ns + "/pods"))
    if policy == "Background":
        wait_for(lambda: left() == (0, 0, 0), 60, "end of all")
    else:
        wait_for(lambda: left()[0] == 0, 60, "end of the Deployment")
        assert left() == (0, 1, 2)
        assert "ownerReferences" not in items(rest, apps + "/replicasets")[0]["metadata"]


# ---- namespaces ----

def test_namespaces_change(rest, ns):
    name = ns_name(ns)
    rest.strategic(ns, {"metadata": {"labels": {"testLabel": "testValue"}}})
    one = rest.get(ns)
    assert one["metadata"]["labels"] == {"kubernetes.io/metadata.name": name, "testLabel": "testValue"}
    one["metadata"]["labels"][name] = "updated"
    assert rest.update(ns, one)["metadata"]["labels"][name] == "updated"

    assert rest.get(ns + "/status")["status"] == {"phase": "Active"}
    told = {"type": "StatusPatch", "status": "True", "reason": "E2E", "message": "Patched by an e2e test", "lastTransitionTime": None}
    patched = rest.merge(ns + "/status", {"metadata": {"annotations": {"e2e-patched-ns-status": name}}, "status": {"conditions": [told]}})
    assert patched["metadata"]["annotations"]["e2e-patched-ns-status"] == name
    assert patched["status"]["conditions"][-1] == told
    one = rest.get(ns + "/status")
    one["status"]["conditions"].append({**told, "type": "StatusUpdate", "message": "Updated by an e2e test"})
    assert rest.update(ns + "/status", one)["status"]["conditions"][-1]["message"] == "Updated by an e2e test"

    for finalizers in (["kubernetes", "e2e.example.com/fakeFinalizer"], ["kubernetes"]):
        one = rest.get(ns)
        one["spec"]["finalizers"] = finalizers
        assert rest.update(ns + "/finalize", one)["spec"]["finalizers"] == finalizers


def test_namespaces_go_with_what_is_in_them(rest, ns):
    """Pods first: the rest stays until they are gone, finalizers and all."""
    held = pod("test-pod")
    held["metadata"]["finalizers"] = ["e2e.example.com/finalizer"]
    rest.create(ns + "/pods", held)
    rest.create(ns + "/services", {"metadata": {"name": "test-service"}, "spec": {"selector": {"foo": "bar"}, "ports": [{"port": 80}]}})
    rest.create(ns + "/configmaps", {"metadata": {"name": "test-configmap"}, "data": {"key": "value"}})
    wait_for(lambda: rest.get(ns + "/pods/test-pod")["status"]["phase"] == "Running", 60, "running pod")
    rest.delete(ns)

    def content_failure():
        status = rest.get(ns)["status"]
        return status["phase"] == "Terminating" and "NamespaceDeletionContentFailure" in [c["type"] for c in status.get("conditions", [])]
    wait_for(content_failure, 60, "processed namespace")
    wait_for(lambda: "deletionTimestamp" in rest.get(ns + "/pods/test-pod")["metadata"], 60, "deletion of the pod")
    assert not rest.missing(ns + "/configmaps/test-configmap") and not rest.missing(ns + "/services/test-service")

    def let_go():
        one = rest.get(ns + "/pods/test-pod")
        one["metadata"]["finalizers"] = []
        return rest.request("PUT", ns + "/pods/test-pod", one).code != 409
    wait_for(let_go, 20, "update without conflict")
    wait_for(lambda: rest.missing(ns), 90, "end of the namespace")
    rest.create(NAMESPACES, {"metadata": {"name": ns_name(ns)}})
    assert rest.missing(ns + "/pods/test-pod") and rest.missing(ns + "/services/test-service")


# ---- quotas ----

HARD = {"pods": "5", "services": "10", "services.nodeports": "1", "services.loadbalancers": "1", "replicationcontrollers": "10",
        "resourcequotas": "1", "cpu": "1", "memory": "500Mi", "configmaps": "10", "secrets": "10", "persistentvolumeclaims": "10",
        "requests.storage": "10Gi", "ephemeral-storage": "50Gi", "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "10",
        "gold.storageclass.storage.k8s.io/requests.storage": "10Gi", "count/replicasets.apps": "5", "requests.example.com/dongle": "3"}


def make_quota(rest, ns, name="test-quota", hard=None, **spec):
    rest.create(ns + "/resourcequotas", {"metadata": {"name": name}, "spec": {"hard": hard or HARD, **spec}})


def wait_for_used(rest, ns, name="test-quota", **used):
    def shown():
        now = rest.get(f"{ns}/resourcequotas/{name}")["status"].get("used", {})
        return all(now.get(what) == amount for what, amount in used.items())
    try:
        wait_for(shown, 60, f"use of {used}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {rest.get(f'{ns}/resourcequotas/{name}')['status']}") from None


def sized(name, requests, limits=None, **spec):
    one = pod(name, unschedulable=True, **spec)
    one["spec"]["containers"][0]["resources"] = {"requests": requests, "limits": limits or {}}
    return one


def service(name, **spec):
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80, "targetPort": 80}], **spec}}


def counted(rest, ns, what, collection, body, before=0):
    """The quota follows one object that comes and goes."""
    rest.create(collection, body)
    wait_for_used(rest, ns, **{what: str(before + 1)})
    rest.delete(f"{collection}/{body['metadata']['name']}", propagationPolicy="Background")
    wait_for_used(rest, ns, **{what: str(before)})


def test_quotas_count_objects(rest, ns):
    wait_for(lambda: items(rest, ns + "/configmaps"), 20, "CA of the namespace")
    make_quota(rest, ns, hard={**HARD, "configmaps": "2", "secrets": "1"})
    wait_for_used(rest, ns, resourcequotas="1", configmaps="1", secrets="0", **{"count/replicasets.apps": "0"})
    counted(rest, ns, "secrets", ns + "/secrets", {"metadata": {"name": "test-secret"}, "stringData": {"data-1": "value-1\n"}})
    counted(rest, ns, "configmaps", ns + "/configmaps", {"metadata": {"name": "test-configmap"}, "data": {"a": "b"}}, 1)
    counted(rest, ns, "replicationcontrollers", ns + "/replicationcontrollers", controller("test-rc", 0))
    labels = {"name": "test-rs"}
    counted(rest, ns, "count/replicasets.apps", ns.replace(NAMESPACES, APPS) + "/replicasets", {"metadata": {"name": "test-rs"}, "spec": {
        "replicas": 0, "selector": {"matchLabels": labels}, "template": template(labels)}})

    rest.create(ns + "/services", service("test-service"))
    rest.create(ns + "/services", service("test-service-np", type="NodePort"))
    refused = rest.call("POST", ns + "/services", service("test-service-lb", type="LoadBalancer", allocateLoadBalancerNodePorts=True),
                        expect=(403,))
    assert "exceeded quota: test-quota, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1" in \
        refused["message"]
    wait_for_used(rest, ns, services="2", **{"services.nodeports": "1"})
    for name in ("test-service", "test-service-np"):
        rest.delete(f"{ns}/services/{name}")
    wait_for_used(rest, ns, resourcequotas="1", services="0", **{"services.nodeports": "0"})


def test_quotas_of_pods(rest, ns):
    make_quota(rest, ns)
    wait_for_used(rest, ns, resourcequotas="1")
    dongles = {"example.com/dongle": "2"}
    made = rest.create(ns + "/pods", sized("test-pod", {"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi", **dongles}, dongles))
    used = {"resourcequotas": "1", "pods": "1", "cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi",
            "requests.example.com/dongle": "2"}
    wait_for_used(rest, ns, **used)
    for one in (sized("fail-pod", {"cpu": "600m", "memory": "100Mi"}),
                sized("fail-pod-2", {"cpu": "500m", "memory": "100Mi", "ephemeral-storage": "30Gi", **dongles}, dongles)):
        assert "exceeded quota: test-quota" in rest.call("POST", ns + "/pods", one, expect=(403,))["message"]
    del made["metadata"]["resourceVersion"]
    made["spec"]["containers"][0]["resources"]["requests"] = {"cpu": "100m", "memory": "100Mi", "ephemeral-storage": "10Gi"}
    rest.call("PUT", ns + "/pods/test-pod", made, expect=(403, 422))
    wait_for_used(rest, ns, **used)
    rest.delete(ns + "/pods/test-pod", gracePeriodSeconds=0)
    wait_for_used(rest, ns, **{what: "0" for what in used if what != "resourcequotas"})


SMALL, LARGE = {"cpu": "500m", "memory": "200Mi"}, {"cpu": "1", "memory": "400Mi"}


def test_quotas_of_scopes(rest, ns):
    """Each pod is counted by the quota of its scope, and not by that of the opposite one."""
    for scope in ("BestEffort", "NotBestEffort"):
        make_quota(rest, ns, scope.lower(), {"pods": "5"}, scopes=[scope])
    for scope in ("Terminating", "NotTerminating"):
        make_quota(rest, ns, scope.lower(), {"pods": "5", "requests.cpu": "1", "requests.memory": "500Mi", "limits.cpu": "2",
                                             "limits.memory": "1Gi"}, scopes=[scope])

    def shown(**pods):
        for name, count in pods.items():
            of_pods = {"requests.cpu": "500m", "requests.memory": "200Mi", "limits.cpu": "1", "limits.memory": "400Mi"}
            of_pods = {what: amount if count else "0" for what, amount in of_pods.items()} if "terminating" in name else {}
            wait_for_used(rest, ns, name, pods=str(count), **of_pods)
    shown(besteffort=0, notbesteffort=0, terminating=0, notterminating=0)
    refused = rest.call("POST", ns + "/pods", pod("best-effort", unschedulable=True), expect=(403,))
    assert "failed quota: notterminating: must specify limits.cpu" in refused["message"], refused
    rest.create(ns + "/pods", sized("long-running", SMALL, LARGE))
    shown(besteffort=0, notbesteffort=1, terminating=0, notterminating=1)
    rest.delete(ns + "/pods/long-running", gracePeriodSeconds=0)
    shown(besteffort=0, notbesteffort=0, terminating=0, notterminating=0)
    rest.create(ns + "/pods", sized("terminating", SMALL, LARGE, activeDeadlineSeconds=3600))
    shown(besteffort=0, notbesteffort=1, terminating=1, notterminating=0)
    rest.delete(ns + "/pods/terminating", gracePeriodSeconds=0)
    shown(besteffort=0, notbesteffort=0, terminating=0, notterminating=0)
    for name in ("terminating", "notterminating"):
        rest.delete(f"{ns}/resourcequotas/{name}")
    rest.create(ns + "/pods", pod("best-effort", unschedulable=True))
    shown(besteffort=1, notbesteffort=0)
    rest.delete(ns + "/pods/best-effort", gracePeriodSeconds=0)
    shown(besteffort=0, notbesteffort=0)


def test_quotas_change(rest, ns):
    quotas, name = ns + "/resourcequotas", f"e2e-quota-{uuid.uuid4().hex[:5]}"
    body = {"metadata": {"name": name, "labels": {"e2e-rq-label": name}}, "spec": {"hard": {"cpu": "1", "memory": "500Mi"}}}
    chosen = f"?labelSelector=e2e-rq-label%3D{name}"
    rest.create(quotas, body)
    assert rest.get(f"{quotas}/{name}")["spec"]["hard"] == {"cpu": "1", "memory": "500Mi"}
    body["spec"]["hard"] = {"cpu": "2", "memory": "1Gi"}
    assert rest.update(f"{quotas}/{name}", body)["spec"]["hard"] == {"cpu": "2", "memory": "1Gi"}
    assert len(items(rest, "/api/v1/resourcequotas" + chosen)) == 1
    patched = rest.strategic(f"{quotas}/{name}", {"metadata": {"labels": {name: "patched"}}, "spec": {"hard": {"memory": "750Mi"}}})
    assert (patched["metadata"]["labels"][name], patched["spec"]["hard"]) == ("patched", {"cpu": "2", "memory": "750Mi"})
    rest.delete(quotas + chosen)
    assert rest.missing(f"{quotas}/{name}")


def test_a_quotas_status(rest, ns):
    quotas = ns + "/resourcequotas"
    version = rest.get(quotas)["metadata"]["resourceVersion"]
    make_quota(rest, ns, hard={"cpu": "500m", "memory": "500Mi"})
    path = quotas + "/test-quota"

    def tell():
        one = rest.get(path)
        one["status"] = {"hard": one["spec"]["hard"]}
        return rest.request("PUT", path + "/status", one).code == 200
    wait_for(tell, 10, "update of the status")
    rest.watch(quotas, version, lambda _, one: one["status"].get("hard") == {"cpu": "500m", "memory": "500Mi"})
    version = rest.get(quotas)["metadata"]["resourceVersion"]
    hard = rest.strategic(path, {"spec": {"hard": {"cpu": "1", "memory": "1Gi"}}})["spec"]["hard"]
    rest.strategic(path + "/status", {"status": {"hard": hard}})
    rest.watch(quotas, version, lambda _, one: one["status"].get("hard") == {"cpu": "1", "memory": "1Gi"})
    assert rest.get(path + "/status")["status"]["hard"] == {"cpu": "1", "memory": "1Gi"}
    version = rest.get(quotas)["metadata"]["resourceVersion"]
    other = {"cpu": "2", "memory": "2Gi"}
    assert rest.strategic(path + "/status", {"status": {"hard": other}})["status"]["hard"] == other
    rest.watch(quotas, version, lambda _, one: one["status"]["hard"] == other)
    wait_for(lambda: rest.get(path)["status"]["hard"] == rest.get(path)["spec"]["hard"], 60, "status as it was")
    assert rest.get(path)["spec"]["hard"] == {"cpu": "1", "memory": "1Gi"}
