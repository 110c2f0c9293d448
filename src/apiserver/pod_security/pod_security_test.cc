#include <gtest/gtest.h>

#include "apiserver/pod_security/evaluator.h"
#include "codec/codec.h"

namespace tiphys::apiserver::pod_security {
namespace {

ObjectPtr parse(const std::string& yaml) {
  auto draft = codec::decode_object(codec::Format::kYaml, yaml, nullptr, nullptr);
  EXPECT_TRUE(draft) << (draft ? "" : draft.error().message());
  return draft->freeze();
}

constexpr int kLatestVersion = kLatest;

std::string check(Level level, int minor, const std::string& spec,
                  const std::string& annotations = "{}") {
  ObjectPtr object = parse("{apiVersion: v1, kind: Pod, metadata: {annotations: " + annotations +
                           "}, spec: " + spec + "}");
  core_v1::Pod pod(*object);
  return details(evaluate({level, minor}, {pod.metadata(), pod.spec()}));
}

std::string baseline(const std::string& spec, int minor = kLatestVersion,
                     const std::string& annotations = "{}") {
  return check(Level::kBaseline, minor, spec, annotations);
}

// A pod that the restricted policy likes, with more fields for its container and spec.
std::string restricted(const std::string& container, const std::string& spec = "",
                       int minor = kLatestVersion) {
  return check(Level::kRestricted, minor,
               "{containers: [{name: c, securityContext: {allowPrivilegeEscalation: false, "
               "runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: "
               "RuntimeDefault}" +
                   container + "}}]" + spec + "}");
}

TEST(PodSecurityTest, PrivilegedAllowsAll) {
  EXPECT_EQ(check(Level::kPrivileged, kLatest, "{hostNetwork: true, hostPID: true}"), "");
}

TEST(PodSecurityTest, Host) {
  EXPECT_EQ(baseline("{hostNetwork: true, hostIPC: true}"),
            "host namespaces (hostNetwork=true, hostIPC=true)");
  EXPECT_EQ(
      baseline("{containers: [{name: a, ports: [{hostPort: 80}, {hostPort: 9}]}, {name: b}]}"),
      "hostPort (container \"a\" uses hostPorts 80, 9)");
  EXPECT_EQ(baseline("{initContainers: [{name: a, ports: [{hostPort: 8}]}], "
                     "containers: [{name: b, ports: [{hostPort: 8}]}]}"),
            "hostPort (containers \"a\", \"b\" use hostPort 8)");
  EXPECT_EQ(baseline("{volumes: [{name: v, hostPath: {path: /}}, {name: w, emptyDir: {}}]}"),
            "hostPath volumes (volume \"v\")");
  std::string probe = "{containers: [{name: a, livenessProbe: {httpGet: {host: h, port: 1}}}]}";
  EXPECT_EQ(baseline(probe, 33), "");
  EXPECT_EQ(baseline(probe),
            "probe or lifecycle host (container \"a\" uses probe or lifecycle host \"h\")");
}

TEST(PodSecurityTest, Privileges) {
  EXPECT_EQ(baseline("{containers: [{name: a, securityContext: {privileged: true}}]}"),
            "privileged (container \"a\" must not set securityContext.privileged=true)");
  EXPECT_EQ(baseline("{ephemeralContainers: [{name: e, securityContext: {privileged: true}}]}"),
            "privileged (container \"e\" must not set securityContext.privileged=true)");
  EXPECT_EQ(baseline("{securityContext: {windowsOptions: {hostProcess: true}}, containers: [{name: "
                     "a, securityContext: {windowsOptions: {hostProcess: true}}}]}"),
            "hostProcess (pod and container \"a\" must not set "
            "securityContext.windowsOptions.hostProcess=true)");
  std::string unmasked =
      "{hostUsers: false, containers: [{name: a, securityContext: {procMount: "
      "Unmasked}}]}";
  std::string refusal =
      "procMount (container \"a\" must not set securityContext.procMount to "
      "\"Unmasked\")";
  EXPECT_EQ(baseline(unmasked, 34), refusal);
  EXPECT_EQ(baseline(unmasked, 35), "");
  EXPECT_EQ(restricted(", procMount: Unmasked", ", hostUsers: false"),
            "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")");
}

TEST(PodSecurityTest, Capabilities) {
  EXPECT_EQ(baseline("{containers: [{name: a, securityContext: {capabilities: {add: [CHOWN, "
                     "SYS_TIME, NET_ADMIN]}}}]}"),
            "non-default capabilities (container \"a\" must not include \"NET_ADMIN\", "
            "\"SYS_TIME\" in securityContext.capabilities.add)");
  EXPECT_EQ(check(Level::kRestricted, 21,
                  "{containers: [{name: c, securityContext: {runAsNonRoot: true, "
                  "allowPrivilegeEscalation: false, seccompProfile: {type: Localhost}}}]}"),
            "");
  EXPECT_EQ(restricted(", capabilities: {add: [CHOWN, NET_BIND_SERVICE]}").substr(0, 60),
            "unrestricted capabilities (container \"c\" must set securityCo");
}

TEST(PodSecurityTest, Profiles) {
  EXPECT_EQ(baseline("{securityContext: {appArmorProfile: {type: Unconfined}}, containers: [{name: "
                     "a, securityContext: {appArmorProfile: {type: Unconfined}}}]}",
                     kLatest, "{container.apparmor.security.beta.kubernetes.io/a: unconfined}"),
            "forbidden AppArmor profiles (pod and container \"a\" and annotation must not set "
            "AppArmor profile type to \"Unconfined\", "
            "\"container.apparmor.security.beta.kubernetes.io/a=\"unconfined\"\")");
  std::string spec = "{securityContext: {seccompProfile: {type: Unconfined}}}";
  std::string note = "{seccomp.security.alpha.kubernetes.io/pod: unconfined}";
  EXPECT_EQ(baseline(spec, 18, note),
            "seccompProfile (forbidden annotation "
            "seccomp.security.alpha.kubernetes.io/pod=\"unconfined\")");
  EXPECT_EQ(baseline(spec, 19, note),
            "seccompProfile (pod must not set securityContext.seccompProfile.type to "
            "\"Unconfined\")");
  EXPECT_EQ(baseline("{containers: [{name: a, securityContext: {seLinuxOptions: {type: x, user: "
                     "u, role: r}}}]}"),
            "seLinuxOptions (container \"a\" set forbidden securityContext.seLinuxOptions: type "
            "\"x\"; user may not be set; role may not be set)");
  std::string engine = "{securityContext: {seLinuxOptions: {type: container_engine_t}}}";
  EXPECT_NE(baseline(engine, 30), "");
  EXPECT_EQ(baseline(engine, 31), "");
}

TEST(PodSecurityTest, Sysctls) {
  std::string spec = "{securityContext: {sysctls: [{name: net.ipv4.tcp_rmem}, {name: kernel.x}]}}";
  EXPECT_EQ(baseline(spec, 31), "forbidden sysctls (net.ipv4.tcp_rmem, kernel.x)");
  EXPECT_EQ(baseline(spec, 32), "forbidden sysctls (kernel.x)");
}

TEST(PodSecurityTest, Restricted) {
  EXPECT_EQ(restricted(""), "");
  EXPECT_EQ(restricted("",
                       ", volumes: [{name: v, nfs: {server: s, path: /}}, {name: h, hostPath: "
                       "{path: /}}]"),
            "restricted volume types (volumes \"v\", \"h\" use restricted volume types "
            "\"hostPath\", \"nfs\")");
  EXPECT_EQ(restricted(", runAsUser: 0"), "runAsUser=0 (container \"c\" must not set runAsUser=0)");
  EXPECT_EQ(restricted(", runAsUser: 0", "", 22), "");
  EXPECT_EQ(restricted(", runAsUser: 0", ", hostUsers: false"), "");
  std::string bare = "{containers: [{name: c}]}";
  std::string all = check(Level::kRestricted, kLatest, bare);
  EXPECT_EQ(all,
            "allowPrivilegeEscalation != false (container \"c\" must set "
            "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities "
            "(container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot "
            "!= true (pod or container \"c\" must set securityContext.runAsNonRoot=true), "
            "seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type "
            "to \"RuntimeDefault\" or \"Localhost\")");
  EXPECT_EQ(check(Level::kRestricted, kLatest, "{os: {name: windows}, containers: [{name: c}]}"),
            "runAsNonRoot != true (pod or container \"c\" must set "
            "securityContext.runAsNonRoot=true)");
  EXPECT_EQ(check(Level::kRestricted, 5, bare).substr(0, 20), "runAsNonRoot != true");
  EXPECT_EQ(check(Level::kRestricted, 99, bare), all);
}

Policy labels(const std::string& text, std::string* problems = nullptr) {
  ObjectPtr object = parse("{apiVersion: v1, kind: Namespace, metadata: {labels: " + text + "}}");
  FieldErrors errors;
  Policy policy = policy_of(core_v1::Namespace(*object).metadata().labels().node(), errors);
  if (problems) {
    for (const StatusCause& cause : errors.causes()) {
      *problems += cause.field + ": " + cause.message + "\n";
    }
  }
  return policy;
}

TEST(PodSecurityTest, Labels) {
  Policy policy = labels(
      "{pod-security.kubernetes.io/enforce: baseline, "
      "pod-security.kubernetes.io/enforce-version: v1.24}");
  EXPECT_EQ(policy.enforce.text(), "baseline:v1.24");
  EXPECT_EQ(policy.warn.text(), "baseline:v1.24");
  EXPECT_EQ(policy.audit.text(), "privileged:latest");
  policy = labels(
      "{pod-security.kubernetes.io/enforce: restricted, "
      "pod-security.kubernetes.io/warn: baseline}");
  EXPECT_EQ(policy.warn.text(), "baseline:latest");
  std::string problems;
  policy = labels(
      "{pod-security.kubernetes.io/enforce: x, pod-security.kubernetes.io/warn: z, "
      "pod-security.kubernetes.io/audit-version: v1.01}",
      &problems);
  EXPECT_EQ(policy.enforce.text(), "restricted:latest");
  EXPECT_EQ(policy.warn.text(), "privileged:latest");
  EXPECT_EQ(problems,
            "metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"x\": must be "
            "one of privileged, baseline, restricted\n"
            "metadata.labels[pod-security.kubernetes.io/audit-version]: Invalid value: \"v1.01\": "
            "must be \"latest\" or \"v1.x\"\n"
            "metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: \"z\": must be one "
            "of privileged, baseline, restricted\n");
}

}  // namespace
}  // namespace tiphys::apiserver::pod_security
