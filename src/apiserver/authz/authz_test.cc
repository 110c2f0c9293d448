#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/authz/bootstrap_policy.h"
#include "apiserver/authz/escalation.h"
#include "apiserver/authz/forbidden.h"
#include "apiserver/authz/modes.h"
#include "apiserver/authz/node.h"
#include "apiserver/authz/rbac.h"
#include "apiserver/memory_lookup.h"

namespace tiphys::apiserver {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Attributes ask(const std::string& verb, const std::string& group, const std::string& resource,
               const std::string& ns = "", const std::string& name = "") {
  Attributes attributes;
  attributes.is_resource = true;
  attributes.verb = verb;
  attributes.group = group;
  attributes.version = "v1";
  size_t slash = resource.find('/');
  attributes.resource = resource.substr(0, slash);
  if (slash != resource.npos) attributes.subresource = resource.substr(slash + 1);
  attributes.ns = ns;
  attributes.name = name;
  return attributes;
}

Attributes ask_path(const std::string& verb, const std::string& path) {
  Attributes attributes;
  attributes.verb = verb;
  attributes.path = path;
  return attributes;
}

class RbacTest : public testing::Test {
 protected:
  bool may(const UserInfo& user, const Attributes& attributes) {
    return rbac_.authorize(user, attributes).decision == Decision::kAllow;
  }
  void put_role(const std::string& kind, const std::string& metadata, const std::string& rules) {
    lookup_.put("{apiVersion: rbac.authorization.k8s.io/v1, kind: " + kind +
                ", metadata: " + metadata + ", rules: " + rules + "}");
  }
  void put_binding(const std::string& kind, const std::string& metadata, const std::string& role,
                   const std::string& subjects) {
    lookup_.put("{apiVersion: rbac.authorization.k8s.io/v1, kind: " + kind +
                ", metadata: " + metadata + ", roleRef: {apiGroup: rbac.authorization.k8s.io, " +
                role + "}, subjects: " + subjects + "}");
  }
  MemoryLookup lookup_;
  RbacAuthorizer rbac_{lookup_};
  UserInfo jane_{.name = "jane", .uid = "", .groups = {"dev", "system:authenticated"}, .extra = {}};
};

TEST_F(RbacTest, RoleOpensItsNamespaceOnly) {
  put_role("Role", "{name: reader, namespace: a}",
           "[{verbs: [get, list], apiGroups: [''], resources: [pods]}]");
  put_binding("RoleBinding", "{name: b, namespace: a}", "kind: Role, name: reader",
              "[{kind: User, name: jane}]");
  EXPECT_TRUE(may(jane_, ask("get", "", "pods", "a", "x")));
  EXPECT_FALSE(may(jane_, ask("get", "", "pods", "b", "x")));
  EXPECT_FALSE(may(jane_, ask("list", "", "pods")));
  EXPECT_FALSE(may(jane_, ask("delete", "", "pods", "a", "x")));
  EXPECT_FALSE(may(jane_, ask("get", "apps", "pods", "a", "x")));
  EXPECT_FALSE(may(jane_, ask("get", "", "pods/log", "a", "x")));
  EXPECT_FALSE(may({.name = "joe"}, ask("get", "", "pods", "a", "x")));
  EXPECT_EQ(rbac_.authorize(jane_, ask("get", "", "pods", "a")).reason,
            "RBAC: allowed by RoleBinding \"b/a\" of Role \"reader\" to User \"jane\"");
}

TEST_F(RbacTest, ClusterRoleInARoleBindingStaysInIt) {
  put_role("ClusterRole", "{name: all}",
           "[{verbs: ['*'], apiGroups: ['*'], resources: ['*']},"
           " {verbs: [get], nonResourceURLs: [/metrics]}]");
  put_binding("RoleBinding", "{name: b, namespace: a}", "kind: ClusterRole, name: all",
              "[{kind: Group, name: dev}]");
  EXPECT_TRUE(may(jane_, ask("delete", "apps", "deployments/scale", "a", "x")));
  EXPECT_FALSE(may(jane_, ask("get", "", "nodes")));
  EXPECT_FALSE(may(jane_, ask_path("get", "/metrics")));
}

// A Role must not open cluster-scoped resources through a namespaced URL.
TEST_F(RbacTest, cve_2019_11247) {
  put_role("Role", "{name: r, namespace: a}",
           "[{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]");
  put_binding("RoleBinding", "{name: b, namespace: a}", "kind: Role, name: r",
              "[{kind: User, name: jane}]");
  EXPECT_FALSE(may(jane_, ask("get", "rbac.authorization.k8s.io", "clusterroles", "", "x")));
  EXPECT_FALSE(may(jane_, ask("get", "example.com", "clusterthings", "", "x")));
}

TEST_F(RbacTest, ServiceAccountsAreSubjects) {
  put_role("ClusterRole", "{name: r}", "[{verbs: [get], apiGroups: [''], resources: [pods]}]");
  put_binding("ClusterRoleBinding", "{name: b}", "kind: ClusterRole, name: r",
              "[{kind: ServiceAccount, name: sa, namespace: a}, {kind: ServiceAccount, name: x}]");
  EXPECT_TRUE(may({.name = "system:serviceaccount:a:sa"}, ask("get", "", "pods", "z", "p")));
  EXPECT_FALSE(may({.name = "system:serviceaccount:b:sa"}, ask("get", "", "pods", "z", "p")));
  EXPECT_FALSE(may({.name = "system:serviceaccount::x"}, ask("get", "", "pods", "z", "p")));
  // In a role binding the namespace may be left out.
  put_binding("RoleBinding", "{name: b, namespace: q}", "kind: ClusterRole, name: r",
              "[{kind: ServiceAccount, name: own}]");
  EXPECT_TRUE(may({.name = "system:serviceaccount:q:own"}, ask("get", "", "pods", "q", "p")));
}

TEST_F(RbacTest, NamesAndSubresources) {
  put_role("ClusterRole", "{name: r}",
           "[{verbs: [get], apiGroups: [''], resources: [secrets], resourceNames: [one]},"
           " {verbs: [update], apiGroups: [apps], resources: ['*/scale']}]");
  put_binding("ClusterRoleBinding", "{name: b}", "kind: ClusterRole, name: r",
              "[{kind: User, name: jane}]");
  EXPECT_TRUE(may(jane_, ask("get", "", "secrets", "a", "one")));
  EXPECT_FALSE(may(jane_, ask("get", "", "secrets", "a", "two")));
  EXPECT_FALSE(may(jane_, ask("get", "", "secrets", "a", "")));
  EXPECT_TRUE(may(jane_, ask("update", "apps", "deployments/scale", "a", "x")));
  EXPECT_FALSE(may(jane_, ask("update", "apps", "deployments/status", "a", "x")));
  EXPECT_FALSE(may(jane_, ask("update", "apps", "deployments", "a", "x")));
}

TEST_F(RbacTest, Paths) {
  put_role("ClusterRole", "{name: r}", "[{verbs: [get], nonResourceURLs: [/a/*, /exact]}]");
  put_binding("ClusterRoleBinding", "{name: b}", "kind: ClusterRole, name: r",
              "[{kind: Group, name: dev}]");
  EXPECT_TRUE(may(jane_, ask_path("get", "/a/b/c")));
  EXPECT_TRUE(may(jane_, ask_path("get", "/exact")));
  EXPECT_FALSE(may(jane_, ask_path("get", "/a")));
  EXPECT_FALSE(may(jane_, ask_path("get", "/exact/more")));
  EXPECT_FALSE(may(jane_, ask_path("post", "/a/b")));
}

TEST_F(RbacTest, FollowsChanges) {
  std::string rule = "[{verbs: [get], apiGroups: [''], resources: [pods]}]";
  Attributes question = ask("get", "", "pods", "a", "x");
  put_binding("RoleBinding", "{name: b, namespace: a}", "kind: Role, name: r",
              "[{kind: User, name: jane}, {kind: User, name: jane}]");
  EXPECT_EQ(rbac_.authorize(jane_, question).reason,
            "RBAC: role.rbac.authorization.k8s.io \"r\" not found");
  put_role("Role", "{name: r, namespace: a}", rule);
  EXPECT_TRUE(may(jane_, question));
  put_role("Role", "{name: r, namespace: a}", "[]");
  EXPECT_FALSE(may(jane_, question));
  put_role("Role", "{name: r, namespace: a}", rule);
  put_binding("RoleBinding", "{name: b, namespace: a}", "kind: Role, name: r",
              "[{kind: User, name: joe}]");
  EXPECT_FALSE(may(jane_, question));
  EXPECT_TRUE(may({.name = "joe"}, question));
  lookup_.remove("rbac.authorization.k8s.io", "rolebindings", "a", "b");
  EXPECT_FALSE(may({.name = "joe"}, question));
  lookup_.remove("rbac.authorization.k8s.io", "roles", "a", "r");
  EXPECT_EQ(rbac_.authorize(jane_, question).reason, "");
}

TEST_F(RbacTest, EscalationIsRefused) {
  put_role("Role", "{name: r, namespace: a}",
           "[{verbs: [get], apiGroups: [''], resources: [pods, secrets]}]");
  put_binding("RoleBinding", "{name: b, namespace: a}", "kind: Role, name: r",
              "[{kind: User, name: jane}]");
  std::vector<Rule> own{{{"get"}, {""}, {"pods"}, {}, {}}};
  EXPECT_TRUE(check_no_escalation(rbac_, jane_, "a", "roles", "x", own));
  std::vector<Rule> more{{{"get", "list"}, {""}, {"pods", "secrets"}, {}, {}}};
  auto refused = check_no_escalation(rbac_, jane_, "a", "roles", "x", more);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"jane\" (groups=[\"dev\" "
            "\"system:authenticated\"]) is attempting to grant RBAC permissions not currently "
            "held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\"]}\n{APIGroups:[\"\"], "
            "Resources:[\"secrets\"], Verbs:[\"list\"]}");
  EXPECT_FALSE(check_no_escalation(rbac_, jane_, "b", "roles", "x", own));
}

TEST(Rules, Cover) {
  auto covered = [](const Rule& owned, const Rule& wanted) {
    return covers({owned}, {wanted}, nullptr);
  };
  Rule all{{"*"}, {"*"}, {"*"}, {}, {}};
  EXPECT_TRUE(covered(all, {{"get"}, {""}, {"pods"}, {"x"}, {}}));
  EXPECT_TRUE(covered(all, all));
  EXPECT_FALSE(covered({{"get"}, {""}, {"pods"}, {}, {}}, all));
  EXPECT_FALSE(covered({{"get"}, {""}, {"pods"}, {"x"}, {}}, {{"get"}, {""}, {"pods"}, {}, {}}));
  EXPECT_TRUE(covered({{"get"}, {""}, {"*/scale"}, {}, {}}, {{"get"}, {""}, {"a/scale"}, {}, {}}));
  EXPECT_TRUE(covered({{"get"}, {}, {}, {}, {"/a/*"}}, {{"get"}, {}, {}, {}, {"/a/b"}}));
  EXPECT_FALSE(covered({{"get"}, {}, {}, {}, {"/a/b"}}, {{"get"}, {}, {}, {}, {"/a/*"}}));
}

TEST(Forbidden, SaysItInUpstreamsWords) {
  UserInfo user{.name = "x<y"};
  EXPECT_EQ(forbidden_status(user, ask("list", "", "pods", "default"), "").message(),
            "pods is forbidden: User \"x&lt;y\" cannot list resource \"pods\" in API group \"\" in "
            "the namespace \"default\"");
  EXPECT_EQ(
      forbidden_status({.name = "u"}, ask("patch", "apps", "deployments/scale", "", "d"), "why")
          .message(),
      "deployments.apps \"d\" is forbidden: User \"u\" cannot patch resource "
      "\"deployments/scale\" in API group \"apps\" at the cluster scope: why");
  EXPECT_EQ(forbidden_status({.name = "u"}, ask_path("get", "/metrics"), "").message(),
            "forbidden: User \"u\" cannot get path \"/metrics\"");
}

TEST(Modes, AreParsed) {
  auto modes = parse_authorization_modes("Node,RBAC");
  ASSERT_TRUE(modes);
  EXPECT_EQ(modes->size(), 2u);
  EXPECT_FALSE(parse_authorization_modes(""));
  EXPECT_EQ(parse_authorization_modes("X").error().message(),
            "authorization-mode \"X\" is not a valid mode");
  EXPECT_THAT(parse_authorization_modes("RBAC,RBAC").error().message(),
              HasSubstr("more than once"));
}

TEST(Modes, SomePathsAreOpen) {
  auto paths = AllowedPaths::create({"/healthz", "/open/*"});
  ASSERT_TRUE(paths);
  auto opens = [&](const std::string& path, bool is_resource = false) {
    Attributes attributes;
    attributes.is_resource = is_resource;
    attributes.path = path;
    return (*paths)->authorize({}, attributes).decision == Decision::kAllow;
  };
  EXPECT_TRUE(opens("/healthz"));
  EXPECT_TRUE(opens("/open/a/b"));
  EXPECT_FALSE(opens("/healthz/ping"));
  EXPECT_FALSE(opens("/healthz", true));
  EXPECT_FALSE(opens("/api"));
  EXPECT_EQ(AllowedPaths::create({"/a*b"}).error().message(),
            "only trailing * allowed in \"/a*b\"");
}

TEST(Modes, MastersMayDoAll) {
  AlwaysDeny deny;
  ModeAuthorizer modes({&deny, &deny});
  UserInfo admin{.name = "a", .uid = "", .groups = {"system:masters"}, .extra = {}};
  EXPECT_EQ(modes.authorize(admin, ask("x", "y", "z")).decision, Decision::kAllow);
  Verdict verdict = modes.authorize({.name = "a"}, ask("x", "y", "z"));
  EXPECT_EQ(verdict.decision, Decision::kNoOpinion);
  EXPECT_EQ(verdict.reason, "Everything is forbidden.\nEverything is forbidden.");
}

class PolicyTest : public RbacTest {
 protected:
  void SetUp() override {
    for (const auto& action : plan_bootstrap(*load_bootstrap_policy(), lookup_)) {
      EXPECT_TRUE(action.create);
      lookup_.put(action.object);
    }
  }
};

TEST_F(PolicyTest, IsCompleteAndThenQuiet) {
  EXPECT_THAT(plan_bootstrap(*load_bootstrap_policy(), lookup_), IsEmpty());
  EXPECT_THAT(lookup_.list("rbac.authorization.k8s.io", "clusterroles", ""), SizeIs(71));
  EXPECT_THAT(lookup_.list("rbac.authorization.k8s.io", "clusterrolebindings", ""), SizeIs(51));
  EXPECT_THAT(lookup_.list("rbac.authorization.k8s.io", "roles", "kube-system"), SizeIs(6));
  EXPECT_THAT(lookup_.list("rbac.authorization.k8s.io", "rolebindings", "kube-public"), SizeIs(1));
}

TEST_F(PolicyTest, ComponentsMayDoTheirWork) {
  UserInfo scheduler{.name = "system:kube-scheduler"};
  EXPECT_TRUE(may(scheduler, ask("create", "", "pods/binding", "a", "p")));
  EXPECT_TRUE(may(scheduler,
                  ask("update", "coordination.k8s.io", "leases", "kube-system", "kube-scheduler")));
  EXPECT_FALSE(may(scheduler, ask("create", "", "pods", "a")));
  EXPECT_TRUE(
      may({.name = "system:kube-proxy"}, ask("watch", "discovery.k8s.io", "endpointslices")));
  EXPECT_TRUE(may({.name = "system:serviceaccount:kube-system:deployment-controller"},
                  ask("create", "apps", "replicasets", "a")));
  UserInfo anyone{.name = "x", .uid = "", .groups = {"system:authenticated"}, .extra = {}};
  EXPECT_TRUE(may(anyone, ask_path("get", "/apis/apps/v1")));
  EXPECT_TRUE(may(anyone, ask("create", "authorization.k8s.io", "selfsubjectaccessreviews")));
  EXPECT_FALSE(may(anyone, ask("list", "", "pods", "a")));
  UserInfo nobody{
      .name = "system:anonymous", .uid = "", .groups = {"system:unauthenticated"}, .extra = {}};
  EXPECT_TRUE(may(nobody, ask_path("get", "/version")));
  EXPECT_FALSE(may(nobody, ask_path("get", "/api")));
}

// Who may edit a namespace may not point its endpoints at others' pods.
TEST_F(PolicyTest, cve_2021_25740) {
  BootstrapPolicy policy = *load_bootstrap_policy();
  for (const char* name : {"system:aggregate-to-edit", "system:aggregate-to-admin"}) {
    ObjectPtr role = policy.find_cluster_role(name);
    ASSERT_TRUE(role) << name;
    for (const auto& rule : RbacAuthorizer::rules_of(*role)) {
      for (const char* verb : {"create", "update", "patch"}) {
        Attributes attributes;
        attributes.is_resource = true;
        attributes.verb = verb;
        attributes.resource = "endpoints";
        EXPECT_FALSE(rule_allows(rule, attributes)) << name << " " << verb;
        attributes.group = "discovery.k8s.io";
        attributes.resource = "endpointslices";
        EXPECT_FALSE(rule_allows(rule, attributes)) << name << " " << verb;
      }
    }
  }
}

TEST_F(PolicyTest, GatheringRolesAreFilled) {
  put_binding("RoleBinding", "{name: b, namespace: a}", "kind: ClusterRole, name: admin",
              "[{kind: User, name: jane}]");
  EXPECT_TRUE(may(jane_, ask("create", "rbac.authorization.k8s.io", "roles", "a")));
  EXPECT_TRUE(may(jane_, ask("delete", "apps", "deployments", "a", "x")));
  EXPECT_TRUE(may(jane_, ask("get", "", "pods/log", "a", "x")));
  EXPECT_FALSE(may(jane_, ask("get", "", "nodes", "", "x")));
}

TEST_F(PolicyTest, RepairsWhatIsMissingAndKeepsWhatWasAdded) {
  put_role("ClusterRole", "{name: 'system:kube-dns'}",
           "[{verbs: [get], apiGroups: [''], resources: [secrets]}]");
  auto plan = plan_bootstrap(*load_bootstrap_policy(), lookup_);
  ASSERT_THAT(plan, SizeIs(1));
  EXPECT_FALSE(plan[0].create);
  rbac_v1::ClusterRole role(*plan[0].object);
  EXPECT_EQ(role.rules().size(), 2u);
  EXPECT_EQ(role.metadata().labels().find("kubernetes.io/bootstrapping"), "rbac-defaults");
  put_role("ClusterRole",
           "{name: 'system:kube-dns', annotations: "
           "{rbac.authorization.kubernetes.io/autoupdate: 'false'}}",
           "[]");
  EXPECT_THAT(plan_bootstrap(*load_bootstrap_policy(), lookup_), IsEmpty());
  put_binding("ClusterRoleBinding", "{name: cluster-admin}",
              "kind: ClusterRole, name: cluster-admin", "[{kind: User, name: me}]");
  plan = plan_bootstrap(*load_bootstrap_policy(), lookup_);
  ASSERT_THAT(plan, SizeIs(1));
  EXPECT_EQ(rbac_v1::ClusterRoleBinding(*plan[0].object).subjects().size(), 2u);
}

TEST(Policy, RefusesMalformedText) {
  EXPECT_FALSE(parse_bootstrap_policy("[]"));
  EXPECT_FALSE(parse_bootstrap_policy("{"));
  EXPECT_FALSE(parse_bootstrap_policy(
      R"({"clusterRoleBindings": [{"name": "a", "role": "b", "subjects": ["nobody"]}]})"));
}

class NodeTest : public testing::Test {
 protected:
  NodeTest() {
    lookup_.put(R"({apiVersion: v1, kind: Pod, metadata: {name: p, namespace: a},
      spec: {nodeName: n1, serviceAccountName: sa, imagePullSecrets: [{name: pull}],
        containers: [{name: c, image: i,
          env: [{name: X, valueFrom: {secretKeyRef: {name: env, key: k}}}],
                      envFrom: [{configMapRef: {name: cfg}}]}],
        volumes: [{name: v, projected: {sources: [{secret: {name: projected}}]}},
                  {name: w, persistentVolumeClaim: {claimName: claim}},
                  {name: x, csi: {driver: d, nodePublishSecretRef: {name: csi}}},
                  {name: e, ephemeral: {volumeClaimTemplate: {spec: {}}}}]}})");
    lookup_.put(R"({apiVersion: v1, kind: PersistentVolume, metadata: {name: pv},
      spec: {claimRef: {name: claim, namespace: a},
             csi: {driver: d, volumeHandle: h,
                   nodeStageSecretRef: {name: stage, namespace: sys}}}})");
  }
  std::string verdict(const Attributes& attributes, const std::string& name = "n1") {
    UserInfo user{
        .name = "system:node:" + name, .uid = "", .groups = {"system:nodes"}, .extra = {}};
    Verdict result = node_.authorize(user, attributes);
    return result.decision == Decision::kAllow ? "yes" : result.reason;
  }
  MemoryLookup lookup_;
  NodeAuthorizer node_{lookup_, load_bootstrap_policy()->find_cluster_role("system:node")};
  const std::string none_ = "no relationship found between node 'n1' and this object";
};

TEST_F(NodeTest, ReadsWhatItsPodsNeed) {
  for (std::string secret : {"pull", "env", "projected", "csi"}) {
    EXPECT_EQ(verdict(ask("get", "", "secrets", "a", secret)), "yes") << secret;
    EXPECT_EQ(verdict(ask("watch", "", "secrets", "a", secret)), "yes") << secret;
  }
  EXPECT_EQ(verdict(ask("get", "", "configmaps", "a", "cfg")), "yes");
  EXPECT_EQ(verdict(ask("get", "", "persistentvolumeclaims", "a", "claim")), "yes");
  EXPECT_EQ(verdict(ask("get", "", "persistentvolumeclaims", "a", "p-e")), "yes");
  EXPECT_EQ(verdict(ask("get", "", "persistentvolumes", "", "pv")), "yes");
  EXPECT_EQ(verdict(ask("get", "", "secrets", "sys", "stage")), "yes");
  EXPECT_EQ(verdict(ask("create", "", "serviceaccounts/token", "a", "sa")), "yes");
  EXPECT_EQ(verdict(ask("get", "", "pods", "a", "p")), "yes");
}

TEST_F(NodeTest, ReadsNothingElse) {
  EXPECT_EQ(verdict(ask("get", "", "secrets", "a", "other")), none_);
  EXPECT_EQ(verdict(ask("get", "", "secrets", "b", "env")), none_);
  EXPECT_EQ(verdict(ask("list", "", "secrets", "a")), none_);
  EXPECT_EQ(verdict(ask("list", "", "secrets")), "can only read namespaced object of this type");
  EXPECT_EQ(verdict(ask("delete", "", "secrets", "a", "env")),
            "can only read resources of this type");
  EXPECT_EQ(verdict(ask("get", "", "secrets", "a", "env"), "n2"),
            "no relationship found between node 'n2' and this object");
  EXPECT_EQ(verdict(ask("create", "", "serviceaccounts/token", "a", "default")), none_);
  EXPECT_EQ(verdict(ask("get", "", "pods", "a", "q")), none_);
  EXPECT_EQ(verdict(ask("list", "", "pods")),
            "can only list/watch pods with spec.nodeName field selector");
  EXPECT_EQ(verdict(ask("create", "apps", "deployments", "a")), "");
}

TEST_F(NodeTest, OwnNodeAndLease) {
  EXPECT_EQ(verdict(ask("get", "", "nodes", "", "n1")), "yes");
  EXPECT_EQ(verdict(ask("patch", "", "nodes/status", "", "n1")), "yes");
  EXPECT_THAT(verdict(ask("get", "", "nodes", "", "n2")), HasSubstr("only its own Node object"));
  EXPECT_EQ(verdict(ask("update", "coordination.k8s.io", "leases", "kube-node-lease", "n1")),
            "yes");
  EXPECT_THAT(verdict(ask("update", "coordination.k8s.io", "leases", "kube-node-lease", "n2")),
              HasSubstr("same name as the requesting node"));
  EXPECT_THAT(verdict(ask("update", "coordination.k8s.io", "leases", "kube-system", "n1")),
              HasSubstr("kube-node-lease"));
  EXPECT_EQ(verdict(ask("create", "certificates.k8s.io", "certificatesigningrequests")), "yes");
  EXPECT_EQ(verdict(ask("list", "", "services")), "yes");
  Attributes pods = ask("watch", "", "pods");
  pods.field_selector = "spec.nodeName=n1";
  EXPECT_EQ(verdict(pods), "yes");
  EXPECT_NE(verdict(pods, "n2"), "yes");
}

TEST_F(NodeTest, ForgetsWithThePod) {
  lookup_.remove("", "pods", "a", "p");
  EXPECT_EQ(verdict(ask("get", "", "secrets", "a", "env")), none_);
  EXPECT_EQ(verdict(ask("get", "", "persistentvolumes", "", "pv")), none_);
}

TEST_F(NodeTest, MirrorPodsOpenNothing) {
  lookup_.put(R"({apiVersion: v1, kind: Pod,
    metadata: {name: m, namespace: a, annotations: {kubernetes.io/config.mirror: x}},
    spec: {nodeName: n1,
           containers: [{name: c, image: i, envFrom: [{secretRef: {name: other}}]}]}})");
  EXPECT_EQ(verdict(ask("get", "", "secrets", "a", "other")), none_);
  EXPECT_EQ(verdict(ask("get", "", "pods", "a", "m")), "yes");
}

TEST_F(NodeTest, OthersAreNoneOfItsBusiness) {
  EXPECT_EQ(node_.authorize({.name = "system:node:n1"}, ask("get", "", "nodes", "", "n1")).decision,
            Decision::kNoOpinion);
}

}  // namespace
}  // namespace tiphys::apiserver
