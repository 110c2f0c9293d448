#include "kubelet/pods/admission.h"

#include <gtest/gtest.h>

#include "kubelet/pods/sysctls.h"
#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

ObjectPtr node_of(const std::string& spec = "{}") {
  return object_of(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"spec":)" + spec +
                   R"(,"status":{"allocatable":{"cpu":"2","memory":"4Gi","pods":"2"}}})");
}

std::string one_container(const std::string& more, const std::string& requests = "{}") {
  return "{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":" + requests + "}}]" +
         (more.empty() ? "" : "," + more) + "}";
}

// "reason: message" of the refusal; "": admitted.
std::string judged(const std::string& spec, AdmissionInput input = {},
                   const std::string& node_spec = "{}") {
  ObjectPtr node = node_of(node_spec);
  ObjectPtr pod = pod_of(spec);
  input.node = core_v1::Node(*node);
  std::optional<Why> why = admit_pod(input, core_v1::Pod(*pod));
  return why ? why->reason + ": " + why->message : "";
}

TEST(Admission, ResourcesThatAreTaken) {
  ObjectPtr other = pod_of(one_container("", R"({"cpu":"1500m"})"));
  AdmissionInput input;
  input.active = {core_v1::Pod(*other)};
  EXPECT_EQ(judged(one_container("", R"({"cpu":"500m"})"), input), "");
  EXPECT_EQ(judged(one_container("", R"({"cpu":"501m"})"), input),
            "OutOfcpu: Node didn't have enough resource: cpu, requested: 501, used: 1500, "
            "capacity: 2000");
  EXPECT_EQ(judged(one_container("", R"({"memory":"5Gi"})"), input),
            "OutOfmemory: Node didn't have enough resource: memory, requested: 5368709120, used: "
            "0, capacity: 4294967296");
  EXPECT_EQ(judged(one_container("\"overhead\":{\"cpu\":\"1\"}"), input).substr(0, 9), "OutOfcpu:");
  EXPECT_EQ(judged(one_container("", R"({"example.com/thing":"1"})"), input), "")
      << "the node doesn't know it: the cluster's";
  input.active = {core_v1::Pod(*other), core_v1::Pod(*other)};
  EXPECT_EQ(
      judged(one_container(""), input),
      "OutOfpods: Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2");
}

TEST(Admission, TaintsPortsAndSelectors) {
  std::string tainted = R"({"taints":[{"key":"k","effect":"NoExecute"},
      {"key":"later","effect":"NoSchedule"}]})";
  EXPECT_EQ(judged(one_container(""), {}, tainted),
            "TaintToleration: Predicate TaintToleration failed: node(s) had taints that the pod "
            "didn't tolerate");
  EXPECT_EQ(judged(one_container(R"("tolerations":[{"operator":"Exists"}])"), {}, tainted), "");
  EXPECT_EQ(judged(one_container(R"("nodeSelector":{"a":"b"})")).substr(0, 13), "NodeAffinity:");
  const char* port = R"({"containers":[{"name":"a","ports":[{"containerPort":1,"hostPort":80}]}]})";
  ObjectPtr other = pod_of(port);
  AdmissionInput input;
  input.active = {core_v1::Pod(*other)};
  EXPECT_EQ(judged(port, input).substr(0, 10), "NodePorts:");
  auto at = [](std::string_view more, std::string_view list = "containers") {
    return R"({")" + std::string(list) + R"(":[{"name":"a","restartPolicy":"Always","ports":[
        {"containerPort":1,"hostPort":80,)" +
           std::string(more) + "}]}]}";
  };
  EXPECT_EQ(judged(at(R"("protocol":"UDP")"), input), "");
  EXPECT_EQ(judged(at(R"("hostIP":"127.0.0.1")"), input).substr(0, 10), "NodePorts:");
  EXPECT_EQ(judged(at(R"("protocol":"TCP")", "initContainers"), input).substr(0, 10), "NodePorts:");
  ObjectPtr loopback = pod_of(at(R"("hostIP":"127.0.0.1")"));
  input.active = {core_v1::Pod(*loopback)};
  EXPECT_EQ(judged(at(R"("hostIP":"127.0.0.1")"), input).substr(0, 10), "NodePorts:");
  EXPECT_EQ(judged(at(R"("hostIP":"192.0.2.1")"), input), "") << "another address";
}

TEST(Admission, WhatTheHostCannot) {
  EXPECT_EQ(judged(one_container(R"("os":{"name":"windows"})")),
            "PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS");
  std::string strict = one_container(R"("securityContext":{"supplementalGroupsPolicy":"Strict"})");
  EXPECT_EQ(judged(strict),
            "SupplementalGroupsPolicyNotSupported: SupplementalGroupsPolicy=Strict is not "
            "supported in this node");
  EXPECT_EQ(judged(strict, {.allowed_unsafe_sysctls = {}, .supplemental_groups_policy = true}), "");
  std::string armed =
      one_container(R"("securityContext":{"appArmorProfile":{"type":"RuntimeDefault"}})");
  EXPECT_EQ(judged(armed),
            "AppArmor: Cannot enforce AppArmor: AppArmor is not enabled on the host");
  EXPECT_EQ(judged(armed, {.allowed_unsafe_sysctls = {}, .apparmor = true}), "");
  EXPECT_EQ(judged(one_container(R"("securityContext":{"appArmorProfile":{"type":"Unconfined"}})")),
            "");
}

TEST(Admission, Sysctls) {
  auto sysctl = [](const std::string& name, const std::string& more = "") {
    return one_container(R"("securityContext":{"sysctls":[{"name":")" + name +
                         R"(","value":"1"}]})" + more);
  };
  EXPECT_EQ(judged(sysctl("net.ipv4.tcp_syncookies")), "");
  EXPECT_EQ(judged(sysctl("kernel/shm_rmid_forced")), "");
  EXPECT_EQ(judged(sysctl("kernel.msgmax")),
            "SysctlForbidden: forbidden sysctl: \"kernel.msgmax\" not allowlisted");
  AdmissionInput input{.allowed_unsafe_sysctls = {"kernel.msg*", "net.core.somaxconn"}};
  EXPECT_EQ(judged(sysctl("kernel.msgmax"), input), "");
  EXPECT_EQ(judged(sysctl("net.core.somaxconn", ",\"hostNetwork\":true"), input),
            "SysctlForbidden: forbidden sysctl: \"net.core.somaxconn\" not allowed with host net "
            "enabled");
  EXPECT_EQ(judged(sysctl("kernel.msgmax", ",\"hostIPC\":true"), input),
            "SysctlForbidden: forbidden sysctl: \"kernel.msgmax\" not allowed with host ipc "
            "enabled");
  EXPECT_EQ(allowed_sysctl_problem("net.*"), "");
  EXPECT_EQ(allowed_sysctl_problem("vm.swappiness"),
            "the sysctl \"vm.swappiness\" are not known to be namespaced");
  EXPECT_EQ(dotted_sysctl("net/ipv4/conf/eth0.1/forwarding"), "net.ipv4.conf.eth0/1.forwarding");
}

}  // namespace
}  // namespace tiphys::kubelet
