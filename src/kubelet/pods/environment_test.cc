#include "kubelet/pods/environment.h"

#include <gtest/gtest.h>

#include "kinds/pods.h"
#include "kubelet/pods/dns.h"
#include "kubelet/pods/resources.h"
#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

TEST(Expansion, FollowsTheSyntax) {
  Variables v{{"A", "1"}, {"B", ""}};
  EXPECT_EQ(expand_variables("$(A)-$(B)-$(C)", v), "1--$(C)");
  EXPECT_EQ(expand_variables("$$(A) $$ $A ${A} $", v), "$(A) $ $A ${A} $");
  EXPECT_EQ(expand_variables("$(A", v), "$(A");
  EXPECT_EQ(expand_variables("$()$(", v), "$()$(");
  EXPECT_EQ(expand_variables("$($(A))", v), "$($(A))");
  std::vector<std::string> missing;  // B has no value
  (void)expand_variables("$(Y)$(X)$(A)$(B)$(X)", v, &missing);
  EXPECT_EQ(missing, (std::vector<std::string>{"B", "X", "Y"}));
}

Result<Environment> environment_of(const std::string& container, const Fetched& fetched,
                                   const Environment& services = {}) {
  static ObjectPtr pod;
  pod = pod_of("{\"nodeName\":\"n\",\"containers\":[" + container + "]}");
  DownwardContext context{core_v1::Pod(*pod), {"10.1.0.5"}, {"192.0.2.2"}, {{"memory", "1Gi"}}};
  return container_environment(context, fetched, core_v1::Pod(*pod).spec().containers()[0],
                               services);
}

TEST(Environment, OrderReferencesAndExpansion) {
  Fetched fetched;
  fetched.config_maps.emplace(
      "m", object_of(R"({"apiVersion":"v1","kind":"ConfigMap","data":{"k":"v","z":"zz"}})"));
  Result<Environment> env = environment_of(
      R"j({"name":"a","envFrom":[{"prefix":"P_","configMapRef":{"name":"m"}}],
          "env":[{"name":"X","value":"1"},{"name":"Y","value":"$(X)$(S)$(P_k)"},
                 {"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}},
                 {"name":"L","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['app']"}}},
                 {"name":"M","valueFrom":{"resourceFieldRef":
                     {"resource":"limits.memory","divisor":"1Mi"}}},
                 {"name":"K","valueFrom":{"configMapKeyRef":{"name":"m","key":"k"}}}]})j",
      fetched, [] {
        Environment services;
        services.set("S", "s");
        return services;
      }());
  ASSERT_TRUE(env) << env.error().message();
  Variables v = env->lookup();
  EXPECT_EQ(v["Y"], "1sv");
  EXPECT_EQ(v["IP"], "10.1.0.5");
  EXPECT_EQ(v["L"], "web");
  EXPECT_EQ(v["M"], "1024");
  EXPECT_EQ(v["K"], "v");
  EXPECT_EQ(v["P_z"], "zz");
  EXPECT_EQ(v["S"], "s");
}

TEST(Environment, WhatIsMissingSaysSo) {
  Fetched fetched;
  EXPECT_EQ(environment_of(
                R"({"name":"a","env":[{"name":"X","valueFrom":{"secretKeyRef":
                  {"name":"s","key":"k"}}}]})",
                fetched)
                .error()
                .message(),
            "secret \"s\" not found");
  EXPECT_TRUE(environment_of(R"({"name":"a","env":[{"name":"X","valueFrom":{"secretKeyRef":
                                 {"name":"s","key":"k","optional":true}}}]})",
                             fetched));
  fetched.config_maps.emplace("m", object_of(R"({"apiVersion":"v1","kind":"ConfigMap"})"));
  EXPECT_EQ(environment_of(
                R"({"name":"a","env":[{"name":"X","valueFrom":{"configMapKeyRef":
                  {"name":"m","key":"k"}}}]})",
                fetched)
                .error()
                .message(),
            "couldn't find key k in ConfigMap default/m");
}

TEST(Environment, ServicesAsVariables) {
  ObjectPtr service = object_of(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"my-web"},
      "spec":{"clusterIP":"10.43.0.7","ports":[{"name":"http","port":80},
               {"name":"d","port":53,"protocol":"UDP"}]}})");
  ObjectPtr headless = object_of(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"h"},
      "spec":{"clusterIP":"None","ports":[{"port":80}]}})");
  Variables v =
      service_environment({core_v1::Service(*service), core_v1::Service(*headless)}).lookup();
  EXPECT_EQ(v["MY_WEB_SERVICE_HOST"], "10.43.0.7");
  EXPECT_EQ(v["MY_WEB_SERVICE_PORT"], "80");
  EXPECT_EQ(v["MY_WEB_SERVICE_PORT_HTTP"], "80");
  EXPECT_EQ(v["MY_WEB_PORT"], "tcp://10.43.0.7:80");
  EXPECT_EQ(v["MY_WEB_PORT_53_UDP"], "udp://10.43.0.7:53");
  EXPECT_EQ(v["MY_WEB_PORT_53_UDP_ADDR"], "10.43.0.7");
  EXPECT_FALSE(v.contains("H_SERVICE_HOST"));
}

TEST(Resources, SharesQuotasAndClasses) {
  EXPECT_EQ(cpu_shares_of_milli(0), 2);
  EXPECT_EQ(cpu_shares_of_milli(100), 102);
  EXPECT_EQ(cpu_shares_of_milli(INT64_MAX), 262'144);
  EXPECT_EQ(cpu_quota_of_milli(0, 100'000), 0);
  EXPECT_EQ(cpu_quota_of_milli(1, 100'000), 1000);
  EXPECT_EQ(cpu_quota_of_milli(500, 100'000), 50'000);
  ObjectPtr pod = pod_of(R"({"containers":[
      {"name":"a","resources":{"requests":{"cpu":"100m","memory":"64Mi"},
                                "limits":{"cpu":"200m","memory":"64Mi"}}},
      {"name":"b","resources":{"requests":{"cpu":"50m"}}}]})");
  core_v1::Pod p(*pod);
  EXPECT_EQ(kinds::qos_class(p.spec()), "Burstable");
  EXPECT_EQ(pod_cgroup("", p), "/kubepods/burstable/podu");
  os::CgroupLimits limits = pod_limits(p.spec(), LimitRules());
  EXPECT_EQ(limits.cpu_shares, 153);
  EXPECT_EQ(limits.cpu_quota_us, 0) << "one container has no limit";
  EXPECT_EQ(container_limits(p.spec(), p.spec().containers()[0], LimitRules()).memory_bytes,
            64 << 20);
}

TEST(Dns, PoliciesAndLimits) {
  DnsSettings host =
      parse_resolv_conf("nameserver 10.0.0.1\nsearch corp.example .\noptions rotate\n# x\njunk\n");
  ObjectPtr pod =
      pod_of(R"({"containers":[],"dnsConfig":{"options":[{"name":"ndots","value":"2"}]}})");
  DnsSettings dns = pod_dns(core_v1::Pod(*pod), host, {"10.43.0.10"}, "cluster.local");
  EXPECT_EQ(dns.servers, (std::vector<std::string>{"10.43.0.10"}));
  EXPECT_EQ(dns.searches,
            (std::vector<std::string>{"default.svc.cluster.local", "svc.cluster.local",
                                      "cluster.local", "corp.example"}));
  EXPECT_EQ(dns.options, (std::vector<std::string>{"ndots:2"}));
  ObjectPtr host_net = pod_of(R"({"containers":[],"hostNetwork":true})");
  EXPECT_EQ(pod_dns(core_v1::Pod(*host_net), host, {"10.43.0.10"}, "c").servers[0], "10.0.0.1");
  EXPECT_TRUE(dns.omitted.empty());
  std::string searches;
  for (int i = 0; i < 40; ++i) searches += ",\"s" + std::to_string(i) + "\"";
  ObjectPtr many = pod_of(R"({"containers":[],"dnsPolicy":"None","dnsConfig":{
      "nameservers":["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"],"searches":["x")" +
                          searches + "]}}");
  dns = pod_dns(core_v1::Pod(*many), host, {"10.43.0.10"}, "c");
  EXPECT_EQ(dns.servers.size(), 3u);
  EXPECT_EQ(dns.searches.size(), 32u);
  ASSERT_EQ(dns.omitted.size(), 2u);
  EXPECT_EQ(dns.omitted[0],
            "Nameserver limits were exceeded, some nameservers have been omitted, the applied "
            "nameserver line is: 1.1.1.1 1.1.1.2 1.1.1.3");
}

TEST(Dns, NamesOfPods) {
  auto names = [](const std::string& spec) {
    ObjectPtr pod = pod_of("{\"containers\":[]," + spec + "}");
    Result<std::string> kernel = kernel_hostname(core_v1::Pod(*pod), "cluster.local");
    return pod_hostname(core_v1::Pod(*pod)) + " " + pod_fqdn(core_v1::Pod(*pod), "cluster.local") +
           " " + (kernel ? *kernel : kernel.error().message());
  };
  EXPECT_EQ(names(R"("hostname":"h")"), "h  h");
  EXPECT_EQ(names(R"("subdomain":"s")"), "p p.s.default.svc.cluster.local p");
  EXPECT_EQ(names(R"("subdomain":"s","setHostnameAsFQDN":true)"),
            "p p.s.default.svc.cluster.local p.s.default.svc.cluster.local");
  EXPECT_EQ(names(R"("setHostnameAsFQDN":true)"), "p  p");
  EXPECT_EQ(names(R"("hostname":"h","subdomain":"s","hostnameOverride":"a.b.example")"),
            "a.b.example  a.b.example");
  std::string sub(40, 's');
  std::string fqdn = "p." + sub + ".default.svc.cluster.local";
  EXPECT_EQ(names(R"("setHostnameAsFQDN":true,"subdomain":")" + sub + "\""),
            "p " + fqdn + " failed to construct FQDN from pod hostname and cluster domain, FQDN " +
                fqdn + " is too long (64 characters is the max, 68 characters requested)");
}

}  // namespace
}  // namespace tiphys::kubelet
