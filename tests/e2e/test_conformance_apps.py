"""Upstream's [sig-apps] conformance tests, call by call as they make them: ReplicaSets, ReplicationControllers, Deployments, DaemonSets,
StatefulSets. Proportional scaling and rollbacks without restarts: tests/control/deployment.yaml, daemon_set_update.yaml."""
import time

import pytest

from walks import (BOX, Walks, NEW, OLD, SLEEPS, as_collection, box, condition, image_of, is_ready,
                   labels_of, name_of, owner, running, scaled, status_endpoints, template, web, workload)

REVISION = "deployment.kubernetes.io/revision"
HASH = "controller-revision-hash"
walk = Walks()


# ---- ReplicaSets and ReplicationControllers ----

def replication(name, replicas=1, container=None, **more):
    """A ReplicationController; its selector comes from the template."""
    return {"metadata": {"name": name, **more},
            "spec": {"replicas": replicas, "template": template({"name": name}, container or web())}}


def serves(w, kind, body):
    w.create(kind, body)
    pods = w.ready("name=hello", 1)
    w.wait(lambda: all(w.says_hello(pod) for pod in pods), "answers")


@walk
def replication_controller_serves_and_scales(w):
    kind = "replicationcontrollers"
    serves(w, kind, replication("hello"))
    scale = w.get(kind, "hello", "scale")
    assert scale["status"]["replicas"] == 1
    del scale["metadata"]["resourceVersion"]
    scale["spec"]["replicas"] = 2
    w.rest.update(w.path(kind, "hello", "scale"), scale)
    w.wait(lambda: w.get(kind, "hello")["status"]["replicas"] == 2, "two replicas")


def adopts_and_releases(w, kind, body):
    w.create("pods", {"metadata": {"name": "orphan", "labels": {"name": "orphan"}},
                      "spec": {"terminationGracePeriodSeconds": 0, "containers": [web()]}})
    w.running("name=orphan", 1)
    uid = w.create(kind, body)["metadata"]["uid"]
    w.wait(lambda: owner(w.get("pods", "orphan")) == uid, "adoption")
    w.update("pods", "orphan", lambda one: one["metadata"].update(labels={"name": "not-matching-name"}))
    w.wait(lambda: owner(w.get("pods", "orphan")) != uid, "release")


@walk
def replica_set_adopts_and_releases(w):
    adopts_and_releases(w, "replicasets", workload("adopts", {"name": "orphan"}))


@walk
def replication_controller_adopts_and_releases(w):
    adopts_and_releases(w, "replicationcontrollers", replication("orphan"))


SAMPLE = {"name": "sample-pod", "pod": "httpd"}


@walk
def replica_set_subresources(w):
    version = w.version("replicasets", "e2e=" + w.ns)
    w.create("replicasets", workload("test-rs", {**SAMPLE, "e2e": w.ns}))
    w.running("name=sample-pod", 1)
    status_endpoints(w, "replicasets", "test-rs", "e2e=" + w.ns, version)
    scaled(w, "replicasets", "test-rs")
    as_collection(w, "replicasets", "e2e=" + w.ns)


@walk
def replica_set_serves_and_is_patched(w):
    version = w.version("replicasets", "test-rs=patched")
    serves(w, "replicasets", workload("test-rs", {"name": "hello"}))
    scaled_up = w.update("replicasets", "test-rs", lambda one: one["spec"].update(replicas=2))
    patched = w.patch("replicasets", "test-rs", {"metadata": {"labels": {"test-rs": "patched"}}, "spec": {"replicas": 3, "template": {
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [box(SLEEPS, name="test-rs")]}}}})
    assert int(patched["metadata"]["resourceVersion"]) > int(scaled_up["metadata"]["resourceVersion"])

    def there(_, one):
        status = one["status"]
        return (status.get("readyReplicas"), status.get("availableReplicas")) == (3, 3) and image_of(one) == BOX
    seen = w.watch("replicasets", "test-rs=patched", version, there)
    assert seen[0][0] == "ADDED", "it came to the selector by a patch"
    assert [c["name"] for c in seen[-1][1]["spec"]["template"]["spec"]["containers"]] == ["test-rs", "httpd"]


@walk
def replication_controller_exceeds_a_quota(w):
    w.create("resourcequotas", {"metadata": {"name": "condition-test"}, "spec": {"hard": {"pods": "2"}}})
    w.wait(lambda: w.get("resourcequotas", "condition-test")["status"].get("hard", {}).get("pods") == "2", "quota")
    w.create("replicationcontrollers", replication("condition-test", 3))
    w.wait(lambda: condition(w.observed("replicationcontrollers", "condition-test"), "ReplicaFailure"), "condition")
    w.update("replicationcontrollers", "condition-test", lambda one: one["spec"].update(replicas=2))
    w.wait(lambda: not condition(w.observed("replicationcontrollers", "condition-test"), "ReplicaFailure"), "no condition")


@walk
def replication_controller_life(w):
    static, kind = "test-rc-static=true", "replicationcontrollers"
    version = w.list(kind, static)["metadata"]["resourceVersion"]
    body = replication("rc-test", labels={"test-rc-static": "true"})
    body["spec"].update(selector={"test-rc-static": "true"})
    body["spec"]["template"]["metadata"].update(name="rc-test", labels={"test-rc-static": "true"})
    w.create(kind, body)

    def until(what):
        """Goes on with the watch, up to the first event like that."""
        nonlocal version
        event, one = w.watch(kind, static, version, what)[-1]
        version = one["metadata"]["resourceVersion"]
        return event

    def counted(replicas, ready):
        return lambda _, one: (one["status"]["replicas"], one["status"].get("readyReplicas", 0)) == (replicas, ready)

    def modified(event, _):
        return event == "MODIFIED"
    assert until(lambda event, _: event == "ADDED")
    until(counted(1, 1))
    assert labels_of(w.patch(kind, "rc-test", {"metadata": {"labels": {"test-rc": "patched"}}}))["test-rc"] == "patched"
    until(modified)
    patched = w.patch(kind, "rc-test", {"status": {"readyReplicas": 0, "availableReplicas": 0}}, "status")
    assert patched["status"].get("readyReplicas", 0) == 0
    until(modified)
    until(lambda _, one: one["status"]["replicas"] == 1)
    assert w.get(kind, "rc-test", "status")["status"]["replicas"] == 1
    w.patch(kind, "rc-test", {"metadata": {"creationTimestamp": None}, "spec": {"replicas": 2}, "status": {"replicas": 0}}, "scale")
    until(modified)
    until(counted(2, 2))
    assert labels_of(w.get(kind, "rc-test"))["test-rc"] == "patched"
    w.update(kind, "rc-test", lambda one: one["status"].update(availableReplicas=1, readyReplicas=1), "status")
    until(modified)
    found = w.items(kind, static, everywhere=True)
    assert [(name_of(one), labels_of(one)["test-rc"]) for one in found] == [("rc-test", "patched")]
    w.delete_all(kind, static)
    until(lambda event, _: event == "DELETED")


# ---- Deployments ----

def at_revision(w, name, revision, image):
    def there():
        deployment = w.get("deployments", name)
        found = [rs for rs in w.items("replicasets") if rs["metadata"].get("annotations", {}).get(REVISION) == revision
                 and owner(rs) == deployment["metadata"]["uid"]]
        return deployment["metadata"].get("annotations", {}).get(REVISION) == revision and found
    rs, = w.wait(there, f"revision {revision}")
    assert image_of(rs) == image and labels_of(rs)["pod-template-hash"]
    return rs


def is_complete(one):
    status, wanted = one["status"], one["spec"]["replicas"]
    return ([status.get(k, 0) for k in ("updatedReplicas", "replicas", "availableReplicas")] == 3 * [wanted]
            and status.get("observedGeneration", 0) >= one["metadata"]["generation"])


def complete(w, name):
    w.wait(lambda: is_complete(w.get("deployments", name)), "complete " + name)


def set_container(name, image):
    return lambda one: one["spec"]["template"]["spec"]["containers"][0].update(name=name, image=image)


@walk
def deployment_rolls(w):
    old = {"name": "sample-pod", "pod": "httpd"}
    w.create("replicasets", workload("controller", old, meta={"annotations": {REVISION: "3546343826724305832"}}))
    w.running("name=sample-pod", 1)
    w.create("deployments", workload("rolls", {"name": "sample-pod"}, web("agnhost", NEW)))
    rs = at_revision(w, "rolls", "3546343826724305833", NEW)
    complete(w, "rolls")
    assert [name_of(one) for one in w.items("replicasets", "name=sample-pod") if name_of(one) != name_of(rs)] == ["controller"]
    assert owner(w.get("replicasets", "controller")) == w.get("deployments", "rolls")["metadata"]["uid"]


@walk
def deployment_recreates(w):
    w.create("deployments", workload("recreates", {"name": "sample-pod-3"}, web("agnhost", NEW), strategy={"type": "Recreate"}))
    at_revision(w, "recreates", "1", NEW)
    complete(w, "recreates")
    version = w.update("deployments", "recreates", set_container("httpd", OLD))["metadata"]["resourceVersion"]

    def done(_, one):
        status = one["status"]
        updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
        assert updated in (0, total), "new pods beside old ones"
        return (one["spec"]["replicas"] == total == updated
                and one["metadata"]["generation"] <= status.get("observedGeneration", 0))
    w.rest.watch(w.path("deployments") + "?fieldSelector=metadata.name%3Drecreates", version, done, seconds=90)


@walk
def deployment_cleans_up(w):
    w.create("replicasets", workload("test-cleanup-controller", {"name": "cleanup-pod", "pod": "httpd"}))
    w.running("name=cleanup-pod", 1)
    version = w.list("pods")["metadata"]["resourceVersion"]
    pods = w.meanwhile(w.watch, "pods", "name=cleanup-pod", version, lambda event, _: event == "DELETED", 150)
    w.create("deployments", workload("cleans-up", {"name": "cleanup-pod"}, web("agnhost", NEW), revisionHistoryLimit=0))

    def old_sets():
        return [rs for rs in w.items("replicasets", "name=cleanup-pod") if image_of(rs) == OLD]
    w.wait(lambda: not old_sets(), "no old ReplicaSets")
    added = [pod["spec"]["containers"][0]["name"] for event, pod in pods.result() if event == "ADDED"]
    assert added == ["agnhost"], "one new pod, none of the old template"


@walk
def deployment_rolls_over(w):
    w.create("replicasets", workload("old", {"name": "rollover-pod", "pod": "httpd"}))
    w.ready("name=rollover-pod", 1)
    w.wait(lambda: w.get("replicasets", "old")["status"].get("readyReplicas") == 1, "ready ReplicaSet")
    w.create("deployments", workload("rolls-over", {"name": "rollover-pod"}, web("redis-slave", "example.invalid/redis:nonexistent"),
                                     minReadySeconds=3, strategy={"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}))
    w.wait(lambda: w.get("deployments", "rolls-over")["status"].get("updatedReplicas", 0) >= 1, "updated pod")
    stuck = at_revision(w, "rolls-over", "1", "example.invalid/redis:nonexistent")

    def sizes():
        found = [w.get("replicasets", name) for name in ("old", name_of(stuck))]
        return [(one["spec"]["replicas"], one["status"]["replicas"]) for one in found]
    w.wait(lambda: sizes() == [(1, 1), (1, 1)], "both")
    w.update("deployments", "rolls-over", set_container("agnhost", NEW))
    w.observed("deployments", "rolls-over")
    at_revision(w, "rolls-over", "2", NEW)

    def done():
        one = w.get("deployments", "rolls-over")
        assert one["status"].get("availableReplicas", 0) >= 1, "never below what must be available"
        assert one["status"].get("replicas", 0) <= 2, "nor above what may be there"
        return is_complete(one)
    w.wait(done, "complete")
    assert sizes() == [(0, 0), (0, 0)]


@walk
def deployment_life(w):
    static, kind, name = "test-deployment-static=true", "deployments", "test-deployment"
    version = w.version(kind, static)
    w.create(kind, workload(name, {"test-deployment-static": "true"}, web(name), replicas=2, grace=1,
                            meta={"labels": {"test-deployment-static": "true"}}))

    def until(what, since=None):
        return w.watch(kind, static, since or version, what)[-1][1]

    def rolled(count, image):
        def there(_, one):
            status = one["status"]
            return ((status.get("readyReplicas"), status.get("updatedReplicas")) == (count, count)
                    and not status.get("unavailableReplicas") and image_of(one) == image)
        return there
    until(lambda event, _: event == "ADDED")
    until(lambda _, one: one["status"].get("readyReplicas") == 2)
    w.patch(kind, name, {"metadata": {"labels": {"test-deployment": "patched"}}, "spec": {"replicas": 1, "template": {
        "spec": {"terminationGracePeriodSeconds": 2, "containers": [{"name": name, "image": NEW}]}}}})
    until(lambda event, _: event == "MODIFIED")
    assert until(rolled(1, NEW))["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 2
    found = w.list(kind, static, everywhere=True)
    assert [(name_of(one), one["metadata"]["namespace"]) for one in found["items"]] == [(name, w.ns)]
    version = found["metadata"]["resourceVersion"]
    updated = workload(name, {"test-deployment-static": "true"}, web(name, "nginx:latest"), replicas=2, grace=1,
                       meta={"labels": {"test-deployment-static": "true", "test-deployment": "updated"}})
    w.rest.update(w.path(kind, name), updated)  # no resourceVersion: whatever is there
    until(lambda event, _: event == "MODIFIED")
    shown = w.get(kind, name, "status")
    assert image_of(shown) == "nginx:latest" and labels_of(shown)["test-deployment"] == "updated"
    until(rolled(2, "nginx:latest"))
    w.patch(kind, name, {"metadata": {"labels": {"test-deployment": "patched-status"}},
                         "status": {"readyReplicas": 0, "availableReplicas": 0}}, "status")
    until(lambda event, one: event == "MODIFIED" and not one["status"].get("readyReplicas")
          and not one["status"].get("availableReplicas"))
    shown = w.get(kind, name, "status")
    assert image_of(shown) == "nginx:latest" and labels_of(shown)["test-deployment"] == "updated"
    until(rolled(2, "nginx:latest"))
    w.wait(lambda: w.get(kind, name)["status"].get("readyReplicas") == 2, "its status again")
    w.delete_all(kind, static, gracePeriodSeconds=1)
    until(lambda event, _: event == "DELETED")


@walk
def deployment_subresources(w):
    version = w.version("deployments", "e2e=" + w.ns)
    w.create("deployments", workload("test-deployment", {"name": "httpd", "e2e": w.ns}))
    at_revision(w, "test-deployment", "1", OLD)
    complete(w, "test-deployment")
    status_endpoints(w, "deployments", "test-deployment", "e2e=" + w.ns, version)
    scaled(w, "deployments", "test-deployment")


# ---- DaemonSets and ControllerRevisions ----

def daemon(w, image=OLD, labelled=True, pod=None, grace=0, **spec):
    labels = {"daemonset-name": w.ns}
    body = workload("daemon-set", labels, web("app", image, ports=[{"containerPort": 9376}], securityContext={}), grace=grace,
                    pod={"securityContext": {}, **(pod or {})}, **spec)
    del body["spec"]["replicas"]
    if labelled:
        body["metadata"]["labels"] = labels
    return w.create("daemonsets", body)


def daemons_run(w, everywhere=True):
    """One available pod on each node, or none at all."""
    nodes = [name_of(n) for n in w.rest.get("/api/v1/nodes")["items"]] if everywhere else []

    def there():
        pods = [p for p in w.items("pods") if "deletionTimestamp" not in p["metadata"]]
        return sorted(p["spec"]["nodeName"] for p in pods if is_ready(p)) == sorted(nodes) and (pods or True)
    pods = w.wait(there, f"daemon pods on {nodes}")
    w.wait(lambda: [w.get("daemonsets", "daemon-set")["status"].get(k, 0) for k in (
        "desiredNumberScheduled", "currentNumberScheduled", "numberReady")] == 3 * [len(nodes)], "daemon status")
    return pods


@walk
def daemons_come_again(w):
    """One that is deleted, one that is made to fail; then what its API does with the set."""
    labels = "daemonset-name=" + w.ns
    version = w.version("daemonsets", labels)
    daemon(w)
    pod = daemons_run(w)[0]
    w.delete("pods", name_of(pod))
    w.wait(lambda: w.gone("pods", name_of(pod)), "end of it")
    pod = daemons_run(w)[0]
    del pod["metadata"]["resourceVersion"]
    pod["status"]["phase"] = "Failed"
    w.rest.update(w.path("pods", name_of(pod), "status"), pod)
    w.wait(lambda: w.gone("pods", name_of(pod)), "end of the failed one")
    daemons_run(w)
    status_endpoints(w, "daemonsets", "daemon-set", labels, version)
    as_collection(w, "daemonsets", labels)


@walk
def daemons_by_node_labels(w):
    node = name_of(w.rest.get("/api/v1/nodes")["items"][0])

    def paint(colour):
        return w.rest.call("PATCH", "/api/v1/nodes/" + node, {"metadata": {"labels": {"daemonset-color": colour}}},
                           kind="application/strategic-merge-patch+json")
    daemon(w, labelled=False, pod={"nodeSelector": {"daemonset-color": "blue"}})
    daemons_run(w, everywhere=False)
    assert labels_of(paint("blue"))["daemonset-color"] == "blue"
    daemons_run(w)
    paint("green")
    daemons_run(w, everywhere=False)
    w.patch("daemonsets", "daemon-set", {"spec": {"template": {"spec": {"nodeSelector": {"daemonset-color": "green"}}},
                                                  "updateStrategy": {"type": "RollingUpdate"}}})
    daemons_run(w)
    paint(None)


@walk
def daemons_roll(w):
    def history(count):
        found = w.wait(lambda: len(w.items("controllerrevisions", "daemonset-name=" + w.ns)) == count
                       and w.items("controllerrevisions", "daemonset-name=" + w.ns), f"{count} revisions")
        last = max(found, key=lambda one: one["revision"])
        pods = [p for p in w.items("pods") if "deletionTimestamp" not in p["metadata"]]
        assert last["revision"] == count and {labels_of(p)[HASH] for p in pods} == {labels_of(last)[HASH]}
    daemon(w, labelled=False, updateStrategy={"type": "RollingUpdate"})
    daemons_run(w)
    history(1)
    w.patch("daemonsets", "daemon-set", {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": NEW}]}}}})
    w.wait(lambda: all(image_of(p) == NEW for p in daemons_run(w)), "new image")
    daemons_run(w)
    history(2)


@walk
def controller_revision_life(w):
    kind, labels = "controllerrevisions", "daemonset-name=" + w.ns

    def count(number):
        w.wait(lambda: len(w.items(kind, labels)) == number, f"{number} revisions")
    daemon(w, grace=30)
    daemons_run(w)
    assert len(w.items("daemonsets", labels, everywhere=True)) == 1
    ds = w.get("daemonsets", "daemon-set")
    first, = w.items(kind, labels, everywhere=True)
    assert owner(first) == ds["metadata"]["uid"] and first["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet"
    first = w.get(kind, name_of(first))
    assert labels_of(w.patch(kind, name_of(first), {"metadata": {"labels": {name_of(first): "patched"}}}))[name_of(first)] == "patched"
    w.create(kind, {"metadata": {"name": "daemon-set-5d4f6b7c8", "labels": {"daemonset-name": w.ns, HASH: "5d4f6b7c8"},
                                 "annotations": ds["metadata"].get("annotations"),
                                 "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "daemon-set",
                                                      "uid": ds["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}]},
                    "data": first["data"], "revision": first["revision"] + 1})
    count(2)
    w.delete(kind, name_of(first))
    count(1)
    left, = w.items(kind)
    updated = w.update(kind, name_of(left), lambda one: one["metadata"]["labels"].update({name_of(left): "updated"}))
    assert labels_of(updated)[name_of(left)] == "updated"
    w.patch("daemonsets", "daemon-set", {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}},
                                         "updateStrategy": {"type": "RollingUpdate"}})
    count(2)
    w.delete_all(kind, name_of(left) + "=updated")
    count(1)
    assert [one["revision"] for one in w.items(kind)] == [3]


# ---- StatefulSets ----

PROBE = {"httpGet": {"path": "/index.html", "port": 80}, "periodSeconds": 1, "successThreshold": 1, "failureThreshold": 1}
PAGE = "/usr/share/nginx/html/index.html"
SET_LABELS = {"foo": "bar", "baz": "blah"}


def stateful(w, name="ss", replicas=1, labels=None, **spec):
    probed = web("webserver", readinessProbe=PROBE)
    return w.create("statefulsets", workload(name, labels or SET_LABELS, probed, replicas, grace=5,
                                             serviceName="test", **spec))


def set_pods(w):
    return sorted(w.items("pods", "foo=bar,baz=blah"), key=name_of)


def set_ready(w, count):
    def there():
        pods = set_pods(w)
        return len(pods) == count and all(map(is_ready, pods)) and pods
    return w.wait(there, f"{count} ready")


def broken(w, pods):
    for pod in pods:
        w.shell(pod, f"mv {PAGE} /tmp/ || true")


def mended(w, pods):
    """The first comes last: the others may go as soon as it is ready."""
    for pod in reversed(pods):
        w.shell(pod, f"mv /tmp/index.html {PAGE} || true")


def ready_replicas(w, name, count):
    w.wait(lambda: w.get("statefulsets", name)["status"].get("readyReplicas", 0) == count, f"{count} ready replicas")


def revisions(one):
    return one["status"]["currentRevision"], one["status"]["updateRevision"]


def rolled_to(w, name, image, revision, partition=0):
    """Waits for the update of the pods from the partition on, which goes from the last to the first."""
    def there():
        one, pods = w.get("statefulsets", name), set_pods(w)
        new = [image_of(p) == image and labels_of(p)[HASH] == revision and is_ready(p) for p in pods]
        assert all(map(is_ready, pods)) or [image_of(p) == image for p in pods] == sorted(image_of(p) == image for p in pods)
        done = one["status"].get("updatedReplicas") == len(new) - partition if partition else revisions(one) == (revision, revision)
        return len(pods) == 3 and all(new[partition:]) and done and pods
    return w.wait(there, f"update to {image}", 120)


@walk
def stateful_set_rolls_and_rolls_back(w):
    stateful(w, "ss2", 3)
    pods = set_ready(w, 3)
    current, update = revisions(w.observed("statefulsets", "ss2"))
    assert current == update and {labels_of(p)[HASH] for p in pods} == {current}
    for image, back in ((NEW, False), (OLD, True)):
        broken(w, [pods[1]])
        w.wait(lambda: not is_ready(w.get("pods", "ss2-1")), "not ready")
        before = revisions(w.observed("statefulsets", "ss2"))[0]
        w.update("statefulsets", "ss2", set_container("webserver", image))
        now_current, now_update = revisions(w.observed("statefulsets", "ss2"))
        assert now_current == before != now_update and (now_update == current) == back
        mended(w, [pods[1]])
        w.wait(lambda: is_ready(w.get("pods", "ss2-1")), "ready again")
        pods = rolled_to(w, "ss2", image, now_update)


@walk
def stateful_set_in_phases(w):
    def partition(number):
        w.update("statefulsets", "ss2", lambda one: one["spec"].update(
            updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": number}}))

    def shown(first):
        return [(image_of(p), labels_of(p)[HASH]) for p in set_pods(w)] == [
            (OLD, current) if i < first else (NEW, update) for i in range(3)]
    stateful(w, "ss2", 3, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 3}})
    set_ready(w, 3)
    current, update = revisions(w.observed("statefulsets", "ss2"))
    assert current == update
    w.update("statefulsets", "ss2", set_container("webserver", NEW))
    current, update = revisions(w.observed("statefulsets", "ss2"))
    assert current != update and shown(3)
    partition(2)
    rolled_to(w, "ss2", NEW, update, 2)
    assert shown(2)
    uids = {p["metadata"]["uid"] for p in set_pods(w)}
    for ordinal in (0, 2):
        w.delete("pods", f"ss2-{ordinal}", gracePeriodSeconds=0)
    w.wait(lambda: len(uids & {p["metadata"]["uid"] for p in set_ready(w, 3)}) == 1, "both anew")
    assert shown(2)
    for number in (1, 0):
        partition(number)
        rolled_to(w, "ss2", NEW, update, number)
        assert shown(number)
    assert revisions(w.observed("statefulsets", "ss2")) == (update, update)


def in_order(w, event, *names):
    """What a watch from now on shows of these pods, in this order: the future of that."""
    left, version = list(names), w.list("pods")["metadata"]["resourceVersion"]

    def done(kind, pod):
        if kind == event and name_of(pod) == left[0]:
            left.pop(0)
        return not left
    return w.meanwhile(w.watch, "pods", "foo=bar,baz=blah", version, done, 150)


def keeps(w, count, seconds=3):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert len(set_pods(w)) == count
        time.sleep(0.2)


def resize(w, replicas):
    w.update("statefulsets", "ss", lambda one: one["spec"].update(replicas=replicas))


@walk
def stateful_set_in_order(w):
    order = in_order(w, "ADDED", "ss-0", "ss-1", "ss-2")
    stateful(w)
    pods = set_ready(w, 1)
    broken(w, pods)
    ready_replicas(w, "ss", 0)
    resize(w, 3)
    keeps(w, 1)
    mended(w, pods)
    pods = set_ready(w, 3)
    order.result()
    order = in_order(w, "DELETED", "ss-2", "ss-1", "ss-0")
    broken(w, pods)
    ready_replicas(w, "ss", 0)
    resize(w, 0)
    keeps(w, 3)
    mended(w, pods)
    order.result()


@walk
def stateful_set_in_bursts(w):
    stateful(w, podManagementPolicy="Parallel")
    pods = set_ready(w, 1)
    broken(w, pods)
    ready_replicas(w, "ss", 0)
    resize(w, 3)
    w.wait(lambda: len(set_pods(w)) == 3, "three pods")
    mended(w, pods)
    pods = set_ready(w, 3)
    broken(w, pods)
    ready_replicas(w, "ss", 0)
    resize(w, 0)
    w.wait(lambda: not set_pods(w), "no pods")
    w.wait(lambda: w.get("statefulsets", "ss")["status"]["replicas"] == 0, "no replicas")


@walk
def stateful_set_after_an_eviction(w):
    node = name_of(w.rest.get("/api/v1/nodes")["items"][0])
    port = {"hostPort": 21017, "containerPort": 21017, "name": "conflict"}
    w.create("pods", {"metadata": {"name": "test-pod"}, "spec": {"nodeName": node, "containers": [web("webserver", ports=[port])]}})
    w.wait(lambda: w.get("pods", "test-pod")["status"]["phase"] == "Running", "the pod in the way")
    w.create("statefulsets", workload("ss", SET_LABELS, web("webserver", ports=[port]), pod={"nodeName": node}, serviceName="test"))
    version = w.list("pods")["metadata"]["resourceVersion"]
    seen = w.rest.watch(w.path("pods") + "?fieldSelector=metadata.name%3Dss-0", version, lambda event, _: event == "DELETED", 90)
    w.delete("pods", "test-pod", gracePeriodSeconds=0)

    def anew():
        if w.gone("pods", "ss-0"):
            return False
        pod = w.get("pods", "ss-0")
        return pod["status"]["phase"] == "Running" and pod["metadata"]["uid"] != seen[0][1]["metadata"]["uid"]
    w.wait(anew, "another pod")


@walk
def stateful_set_subresources(w):
    version = w.version("statefulsets", "e2e=testing")
    stateful(w)
    set_ready(w, 1)
    w.observed("statefulsets", "ss")
    w.patch("statefulsets", "ss", {"metadata": {"labels": {"e2e": "testing"}}})
    status_endpoints(w, "statefulsets", "ss", "e2e=testing", version)
    scaled(w, "statefulsets", "ss")


@walk
def stateful_set_patched(w):
    stateful(w, "test-ss", labels=dict(SET_LABELS, **SAMPLE))
    set_ready(w, 1)
    w.patch("statefulsets", "test-ss", {"metadata": {"labels": {"test-ss": "patched"}}, "spec": {"replicas": 2, "template": {
        "spec": {"TerminationGracePeriodSeconds": 1, "containers": [box(SLEEPS, name="test-ss")]}}}})
    one = w.get("statefulsets", "test-ss")
    assert one["spec"]["replicas"] == 2 and image_of(one) == BOX
    w.wait(lambda: [len(p["spec"]["containers"]) for p in set_ready(w, 2)] == [2, 2], "both updated")
    w.observed("statefulsets", "test-ss")
    as_collection(w, "statefulsets", "test-ss=patched")


# ---- all of them ----

@pytest.fixture(scope="module", name="walks")
def _walks(cluster):
    with running(cluster, walk) as walks:
        yield walks


@pytest.mark.parametrize("function", walk, ids=lambda function: function.__name__)
def test_walk(walks, function):
    walks[function].result(timeout=180)
