// The audit log of a whole API server: what each kind of request leaves in it.
#include "apiserver/audit/auditor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/admission/plugins.h"
#include "apiserver/api_server.h"
#include "apiserver/audit/fake_sink.h"
#include "apiserver/audit/options.h"
#include "apiserver/audit/policy_file.h"
#include "codec/codec.h"
#include "net/test_world.h"
#include "storage/memory/memory_store.h"

namespace tiphys::apiserver {
namespace {

using audit::FakeSink;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kPods[] = "/api/v1/namespaces/default/pods";

// "bad" has no user; everybody else is who the header "who" says.
class ByHeader : public Authenticator {
 public:
  Result<std::optional<Authenticated>> authenticate(const net::Request& request) override {
    std::string_view who = request.headers.get("who");
    if (who == "bad") return ApiStatus::unauthorized();
    Authenticated found;
    found.user.name = who.empty() ? "admin" : who;
    return std::optional(std::move(found));
  }
  Result<std::optional<Authenticated>> authenticate_token(
      std::string_view, const std::vector<std::string>&) override {
    return std::optional<Authenticated>();
  }
};

class AdminOnly : public Authorizer {
 public:
  Verdict authorize(const UserInfo& user, const Attributes&) override {
    if (user.name == "admin") return {Decision::kAllow, "it is admin"};
    return {Decision::kNoOpinion, "not admin"};
  }
};

class AuditorTest : public testing::Test {
 protected:
  AuditorTest()
      : store_(storage::make_memory_store(loop_)),
        server_(loop_, pool_, *store_, random_, ApiServerOptions{}) {
    server_.set_authenticator(std::make_unique<ByHeader>());
    server_.set_authorizer(std::make_unique<AdminOnly>());
    AdmissionParts parts;
    parts.loop = &loop_;
    parts.lookup = &server_.lookup();
    parts.random = &random_;
    parts.write_status = [this](Draft object) { return server_.put_status(std::move(object)); };
    auto chain = make_admission(parts, {}, {"ServiceAccount"});
    for (auto& plugin : *chain) server_.add_admission(std::move(plugin));
    EXPECT_TRUE(net::run_task(loop_, server_.start()));
  }
  ~AuditorTest() override {
    net::run_task(loop_, server_.stop());
    if (auditor_) net::run_task(loop_, auditor_->stop());
    net::run_task(loop_, store_->stop());
  }

  void audit(const std::string& rules, audit::Mode mode = audit::Mode::kBlocking,
             const std::string& more = "") {
    auto loaded = audit::parse_policy("{apiVersion: audit.k8s.io/v1, kind: Policy, " + more +
                                      "rules: " + rules + "}");
    ASSERT_TRUE(loaded) << loaded.error().message();
    auto sink = std::make_unique<FakeSink>();
    sink_ = sink.get();
    auto backend = std::make_shared<audit::Backend>(loop_, pool_, std::move(sink),
                                                    audit::BackendOptions{.mode = mode});
    auditor_ = std::make_shared<audit::Auditor>(loaded->policy, backend, loop_);
    server_.set_auditor(auditor_);
  }

  net::Response ask(const std::string& method, const std::string& target,
                    const std::string& body = "",
                    const std::vector<net::Headers::Entry>& headers = {}) {
    net::Request request;
    request.method = method;
    size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    request.body = body;
    request.headers.set("content-type", "application/yaml");
    request.headers.set("user-agent", "test/1.0");
    request.remote_address = "10.0.0.9:1234";
    for (const auto& header : headers) request.headers.set(header.name, header.value);
    return net::run_task(loop_, server_.handle(std::move(request)));
  }

  // The stages in the log.
  std::vector<std::string> stages() {
    std::vector<std::string> found;
    for (const std::string& line : sink_->lines()) found.push_back(at(line, {"stage"}));
    return found;
  }
  std::string last(std::initializer_list<std::string_view> path) {
    return sink_->lines().empty() ? "<no line>" : at(sink_->lines().back(), path);
  }
  static std::string at(const std::string& json, std::initializer_list<std::string_view> path) {
    Arena arena;
    auto any = codec::decode_json_any(json, arena);
    if (!any) return "<no JSON: " + json + ">";
    const Value* value = &*any;
    for (std::string_view name : path) value = &value->as_node().find(name);
    if (value->type == ValueType::kString) return std::string(value->as_text());
    std::string text;
    if (!value->is_null()) codec::encode_json_any(*value, text);
    return text;
  }
  void label_default(const std::string& labels) {
    net::Response done =
        ask("PATCH", "/api/v1/namespaces/default", "{\"metadata\": {\"labels\": {" + labels + "}}}",
            {{"content-type", "application/merge-patch+json"}});
    ASSERT_EQ(done.status, 200) << *done.body;
  }

  EpollLoop loop_;
  WorkerPool pool_{1};
  SeededRandom random_{7};
  std::unique_ptr<storage::Store> store_;
  ApiServer server_;
  FakeSink* sink_ = nullptr;
  std::shared_ptr<audit::Auditor> auditor_;
};

constexpr char kPod[] =
    "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {hostNetwork: true, containers: "
    "[{name: c, image: i}]}}";

TEST_F(AuditorTest, ARequestLeavesItsMetadata) {
  audit("[{level: Metadata}]");
  net::Response answer = ask("GET", std::string(kPods) + "?limit=1", "",
                             {{"x-forwarded-for", "1.2.3.4"}, {"audit-id", "mine"}});
  EXPECT_EQ(answer.headers.get("audit-id"), "mine");
  EXPECT_THAT(stages(), ElementsAre("RequestReceived", "ResponseComplete"));
  EXPECT_EQ(last({"auditID"}), "mine");
  EXPECT_EQ(last({"verb"}), "list");
  EXPECT_EQ(last({"requestURI"}), std::string(kPods) + "?limit=1");
  EXPECT_EQ(last({"user", "username"}), "admin");
  EXPECT_EQ(last({"sourceIPs"}), R"(["1.2.3.4","10.0.0.9"])");
  EXPECT_EQ(last({"objectRef"}), R"({"apiVersion":"v1","namespace":"default","resource":"pods"})");
  EXPECT_EQ(last({"responseStatus"}), R"({"code":200,"metadata":{}})");
  EXPECT_EQ(last({"annotations"}), R"({"authorization.k8s.io/decision":"allow",)"
                                   R"("authorization.k8s.io/reason":"it is admin"})");
  EXPECT_EQ(last({"responseObject"}), "");
}

TEST_F(AuditorTest, NothingIsWrittenOfLevelNoneNorOfOmittedStages) {
  audit("[{level: None, nonResourceURLs: [\"/livez*\"]}, {level: Metadata}]",
        audit::Mode::kBlocking, "omitStages: [RequestReceived], ");
  ask("GET", "/livez");
  EXPECT_TRUE(sink_->lines().empty());
  ask("GET", "/version");
  EXPECT_THAT(stages(), ElementsAre("ResponseComplete"));
  EXPECT_EQ(last({"verb"}), "get");
  EXPECT_EQ(last({"objectRef"}), "");
}

TEST_F(AuditorTest, LevelsTellObjects) {
  audit("[{level: Request, verbs: [create]}, {level: RequestResponse, omitManagedFields: true}]");
  EXPECT_EQ(ask("POST", kPods, kPod).status, 201);
  EXPECT_EQ(last({"requestObject", "metadata"}), R"({"name":"a"})");
  EXPECT_EQ(last({"requestObject", "spec", "dnsPolicy"}), "ClusterFirst");
  EXPECT_EQ(last({"objectRef", "name"}), "a");
  EXPECT_EQ(last({"responseObject"}), "");
  ask("GET", std::string(kPods) + "/a", "", {{"accept", "application/yaml"}});
  EXPECT_EQ(last({"responseObject", "metadata", "name"}), "a");
  EXPECT_EQ(last({"responseObject", "metadata", "managedFields"}), "");
  ask("GET", kPods, "", {{"accept", "application/json;as=Table;g=meta.k8s.io;v=v1"}});
  EXPECT_EQ(last({"responseObject", "kind"}), "Table");
  EXPECT_THAT(sink_->lines().back(), Not(HasSubstr("managedFields")));
  ask("DELETE", std::string(kPods) + "/a",
      "{apiVersion: v1, kind: DeleteOptions, gracePeriodSeconds: 0}");
  EXPECT_EQ(last({"requestObject"}),
            R"({"apiVersion":"v1","gracePeriodSeconds":0,"kind":"DeleteOptions"})");
}

TEST_F(AuditorTest, PatchesAreToldAsTheyCame) {
  audit("[{level: Request}]");
  net::Response done =
      ask("PATCH", "/api/v1/namespaces/default",
          "{\"metadata\" : {\"annotations\": {\"b\": \"<1> \\\" {\", \"a\" : \"2\"}}}",
          {{"content-type", "application/merge-patch+json"}});
  EXPECT_EQ(done.status, 200);
  EXPECT_THAT(sink_->lines().back(),
              HasSubstr("\"requestObject\":{\"metadata\":{\"annotations\":{\"b\":\"\\u003c1\\u003e "
                        "\\\" {\",\"a\":\"2\"}}}"));
  done = ask("PATCH", "/api/v1/namespaces/default?fieldManager=m",
             "{apiVersion: v1, kind: Namespace, metadata: {name: default}}",
             {{"content-type", "application/apply-patch+yaml"}});
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(last({"requestObject", "metadata", "name"}), "default");
}

TEST_F(AuditorTest, FailuresAreToldWithTheirStatus) {
  audit("[{level: Metadata}]");
  ask("GET", std::string(kPods) + "/none");
  EXPECT_EQ(last({"responseStatus", "reason"}), "NotFound");
  EXPECT_EQ(last({"responseStatus", "code"}), "404");
  ask("GET", kPods, "", {{"who", "joe"}});
  EXPECT_EQ(last({"responseStatus", "code"}), "403");
  EXPECT_EQ(last({"annotations", "authorization.k8s.io/decision"}), "forbid");
  EXPECT_EQ(last({"annotations", "authorization.k8s.io/reason"}), "not admin");
}

TEST_F(AuditorTest, WhoIsNobodyLeavesOneEvent) {
  audit("[{level: Metadata}]");
  EXPECT_EQ(ask("GET", kPods, "", {{"who", "bad"}}).status, 401);
  EXPECT_THAT(stages(), ElementsAre("ResponseStarted"));
  EXPECT_EQ(last({"user"}), "{}");
  EXPECT_EQ(last({"responseStatus", "reason"}), "Unauthorized");
  EXPECT_EQ(ask("GET", std::string(kPods) + "?timeout=x").status, 400);
  EXPECT_THAT(stages(), ElementsAre("ResponseStarted", "ResponseStarted"));
}

TEST_F(AuditorTest, AnImpersonatedUserStandsBesideTheOther) {
  audit("[{level: Metadata, users: [admin]}]");
  ask("GET", kPods, "", {{"impersonate-user", "joe"}});
  EXPECT_EQ(last({"user", "username"}), "admin");
  EXPECT_EQ(last({"impersonatedUser", "username"}), "joe");
  EXPECT_EQ(last({"responseStatus", "code"}), "403");
}

TEST_F(AuditorTest, AWatchStartsAndCompletes) {
  audit("[{level: Metadata}]");
  {
    net::Response watch = ask("GET", std::string(kPods) + "?watch=1");
    ASSERT_TRUE(watch.stream);
    EXPECT_THAT(stages(), ElementsAre("RequestReceived", "ResponseStarted"));
  }
  ask("GET", "/version");  // what is written comes in order
  EXPECT_THAT(stages(), ElementsAre("RequestReceived", "ResponseStarted", "ResponseComplete",
                                    "RequestReceived", "ResponseComplete"));
}

TEST_F(AuditorTest, PodSecurityAuditsViolations) {
  label_default("\"pod-security.kubernetes.io/audit\": \"baseline\"");
  audit("[{level: Metadata}]");
  EXPECT_EQ(ask("POST", kPods, kPod).status, 201);
  EXPECT_EQ(last({"annotations", "pod-security.kubernetes.io/enforce-policy"}),
            "privileged:latest");
  EXPECT_EQ(last({"annotations", "pod-security.kubernetes.io/audit-violations"}),
            "would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)");
  ask("POST", "/api/v1/namespaces/default/podtemplates",
      "{apiVersion: v1, kind: PodTemplate, metadata: {name: t}, template: {spec: {hostPID: true, "
      "containers: [{name: c, image: i}]}}}");
  EXPECT_EQ(last({"annotations", "pod-security.kubernetes.io/enforce-policy"}), "");
  EXPECT_EQ(last({"annotations", "pod-security.kubernetes.io/audit-violations"}),
            "would violate PodSecurity \"baseline:latest\": host namespaces (hostPID=true)");
}

TEST_F(AuditorTest, DeprecatedResourcesAreMarked) {
  audit("[{level: Metadata}]");
  ask("GET", "/api/v1/namespaces/default/endpoints");
  EXPECT_EQ(last({"annotations", "k8s.io/deprecated"}), "true");
}

TEST_F(AuditorTest, TruncatedUserAgents) {
  audit("[{level: Metadata}]");
  ask("GET", "/version", "", {{"user-agent", std::string(audit::kMaxUserAgentBytes + 1, 'u')}});
  EXPECT_EQ(last({"userAgent"}), std::string(audit::kMaxUserAgentBytes, 'u') + "...TRUNCATED");
}

TEST_F(AuditorTest, StrictRefusesWhatItCannotStore) {
  audit("[{level: Metadata, verbs: [get]}]", audit::Mode::kBlockingStrict);
  sink_->fail(true);
  net::Response answer = ask("GET", "/version?a=<b>");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(*answer.body,
            "Internal Server Error: \"/version?a=&lt;b&gt;\": failed to store audit event\n");
  EXPECT_EQ(auditor_->counts().rejected, 1u);
  EXPECT_EQ(ask("GET", kPods).status, 200) << "no event, no refusal";
}

TEST_F(AuditorTest, CallsInProcessAreAudited) {
  audit("[{level: RequestResponse}]");
  InProcessRequest request{.method = "GET", .path = std::string(kPods) + "/none"};
  request.user.name = "admin";
  EXPECT_FALSE(net::run_task(loop_, server_.call(std::move(request))));
  EXPECT_THAT(stages(), ElementsAre("RequestReceived", "ResponseComplete"));
  EXPECT_EQ(last({"responseObject", "kind"}), "Status");
  EXPECT_EQ(last({"sourceIPs"}), "");
  {
    InProcessRequest watch{.method = "GET", .path = kPods, .query = "watch=true"};
    watch.user.name = "admin";
    EXPECT_TRUE(net::run_task(loop_, server_.call(std::move(watch))));
  }
  ask("GET", "/version");
  EXPECT_EQ(stages()[4], "ResponseComplete");
}

TEST(AuditOptionsTest, FaultsAreToldAsUpstream) {
  audit::Options options;
  options.log_mode = "odd";
  EXPECT_TRUE(audit::faults(options).empty()) << "there is no log";
  options.log_path = "-";
  options.truncate_max_event_size = 0;
  options.log_version = "audit.k8s.io/v2";
  options.log_format = "xml";
  options.log_max_age = -1;
  EXPECT_THAT(audit::faults(options),
              ElementsAre("invalid audit log mode odd, allowed modes are "
                          "\"batch,blocking,blocking-strict\"",
                          "invalid audit truncate log max event size 0, must be a positive number",
                          "invalid group version, allowed versions are [\"audit.k8s.io/v1\"]",
                          "invalid audit log format xml, allowed formats are \"legacy,json\"",
                          "--audit-log-maxage -1 can't be a negative number"));
  options = {.log_path = "-", .log_mode = "batch", .batch_buffer_size = 0};
  EXPECT_THAT(audit::faults(options),
              ElementsAre("invalid audit batch log buffer size 0, must be a positive number"));
}

}  // namespace
}  // namespace tiphys::apiserver
