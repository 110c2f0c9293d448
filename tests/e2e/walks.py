"""Walks: sequences of calls that upstream's conformance tests make, all run at once, each in a namespace of its own. A test
then asks for the end of its own walk."""
import concurrent.futures
import contextlib
import datetime
import json
import urllib.parse

from cluster import wait_for
from rest import Rest

CORE, APPS, BATCH, POLICY = "/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/policy/v1"
GROUPS = {"pods": CORE, "replicationcontrollers": CORE, "resourcequotas": CORE, "jobs": BATCH, "cronjobs": BATCH,
          "poddisruptionbudgets": POLICY}
OLD, NEW, BOX = "nginx:1.7.9", "nginx:1.9.1", "busybox:1.36"
SLEEPS = ["sleep", "1000000"]


class Walks(list):
    """A decorator: the functions that it marks."""

    def __call__(self, function):
        self.append(function)
        return function


@contextlib.contextmanager
def running(cluster, walks):
    """The future of each of these functions, which are called with a World of their own."""
    rest = Rest(cluster)

    def go(function):
        world = World(cluster, rest, "t-" + function.__name__.replace("_", "-"))
        try:
            function(world)
        finally:
            rest.delete("/api/v1/namespaces/" + world.ns)
    with concurrent.futures.ThreadPoolExecutor(len(walks)) as pool:
        yield {function: pool.submit(go, function) for function in walks}


class World:
    """The API as one walk sees it: kinds of its namespace."""

    def __init__(self, cluster, rest, ns):
        self.cluster, self.rest, self.ns = cluster, rest, ns
        rest.create("/api/v1/namespaces", {"metadata": {"name": ns}})
        wait_for(lambda: not rest.missing(f"/api/v1/namespaces/{ns}/serviceaccounts/default"), 30, "service account")

    def path(self, kind, name="", subresource=""):
        words = [GROUPS.get(kind, APPS), "namespaces", self.ns, kind, name, subresource]
        return "/".join(word for word in words if word)

    def get(self, kind, name, subresource=""):
        return self.rest.get(self.path(kind, name, subresource))

    def create(self, kind, body):
        return self.rest.create(self.path(kind), body)

    def gone(self, kind, name):
        return self.rest.missing(self.path(kind, name))

    def list(self, kind, labels="", everywhere=False):
        place = f"{GROUPS.get(kind, APPS)}/{kind}" if everywhere else self.path(kind)
        return self.rest.get(place + chosen(labels))

    def items(self, kind, labels="", everywhere=False):
        return self.list(kind, labels, everywhere)["items"]

    def version(self, kind, labels):
        """Of a list in all namespaces, from where upstream's watches begin."""
        return self.list(kind, labels, everywhere=True)["metadata"]["resourceVersion"]

    def watch(self, kind, labels, version, until, seconds=90):
        return self.rest.watch(self.path(kind) + chosen(labels), version, until, seconds)

    def meanwhile(self, function, *arguments):
        """Its future: a watch that begins now."""
        pool = concurrent.futures.ThreadPoolExecutor(1)
        future = pool.submit(function, *arguments)
        pool.shutdown(wait=False)
        return future

    def patch(self, kind, name, patch, subresource="", how="strategic-merge-patch+json"):
        return self.rest.call("PATCH", self.path(kind, name, subresource), patch, kind="application/" + how)

    def merge(self, kind, name, patch, subresource=""):
        return self.patch(kind, name, patch, subresource, "merge-patch+json")

    def update(self, kind, name, change, subresource=""):
        """Reads, changes and writes until nobody else wrote between; the answer."""
        def once():
            one = self.get(kind, name)
            change(one)
            answer = self.rest.request("PUT", self.path(kind, name, subresource), one)
            assert answer.code in (200, 409), answer.text
            return answer.code == 200 and json.loads(answer.text)
        return wait_for(once, 30, f"write of {name}")

    def delete(self, kind, name, **options):
        return self.rest.call("DELETE", self.path(kind, name), options)

    def delete_all(self, kind, labels="", **options):
        return self.rest.call("DELETE", self.path(kind) + chosen(labels), options)

    def wait(self, condition, what, seconds=90):
        return wait_for(condition, seconds, f"{what} in {self.ns}")

    def running(self, labels, count):
        """Exactly so many pods of these labels, all of them running."""
        def there():
            pods = [p for p in self.items("pods", labels) if "deletionTimestamp" not in p["metadata"]]
            return len(pods) == count and all(p["status"]["phase"] == "Running" for p in pods) and pods
        return self.wait(there, f"{count} running {labels}")

    def ready(self, labels, count):
        def there():
            pods = self.items("pods", labels)
            return sum(is_ready(p) and "deletionTimestamp" not in p["metadata"] for p in pods) >= count and pods
        return self.wait(there, f"{count} ready {labels}")

    def observed(self, kind, name):
        """The object when its controller has seen all that is in it."""
        def seen():
            one = self.get(kind, name)
            return one["status"].get("observedGeneration", 0) >= one["metadata"]["generation"] and one
        return self.wait(seen, f"observed {name}")

    def says_hello(self, pod):
        answer = self.rest.request("GET", self.path("pods", pod["metadata"]["name"], "proxy/"))
        return answer.code == 200 and "Welcome to nginx!" in answer.text

    def shell(self, pod, script):
        return self.cluster.out("exec", "-n", self.ns, pod["metadata"]["name"], "--", "sh", "-c", script)


# ---- small parts ----

TOLD = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test"}


def chosen(labels):
    return "?labelSelector=" + urllib.parse.quote(labels) if labels else ""


def name_of(one):
    return one["metadata"]["name"]


def labels_of(one):
    return one["metadata"].get("labels", {})


def image_of(one):
    return one["spec"].get("template", one)["spec"]["containers"][0]["image"]


def condition(one, name):
    return next((c for c in one["status"].get("conditions", []) if c["type"] == name), {})


def is_ready(pod):
    return condition(pod, "Ready").get("status") == "True"


def owner(pod):
    return next((o["uid"] for o in pod["metadata"].get("ownerReferences", []) if o.get("controller")), None)


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def web(name="httpd", image=OLD, **more):
    return {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", **more}


def box(command, name="c", **more):
    return {"name": name, "image": BOX, "imagePullPolicy": "IfNotPresent", "command": command, **more}


def template(labels, container, grace=0, **spec):
    return {"metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": grace, "containers": [container], **spec}}


def workload(name, labels, container=None, replicas=1, grace=0, meta=None, pod=None, **spec):
    return {"metadata": {"name": name, "labels": labels, **(meta or {})},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": template(labels, container or web(), grace, **(pod or {})), **spec}}


def scaled(w, kind, name, replicas=1):
    """The scale subresource: read, written without a version, patched."""
    def shown():
        scale = w.get(kind, name, "scale")
        return (scale["spec"]["replicas"], scale["status"]["replicas"]) == (replicas, replicas) and scale
    scale = w.wait(shown, "scale")
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    del scale["metadata"]["resourceVersion"]
    scale["spec"]["replicas"] = 2
    assert w.rest.update(w.path(kind, name, "scale"), scale)["spec"]["replicas"] == 2
    assert w.get(kind, name)["spec"]["replicas"] == 2
    w.patch(kind, name, {"metadata": {"creationTimestamp": None}, "spec": {"replicas": 4}, "status": {"replicas": 0}}, "scale")
    assert w.get(kind, name)["spec"]["replicas"] == 4


def status_endpoints(w, kind, name, labels, version):
    """/status: read, updated with a condition more, patched to one condition; a watch sees both."""
    def seen(**wanted):
        return lambda _, one: one["metadata"]["name"] == name and any(
            all(c.get(k) == v for k, v in wanted.items()) for c in one["status"].get("conditions", []))
    shown = w.get(kind, name, "status")
    assert shown["metadata"]["name"] == name and "status" in shown and "spec" in shown
    told = w.update(kind, name, lambda one: one["status"].setdefault("conditions", []).append(dict(TOLD)), "status")
    assert condition(told, "StatusUpdate")["message"] == TOLD["message"]
    w.watch(kind, labels, version, seen(**TOLD))
    patched = w.merge(kind, name, {"status": {"conditions": [{"type": "StatusPatched", "status": "True"}]}}, "status")
    assert [c["type"] for c in patched["status"]["conditions"]] == ["StatusPatched"]
    w.watch(kind, labels, version, seen(type="StatusPatched"))


def as_collection(w, kind, labels):
    assert len(w.items(kind, labels, everywhere=True)) == 1
    w.delete_all(kind, labels, gracePeriodSeconds=1)
    assert w.items(kind, labels, everywhere=True) == []
