"""Several nodes: joining by token, and one network of their pods."""
import re

import pytest

from cluster import TIPHYS, wait_for
from nodes import run

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
