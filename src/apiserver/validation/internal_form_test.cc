#include "apiserver/validation/internal_form.h"

#include "apiserver/validation/rules_fixture.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

ObjectPtr pod_of(std::string_view spec) {
  return object_of(R"({"apiVersion":"v1","kind":"Pod","spec":)" + std::string(spec) + "}");
}

std::string form_of(const ObjectPtr& pod) {
  return internal_form(core_v1::PodSpec::message_type(), core_v1::Pod(*pod).spec().node());
}

TEST(InternalForm, EveryFieldIsThereUnderItsGoName) {
  std::string form = form_of(pod_of(R"({"hostNetwork":true,"dnsPolicy":"<any>",
      "nodeSelector":{"b":"1","a":"2"},"volumes":[{"name":"v","rbd":{"image":"i"}}],
      "containers":[{"name":"c","resources":{"limits":{"cpu":"1"}},
      "livenessProbe":{"httpGet":{"port":"web"}}}]})"));
  EXPECT_NE(form.find("{\n \"Volumes\": [\n  {\n   \"Name\": \"v\",\n   \"HostPath\": null,\n"),
            form.npos)
      << form;
  EXPECT_NE(form.find("   \"RBD\": {\n    \"CephMonitors\": null,\n    \"RBDImage\": \"i\",\n"),
            form.npos)
      << form;
  EXPECT_NE(form.find("   \"Resources\": {\n    \"Limits\": {\n     \"cpu\": \"1\"\n    },\n"
                      "    \"Requests\": null,\n    \"Claims\": null\n   },\n"),
            form.npos)
      << form;
  EXPECT_NE(form.find("   \"LivenessProbe\": {\n    \"Exec\": null,\n    \"HTTPGet\": {\n"
                      "     \"Path\": \"\",\n     \"Port\": \"web\",\n"),
            form.npos)
      << form;
  EXPECT_NE(form.find(" \"DNSPolicy\": \"\\u003cany\\u003e\",\n"
                      " \"NodeSelector\": {\n  \"a\": \"2\",\n  \"b\": \"1\"\n },\n"),
            form.npos)
      << form;
  EXPECT_NE(form.find(" \"SecurityContext\": {\n  \"HostNetwork\": true,\n  \"HostPID\": false,\n"),
            form.npos)
      << form;
  EXPECT_EQ(form.find("\"HostNetwork\"", form.find("\"HostPID\"")), form.npos) << form;
}

TEST(InternalForm, Difference) {
  ObjectPtr before = pod_of(R"({"hostname":"a","containers":[{"name":"c"}]})");
  ObjectPtr after = pod_of(R"({"hostname":"b","containers":[{"name":"c"}]})");
  EXPECT_EQ(internal_diff(core_v1::PodSpec::message_type(), core_v1::Pod(*before).spec().node(),
                          core_v1::Pod(*after).spec().node()),
            "@@ -64,7 +64,7 @@\n"
            "   \"SELinuxChangePolicy\": null\n  },\n  \"ImagePullSecrets\": null,\n"
            "- \"Hostname\": \"a\",\n+ \"Hostname\": \"b\",\n"
            "  \"Subdomain\": \"\",\n  \"SetHostnameAsFQDN\": null,\n  \"Affinity\": null,\n");
}

TEST(InternalForm, LongOnesAreNotCompared) {
  std::string many = R"({"hostname":"a","nodeSelector":{)";
  for (size_t i = 0; i < kMaxDiffLines; ++i) many += "\"k" + std::to_string(i) + "\":\"\",";
  many += R"("z":""}})";
  ObjectPtr before = pod_of(many);
  ObjectPtr after = pod_of(R"({"hostname":"b"})");
  EXPECT_EQ(internal_diff(core_v1::PodSpec::message_type(), core_v1::Pod(*before).spec().node(),
                          core_v1::Pod(*after).spec().node()),
            "");
}

}  // namespace
}  // namespace tiphys::apiserver
