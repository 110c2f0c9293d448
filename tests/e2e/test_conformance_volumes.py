"""What upstream's conformance tests of volumes ask for: contents, modes, owners, subPaths, projections and updates, seen by root, by
another user and by the members of an fsGroup.

A `Row` is one of upstream's pods; rows of the same security context are containers of one pod here.
"""
import base64
import json
import typing

import pytest

from cluster import wait_for

NS = "t-conformance-volumes"
S0 = {"seLinuxOptions": {"level": "s0"}}
USERS = {
    "root": {}, "user": {"runAsUser": 1000}, "group": {"runAsUser": 1000, "fsGroup": 1001},
    "s0-root": S0, "s0-user": {**S0, "runAsUser": 1001}, "s0-group": {**S0, "runAsUser": 1001, "fsGroup": 123},
    "s0-sub": {"seLinuxOptions": {"level": "s0:c0,c1"}}}
LIMITED = {"limits": {"cpu": "1250m", "memory": "64Mi"}, "requests": {"cpu": "250m", "memory": "32Mi"}}


class Row(typing.NamedTuple):
    name: str
    user: str
    source: dict          # of its volume
    script: str
    lines: list           # of the log
    more: dict = {}       # of the container
    mount: dict = {}


def source_of(kind, mode=None, **body):
    name = {"configMap": {"name": "map"}, "secret": {"secretName": "secret"}}.get(kind, {})
    return {kind: {**name, **body, **({"defaultMode": mode} if mode else {})}}


def projected(source):
    (kind, body), = source.items()
    body = dict(body)
    mode = {"defaultMode": body.pop("defaultMode")} if "defaultMode" in body else {}
    if kind == "secret":
        body["name"] = body.pop("secretName")
    return {"projected": {"sources": [{kind: body}], **mode}}


def both(row):
    """As a volume of its own, and as a projection."""
    yield row
    yield row._replace(name="projected-" + row.name, source=projected(row.source))


def content_rows():
    for kind in ("configMap", "secret"):
        def row(name, user, source, mode, file="data-1", kind=kind):
            read = f"stat -L -c %A /v/{file}; cat /v/{file}"
            return both(Row(f"{kind.lower()}-{name}", user, source, read, [mode, "value-1"], mount={"readOnly": True}))
        mapped = {"key": "data-1", "path": "path/to/data-1"}
        for user in ("root", "user", "group"):
            yield from row(f"plain-{user}", user, source_of(kind), "-rw-r--r--")
            yield from row(f"mapped-{user}", user, source_of(kind, items=[mapped]), "-rw-r--r--", "path/to/data-1")
        yield from row("mode", "root", source_of(kind, 0o400), "-r--------")
        yield from row("mode-group", "group", source_of(kind, 0o440), "-r--r-----")
        yield from row("item-mode", "root", source_of(kind, items=[{**mapped, "mode": 0o400}]), "-r--------", "path/to/data-1")
    yield Row("binary", "root", source_of("configMap"), "hexdump -C /v/dump.bin",
              ["00000000  de ca fe ba d0 fe ff                              |.......|", "00000007"])


def told(ref, mode=None, **more):
    return source_of("downwardAPI", mode, items=[{"path": "told", **ref, **more}])


def downward_rows():
    def row(name, user, source, *lines, **more):
        return both(Row(f"told-{name}", user, source, "stat -L -c %A /v/told; cat /v/told", list(lines), more))

    def resource(name, container):
        return {"resourceFieldRef": {"containerName": container, "resource": name}}
    name = {"fieldRef": {"fieldPath": "metadata.name"}}
    yield from row("name", "root", told(name), "-rw-r--r--", "root")
    yield from row("name-mode", "root", told(name, 0o400), "-r--------", "root")
    yield from row("name-item-mode", "root", told(name, mode=0o400), "-r--------", "root")
    yield from row("name-group", "group", told(name), "-rw-r--r--", "group")
    yield from row("name-mode-group", "group", told(name, 0o440), "-r--r-----", "group")
    for what, value in (("limits.cpu", "2"), ("limits.memory", "67108864"), ("requests.cpu", "1"), ("requests.memory", "33554432")):
        yield from row(what.replace(".", "-"), "root", told(resource(what, "limited")), "-rw-r--r--", value)
    for what in ("cpu", "memory"):
        yield from row(f"allocatable-{what}", "root", told(resource(f"limits.{what}", "unlimited")), "-rw-r--r--", f"allocatable {what}")


def empty_dir_rows():
    for kind, source in (("default", {"emptyDir": {}}), ("tmpfs", {"emptyDir": {"medium": "Memory"}})):
        def row(name, user, script, *lines, kind=kind, source=source, **mount):
            return Row(f"{kind}-{name}", user, source, "stat -f -c %T /v;" + script, [kind, *lines], mount=mount)
        for user in ("s0-root", "s0-user", "s0-group"):
            for mode, shown in (("0644", "-rw-r--r--"), ("0666", "-rw-rw-rw-"), ("0777", "-rwxrwxrwx"), ("0660", "-rw-rw----")):
                yield row(f"new-{mode}-{user}", user, f"umask 0; echo text >/v/f; chmod {mode} /v/f; stat -c %A:%g /v/f; cat /v/f",
                          shown + (":123" if user == "s0-group" else ":0"), "text")
        sticky = kind == "tmpfs"
        yield row("mode", "s0-root", "stat -c '%a %u:%g' /v", "1777 0:0" if sticky else "777 0:0")
        for name, path in (("mode-group", {}), ("sub-path-group", {"subPath": "test-sub"})):
            yield row(name, "s0-group", "stat -c '%a %u:%g' /v", "3777 0:123" if sticky else "2777 0:123", **path)


def sub_path_rows():
    for kind, source, path, value in (
            ("secret", source_of("secret"), "data-1", "value-1"),
            ("map", source_of("configMap"), "data-1", "value-1"),
            ("told", source_of("downwardAPI", items=[{"path": "down/name", "fieldRef": {"fieldPath": "metadata.name"}}]),
             "down/name", "s0-sub"),
            ("projected", projected(source_of("configMap", items=[{"key": "data-1", "path": "projected/data-1"}])),
             "projected/data-1", "value-1")):
        yield Row(f"sub-{kind}", "s0-sub", source, "cat /v", [value], mount={"subPath": path})
    yield Row("sub-existing", "s0-sub", source_of("configMap"), "cat /etc/resolv.conf", ["value-1"],
              mount={"subPath": "data-1", "mountPath": "/etc/resolv.conf"})


ROWS = [*content_rows(), *downward_rows(), *empty_dir_rows(), *sub_path_rows()]


def container(name, script, mounts=(), **more):
    return {"name": name, "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "command": ["/bin/sh", "-c", script],
            "volumeMounts": [{"mountPath": "/v", **m} for m in mounts], **more}


def pod(name, *containers, volumes=(), **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": list(containers),
                     "volumes": list(volumes), **spec}}


def row_pods():
    for user, security in USERS.items():
        rows = [row for row in ROWS if row.user == user]
        boxes = [container(r.name, r.script, [{"name": r.name, **r.mount}], **r.more) for r in rows]
        if user == "root":
            boxes += [container("limited", "true", resources=LIMITED), container("unlimited", "true")]
        yield pod(user, *boxes, volumes=[{"name": r.name, **r.source} for r in rows], securityContext=security)


@pytest.fixture(scope="module")
def world(cluster):
    cluster.kubectl("create", "namespace", NS)
    wait_for(lambda: cluster.get("serviceaccount", NS, "default"), 20, "service account")
    binary = base64.b64encode(bytes([0xde, 0xca, 0xfe, 0xba, 0xd0, 0xfe, 0xff])).decode()
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map"}, "data": {"data-1": "value-1"},
         "binaryData": {"dump.bin": binary}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "secret"}, "stringData": {"data-1": "value-1"}}, *row_pods()]
    cluster.kubectl("create", "-n", NS, "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))
    yield NS
    cluster.kubectl("delete", "namespace", NS, "--wait=false")


@pytest.mark.parametrize("user", USERS)
def test_what_each_sees(cluster, world, user):
    rows = [row for row in ROWS if row.user == user]
    wait_for(lambda: cluster.get("pod", NS, user)["status"]["phase"] in ("Succeeded", "Failed"), 120, f"end of {user}")
    capacity = cluster.get("node", name=f"node{cluster.number}")["status"]["allocatable"]
    values = {"allocatable cpu": capacity["cpu"], "allocatable memory": str(int(capacity["memory"].removesuffix("Ki")) * 1024)}
    seen = {r.name: cluster.out("logs", "-n", NS, user, "-c", r.name).splitlines() for r in rows}
    if "default-mode" in seen:
        assert seen["default-mode"][0] != "tmpfs"
    for lines in seen.values():
        lines[:1] = ["default"] if lines and lines[0] in ("ext2/ext3", "overlayfs", "UNKNOWN", "xfs", "btrfs") else lines[:1]
    assert seen == {r.name: [values.get(line, line) for line in r.lines] for r in rows}


def changing_pods():
    """Six volumes that follow their sources, from what there is at first to what there is at last."""
    sources = {}
    for kind in ("configMap", "secret"):
        for name in ("goes", "changes", "comes"):
            key = "name" if kind == "configMap" else "secretName"
            sources[f"{kind.lower()}-{name}"] = {kind: {key: name, "optional": True}}
    sources |= {f"projected-{name}": projected(source) for name, source in sources.items()}
    told_all = source_of("downwardAPI", items=[{"path": what, "fieldRef": {"fieldPath": f"metadata.{what}"}}
                                               for what in ("labels", "annotations")])
    sources |= {"told": told_all, "projected-told": projected(told_all)}
    mounts = [{"name": name, "mountPath": f"/all/{name}", "readOnly": True} for name in sources]
    one = pod("changing", container("c", "trap 'exit 0' TERM; while :; do sleep 0.1; done", mounts),
              volumes=[{"name": name, **source} for name, source in sources.items()])
    one["metadata"] |= {"labels": {"key1": "value1", "key2": "value2"}, "annotations": {"builder": "bar"}}
    return one


def test_changes_are_followed(cluster, namespace):
    def run(*arguments):
        return cluster.out("-n", namespace, *arguments)

    def seen():
        lines = run("exec", "changing", "--", "sh", "-c", "cd /all; for f in */*; do echo \"$f=$(cat $f | tr '\\n' ' ')\"; done")
        return dict(line.strip().split("=", 1) for line in lines.splitlines())

    def wanted(**each):
        told = {"labels": each.pop("labels"), "annotations": each.pop("annotations")}
        out = {f"{p}told/{what}": value for p in ("", "projected-") for what, value in told.items()}
        for name, content in each.items():
            for kind in ("configmap", "secret", "projected-configmap", "projected-secret"):
                out |= {f"{kind}-{name}/{file}": value for file, value in content.items()}
        return out
    wait_for(lambda: cluster.get("serviceaccount", namespace, "default"), 20, "service account")
    for what in (["configmap"], ["secret", "generic"]):
        for name in ("goes", "changes"):
            run("create", *what, name, "--from-literal=data-1=value-1")
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(changing_pods()))
    run("wait", "pod/changing", "--for=condition=Ready", "--timeout=60s")
    one = {"data-1": "value-1"}
    assert seen() == wanted(goes=one, changes=one, comes={}, labels='key1="value1" key2="value2"', annotations='builder="bar"')
    for what in ("configmap", "secret"):
        run("delete", what, "goes")
        value = "value-3" if what == "configmap" else base64.b64encode(b"value-3").decode()
        run("patch", what, "changes", "-p", json.dumps({"data": {"data-1": None, "data-3": value}}))
    run("create", "configmap", "comes", "--from-literal=data-1=value-1")
    run("create", "secret", "generic", "comes", "--from-literal=data-1=value-1")
    run("label", "pod", "changing", "key3=value3")
    run("annotate", "pod", "changing", "builder=foo", "--overwrite")
    last = wanted(goes={}, changes={"data-3": "value-3"}, comes=one, labels='key1="value1" key2="value2" key3="value3"',
                  annotations='builder="foo"')
    wait_for(lambda: seen() == last, 20, "all changes")


def test_projections_of_all_kinds_share_a_folder(cluster, namespace):
    """And pods with 50 ConfigMap volumes each, several at once, all start."""
    wait_for(lambda: cluster.get("serviceaccount", namespace, "default"), 20, "service account")
    maps = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"map{i}"}, "data": {"data-1": "value-1"}}
            for i in range(50)]
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin="\n---\n".join(map(json.dumps, maps)))
    cluster.kubectl("create", "-n", namespace, "secret", "generic", "map0", "--from-literal=data-1=value-1")
    combined = {"projected": {"sources": [
        {"configMap": {"name": "map0", "items": [{"key": "data-1", "path": "map-data"}]}},
        {"secret": {"name": "map0", "items": [{"key": "data-1", "path": "secret-data"}]}},
        {"downwardAPI": {"items": [{"path": "podname", "fieldRef": {"fieldPath": "metadata.name"}}]}}]}}
    objects = [
        pod("combined", container("c", "cat /all/podname /all/secret-data /all/map-data; cat /s/data-1",
                                  [{"name": "all", "mountPath": "/all"}, {"name": "s", "mountPath": "/s", "readOnly": True},
                                   {"name": "m", "mountPath": "/m"}]),
            volumes=[{"name": "all", **combined}, {"name": "s", "secret": {"secretName": "map0"}},
                     {"name": "m", "configMap": {"name": "map0"}}])]
    many = pod("", container("c", "cat /v*/data-1 | grep -c value-1; trap 'exit 0' TERM; while :; do sleep 0.1; done",
                             [{"name": f"v{i}", "mountPath": f"/v{i}"} for i in range(50)]),
               volumes=[{"name": f"v{i}", "configMap": {"name": f"map{i}", "items": [{"key": "data-1", "path": "data-1"}]}}
                        for i in range(50)], restartPolicy="Always")
    objects.append({"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "many"}, "spec": {
        "replicas": 5, "selector": {"name": "many"}, "template": {"metadata": {"labels": {"name": "many"}}, "spec": many["spec"]}}})
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))
    log = lambda: cluster.kubectl("logs", "-n", namespace, "combined", check=False).stdout
    wait_for(lambda: log() == "combinedvalue-1value-1value-1", 60, "log")
    wait_for(lambda: cluster.get("rc", namespace, "many")["status"].get("readyReplicas") == 5, 60, "five pods with 50 volumes")
    logs = cluster.out("logs", "-n", namespace, "-l", "name=many", "--max-log-requests=5")
    assert logs == "1\n" * 5
