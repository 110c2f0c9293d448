#include "apiserver/audit/event.h"

#include <gtest/gtest.h>

#include "apiserver/audit/source_ips.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver::audit {
namespace {

Event full_event() {
  Event event;
  event.level = Level::kRequestResponse;
  event.audit_id = "id";
  event.stage = Stage::kResponseComplete;
  event.request_uri = "/api/v1/namespaces/a/pods/b?x=<1>";
  event.verb = "update";
  event.user = {.name = "jane", .uid = "u", .groups = {"g1", "g2"}, .extra = {{"k", {"v"}}}};
  event.impersonated_user = UserInfo{.name = "joe", .uid = "", .groups = {}, .extra = {}};
  event.source_ips = {"1.2.3.4", "::1"};
  event.user_agent = "test";
  event.object_ref = ObjectReference{.resource = "pods",
                                     .ns = "a",
                                     .name = "b",
                                     .uid = "1",
                                     .group = "g",
                                     .version = "v1",
                                     .resource_version = "7",
                                     .subresource = "status"};
  Draft status = meta_v1::Status::make();
  meta_v1::StatusEdit edit(status);
  edit.edit_metadata();
  edit.set_code(200);
  event.response_status = status.freeze();
  event.request_object = std::make_shared<const std::string>("{\"a\":1}");
  event.response_object = std::make_shared<const std::string>("{\"b\":2}");
  event.received = 1'700'000'000 * kMicrosPerSecond + 120000;
  event.staged = event.received + 5;
  event.annotations.add("z", "1");
  event.annotations.add("a", "\"q\"");
  event.annotations.add("a", "later");
  return event;
}

TEST(AuditEventTest, JsonHasUpstreamsOrder) {
  EXPECT_EQ(json_line(full_event()),
            "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"RequestResponse\","
            "\"auditID\":\"id\",\"stage\":\"ResponseComplete\","
            "\"requestURI\":\"/api/v1/namespaces/a/pods/b?x=\\u003c1\\u003e\",\"verb\":\"update\","
            "\"user\":{\"username\":\"jane\",\"uid\":\"u\",\"groups\":[\"g1\",\"g2\"],"
            "\"extra\":{\"k\":[\"v\"]}},\"impersonatedUser\":{\"username\":\"joe\"},"
            "\"sourceIPs\":[\"1.2.3.4\",\"::1\"],\"userAgent\":\"test\","
            "\"objectRef\":{\"resource\":\"pods\",\"namespace\":\"a\",\"name\":\"b\",\"uid\":\"1\","
            "\"apiGroup\":\"g\",\"apiVersion\":\"v1\",\"resourceVersion\":\"7\","
            "\"subresource\":\"status\"},\"responseStatus\":{\"metadata\":{},\"code\":200},"
            "\"requestObject\":{\"a\":1},\"responseObject\":{\"b\":2},"
            "\"requestReceivedTimestamp\":\"2023-11-14T22:13:20.120000Z\","
            "\"stageTimestamp\":\"2023-11-14T22:13:20.120005Z\","
            "\"annotations\":{\"a\":\"\\\"q\\\"\",\"z\":\"1\"}}\n");
}

TEST(AuditEventTest, AnEmptyEventHasItsRequiredFields) {
  EXPECT_EQ(json_line(Event{}),
            "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"None\","
            "\"auditID\":\"\",\"stage\":\"RequestReceived\",\"requestURI\":\"\",\"verb\":\"\","
            "\"user\":{},\"requestReceivedTimestamp\":\"1970-01-01T00:00:00.000000Z\","
            "\"stageTimestamp\":\"1970-01-01T00:00:00.000000Z\"}\n");
}

TEST(AuditEventTest, LegacyIsALineOfText) {
  EXPECT_EQ(legacy_line(full_event()),
            "2023-11-14T22:13:20.12Z AUDIT: id=\"id\" stage=\"ResponseComplete\" ip=\"1.2.3.4\" "
            "method=\"update\" user=\"jane\" groups=\"\\\"g1\\\",\\\"g2\\\"\" as=\"joe\" "
            "asgroups=\"\" user-agent=\"test\" namespace=\"a\" "
            "uri=\"/api/v1/namespaces/a/pods/b?x=<1>\" response=\"200\"\n");
  EXPECT_EQ(legacy_line(Event{}),
            "1970-01-01T00:00:00Z AUDIT: id=\"\" stage=\"RequestReceived\" ip=\"<unknown>\" "
            "method=\"\" user=\"<none>\" groups=\"<none>\" as=\"<self>\" asgroups=\"<lookup>\" "
            "user-agent=\"\" namespace=\"<none>\" uri=\"\" response=\"<deferred>\"\n");
}

using Texts = std::vector<std::string>;

Texts ips(const std::string& forwarded, const std::string& real, const std::string& remote) {
  net::Headers headers;
  if (!forwarded.empty()) headers.set("x-forwarded-for", forwarded);
  if (!real.empty()) headers.set("x-real-ip", real);
  return source_ips(headers, remote);
}

TEST(AuditEventTest, SourceAddresses) {
  EXPECT_EQ(ips("", "", "10.0.0.1:4242"), (Texts{"10.0.0.1"}));
  EXPECT_EQ(ips("", "", "[2001:db8::1]:443"), (Texts{"2001:db8::1"}));
  EXPECT_EQ(ips("", "", "2001:db8::1"), (Texts{"2001:db8::1"}));
  EXPECT_EQ(ips("1.1.1.1, odd,2.2.2.2", "", "10.0.0.1:1"),
            (Texts{"1.1.1.1", "2.2.2.2", "10.0.0.1"}));
  EXPECT_EQ(ips("1.1.1.1", "1.1.1.1", "1.1.1.1:1"), (Texts{"1.1.1.1"}));
  EXPECT_EQ(ips("1.1.1.1", "2.2.2.2", "2.2.2.2:1"), (Texts{"1.1.1.1", "2.2.2.2"}));
  EXPECT_EQ(ips("", "", ""), Texts{});
}

}  // namespace
}  // namespace tiphys::apiserver::audit
