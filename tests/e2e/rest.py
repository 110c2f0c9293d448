"""The API by HTTP, as the administrator: any method on any path, and watches. kubectl hides too much where verbs count."""
import base64
import contextlib
import http.client
import json
import ssl
import time
import types


class Rest:
    def __init__(self, cluster):
        folder = cluster.folder / "rest"
        if not folder.exists():
            folder.mkdir()
            view = json.loads(cluster.out("config", "view", "--raw", "-o", "json"))
            (folder / "ca").write_bytes(base64.b64decode(view["clusters"][0]["cluster"]["certificate-authority-data"]))
            user = view["users"][0]["user"]
            (folder / "client").write_bytes(base64.b64decode(user["client-certificate-data"]) + b"\n" +
                                            base64.b64decode(user["client-key-data"]))
        self.context = ssl.create_default_context(cafile=str(folder / "ca"))
        self.context.load_cert_chain(str(folder / "client"))
        self.port = cluster.port

    def connection(self, seconds=30):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=seconds, context=self.context)

    def request(self, method, path, body=None, kind="application/json", **headers):
        """code, headers, text."""
        with contextlib.closing(self.connection()) as connection:
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            if body is not None:
                headers["Content-Type"] = kind
            text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, path, body=text, headers=headers)
            answer = connection.getresponse()
            return types.SimpleNamespace(code=answer.status, headers=answer.headers, text=answer.read().decode())

    def call(self, method, path, body=None, expect=(200, 201, 202), **named):
        """What it answered, decoded."""
        answer = self.request(method, path, body, **named)
        assert answer.code in expect, f"{method} {path}: {answer.code} {answer.text}"
        return json.loads(answer.text)

    def get(self, path):
        return self.call("GET", path)

    def create(self, path, body):
        return self.call("POST", path, body)

    def update(self, path, body):
        return self.call("PUT", path, body)

    def merge(self, path, patch):
        return self.call("PATCH", path, patch, kind="application/merge-patch+json")

    def strategic(self, path, patch):
        return self.call("PATCH", path, patch, kind="application/strategic-merge-patch+json")

    def delete(self, path, **options):
        return self.call("DELETE", path, options or None)

    def missing(self, path):
        return self.request("GET", path).code == 404

    def events(self, path, version="", seconds=20):
        """Opens a watch; an iterator over (type, object) of what comes after `version`, for at most `seconds`."""
        connection = self.connection(seconds + 10)
        mark = "&" if "?" in path else "?"
        connection.request("GET", f"{path}{mark}watch=1&timeoutSeconds={seconds}&resourceVersion={version}")
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()

        def each():
            with contextlib.closing(connection):
                for line in answer:
                    event = json.loads(line)
                    yield event["type"], event["object"]
        return each()

    def watch(self, path, version, until, seconds=20):
        """(type, object) of each event after `version`, up to the first for which until(type, object) is true."""
        seen, deadline = [], time.monotonic() + seconds
        for event in self.events(path, version, seconds):
            seen.append(event)
            if until(*event):
                return seen
            if time.monotonic() > deadline:
                break
        raise AssertionError(f"not seen in a watch of {path}: {seen}")
