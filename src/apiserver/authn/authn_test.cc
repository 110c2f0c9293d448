#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/authn/client_certificate.h"
#include "apiserver/authn/impersonation.h"
#include "apiserver/authn/legacy_token_tracker.h"
#include "apiserver/authn/request_authenticator.h"
#include "apiserver/memory_lookup.h"
#include "async/sim_loop.h"
#include "base/strings.h"
#include "kinds/authentication_v1.h"

namespace tiphys::apiserver {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPodYaml = R"(
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, uid: pod-uid},
 spec: {serviceAccountName: seller, nodeName: n1, containers: [{name: a, image: b}]}})";

class AuthnTest : public testing::Test {
 protected:
  AuthnTest() {
    lookup_.put(R"({apiVersion: v1, kind: ServiceAccount,
                    metadata: {name: seller, namespace: shop, uid: sa-uid}})");
    lookup_.put(kPodYaml);
    lookup_.put("{apiVersion: v1, kind: Node, metadata: {name: n1, uid: node-uid}}");
  }
  ObjectPtr request(const std::string& spec) {
    auto draft = codec::decode_object(
        codec::Format::kYaml,
        "{apiVersion: authentication.k8s.io/v1, kind: TokenRequest, spec: " + spec + "}", nullptr,
        nullptr);
    return draft->freeze();
  }
  std::string token(const std::string& spec = "{expirationSeconds: 3600}") {
    auto answer = tokens_.issue("shop", "seller", *request(spec), &warnings_);
    EXPECT_TRUE(answer) << answer.error().message();
    return std::string(authentication_v1::TokenRequest(**answer).status().token());
  }
  std::string issue_error(const std::string& spec, const std::string& account = "seller") {
    auto answer = tokens_.issue("shop", account, *request(spec), &warnings_);
    return answer ? "" : answer.error().message();
  }
  Result<std::optional<Authenticated>> authenticate(const std::string& bearer) {
    net::Request request;
    request.path = "/api/v1/pods";
    if (!bearer.empty()) request.headers.add("authorization", "Bearer " + bearer);
    return authenticator_.authenticate(request);
  }
  std::string who(const std::string& bearer) {
    auto result = authenticate(bearer);
    if (!result) return "error " + std::to_string(result.error().code());
    return *result ? (*result)->user.name : "nobody";
  }
  SimLoop loop_;
  SeededRandom random_{1};
  MemoryLookup lookup_;
  std::vector<std::string> warnings_;
  crypto::PrivateKey key_ = *crypto::PrivateKey::generate();
  ServiceAccountTokens tokens_{
      {}, key_, {*crypto::VerificationKey::from_pem(key_.public_pem())}, lookup_, loop_, random_};
  RequestAuthenticator authenticator_{
      loop_, *TokenFile::parse("admintoken,admin,admin-id,\"system:masters,x\"\n"), &tokens_,
      tokens_.api_audiences()};
};

TEST_F(AuthnTest, TokenOfAServiceAccount) {
  auto result = authenticate(token());
  ASSERT_TRUE(result && *result);
  const UserInfo& user = (*result)->user;
  EXPECT_EQ(user.name, "system:serviceaccount:shop:seller");
  EXPECT_EQ(user.uid, "sa-uid");
  EXPECT_THAT(user.groups, ElementsAre("system:serviceaccounts", "system:serviceaccounts:shop",
                                       "system:authenticated"));
}

TEST_F(AuthnTest, TokenExpires) {
  std::string text = token("{expirationSeconds: 600}");
  loop_.run_for(std::chrono::seconds(598));
  EXPECT_EQ(who(text), "system:serviceaccount:shop:seller");
  loop_.run_for(std::chrono::seconds(3));
  EXPECT_EQ(who(text), "error 401");
}

TEST_F(AuthnTest, TokenFromTheFutureIsRefused) {
  std::string text = token();
  loop_.jump_wall(-std::chrono::hours(1));
  EXPECT_EQ(who(text), "error 401");
}

TEST_F(AuthnTest, TokenDiesWithItsServiceAccountOrPod) {
  std::string bound = token("{boundObjectRef: {kind: Pod, apiVersion: v1, name: web}}");
  std::string plain = token();
  EXPECT_EQ(who(bound), "system:serviceaccount:shop:seller");
  lookup_.remove("", "pods", "shop", "web");
  EXPECT_EQ(who(bound), "error 401");
  EXPECT_EQ(who(plain), "system:serviceaccount:shop:seller");
  lookup_.put(R"({apiVersion: v1, kind: ServiceAccount,
                  metadata: {name: seller, namespace: shop, uid: another}})");
  EXPECT_EQ(who(plain), "error 401");
}

TEST_F(AuthnTest, TokenOutlivesDeletionByAMinuteOnly) {
  std::string bound = token("{boundObjectRef: {kind: Pod, apiVersion: v1, name: web}}");
  std::string yaml = kPodYaml;
  yaml.replace(yaml.find("uid: pod-uid"), 12,
               "uid: pod-uid, deletionTimestamp: \"" + format_rfc3339(loop_.wall()) + "\"");
  lookup_.put(yaml);
  EXPECT_EQ(who(bound), "system:serviceaccount:shop:seller");
  loop_.run_for(std::chrono::seconds(62));
  EXPECT_EQ(who(bound), "error 401");
}

TEST_F(AuthnTest, PodsTokenSaysWhere) {
  auto result = authenticate(token("{boundObjectRef: {kind: Pod, apiVersion: v1, name: web}}"));
  auto extra = (*result)->user.extra;
  EXPECT_THAT(extra["authentication.kubernetes.io/pod-name"], ElementsAre("web"));
  EXPECT_THAT(extra["authentication.kubernetes.io/pod-uid"], ElementsAre("pod-uid"));
  EXPECT_THAT(extra["authentication.kubernetes.io/node-name"], ElementsAre("n1"));
  EXPECT_THAT(extra["authentication.kubernetes.io/node-uid"], ElementsAre("node-uid"));
  EXPECT_THAT(extra[std::string(kCredentialId)], ElementsAre(testing::StartsWith("JTI=")));
}

TEST_F(AuthnTest, AudiencesAreKept) {
  std::string vault = token("{audiences: [vault]}");
  EXPECT_EQ(who(vault), "error 401");
  auto result = authenticator_.authenticate_token(vault, {"other", "vault"});
  ASSERT_TRUE(result && *result);
  EXPECT_THAT((*result)->audiences, ElementsAre("vault"));
  EXPECT_FALSE(authenticator_.authenticate_token(token(), {"vault"}));
}

TEST_F(AuthnTest, ExtendsWhatPodsAskFor) {
  auto answer = tokens_.issue(
      "shop", "seller",
      *request("{expirationSeconds: 3607, boundObjectRef: {kind: Pod, apiVersion: v1, name: web}}"),
      &warnings_);
  authentication_v1::TokenRequest view(**answer);
  auto claims = decode_claims(*crypto::unverified_claims(view.status().token()));
  EXPECT_EQ(claims->expires - claims->issued, kExtendedSeconds);
  EXPECT_EQ(claims->warn_after - claims->issued, 3607);
  EXPECT_EQ(view.status().expiration_timestamp(), (claims->issued + 3607) * kMicrosPerSecond);
  EXPECT_EQ(view.spec().audiences()[0], kDefaultIssuer);
  std::string token(view.status().token());
  EXPECT_EQ((*authenticator_.authenticate_token(token, {}))->annotations.size(), 0u);
  loop_.run_for(std::chrono::seconds(3700));
  using Annotations = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ((*authenticator_.authenticate_token(token, {}))->annotations,
            (Annotations{{"authentication.k8s.io/stale-token",
                          "subject: system:serviceaccount:shop:seller, seconds after warning "
                          "threshold: 93"}}));
  EXPECT_EQ(tokens_.uses().valid, 1u);
  EXPECT_EQ(tokens_.uses().stale, 1u);
}

TEST_F(AuthnTest, ALimitShortensTokens) {
  ServiceAccountOptions options;
  options.max_expiration_seconds = 7200;
  ServiceAccountTokens limited(options, key_,
                               {*crypto::VerificationKey::from_pem(key_.public_pem())}, lookup_,
                               loop_, random_);
  auto answer = limited.issue("shop", "seller", *request("{expirationSeconds: 9000}"), &warnings_);
  authentication_v1::TokenRequest view(**answer);
  EXPECT_EQ(view.spec().expiration_seconds(), 7200);
  EXPECT_EQ(view.metadata().uid(), "sa-uid");
  EXPECT_THAT(warnings_,
              ElementsAre("requested expiration of 9000 seconds shortened to 7200 seconds"));
  auto claims = decode_claims(*crypto::unverified_claims(view.status().token()));
  EXPECT_EQ(claims->expires - claims->issued, 7200);
}

// Only a token that is for the API server alone is extended.
TEST_F(AuthnTest, ForeignAudiencesAreNotExtended) {
  auto answer = tokens_.issue(
      "shop", "seller",
      *request("{expirationSeconds: 3607, audiences: [vault, '" + std::string(kDefaultIssuer) +
               "'], boundObjectRef: {kind: Pod, apiVersion: v1, name: "
               "web}}"),
      &warnings_);
  authentication_v1::TokenRequest view(**answer);
  auto claims = decode_claims(*crypto::unverified_claims(view.status().token()));
  EXPECT_EQ(claims->expires - claims->issued, 3607);
}

TEST_F(AuthnTest, RefusesBadTokenRequests) {
  auto other = codec::decode_object(codec::Format::kYaml,
                                    "{apiVersion: authentication.k8s.io/v1, kind: TokenRequest, "
                                    "metadata: {uid: other}}",
                                    nullptr, nullptr);
  auto refused = tokens_.issue("shop", "seller", *other->freeze(), &warnings_);
  EXPECT_EQ(refused.error().message(),
            "Operation cannot be fulfilled on TokenRequest.authentication.k8s.io \"seller\": the "
            "UID in the token request (other) does not match the UID of the service account "
            "(sa-uid)");
  EXPECT_EQ(issue_error("{boundObjectRef: {kind: Job, apiVersion: v1, name: x}}"),
            "cannot bind token to object of type /v1, Kind=Job");
  EXPECT_EQ(issue_error("{}", "nobody"), "serviceaccounts \"nobody\" not found");
  EXPECT_EQ(issue_error("{expirationSeconds: 599}"),
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid "
            "value: 599: may not specify a duration less than 10 minutes");
  EXPECT_THAT(issue_error("{expirationSeconds: 4294967297}"),
              HasSubstr("larger than 2^32 seconds"));
  EXPECT_EQ(issue_error("{boundObjectRef: {kind: Pod, apiVersion: v1, name: x}}"),
            "pods \"x\" not found");
  EXPECT_THAT(issue_error("{boundObjectRef: {kind: Job, apiVersion: batch/v1, name: x}}"),
              HasSubstr("cannot bind token to object of type"));
  EXPECT_THAT(issue_error("{boundObjectRef: {kind: Pod, apiVersion: v1, name: web, uid: z}}"),
              HasSubstr("the UID in the bound object reference (z) does not match"));
  lookup_.put(R"({apiVersion: v1, kind: ServiceAccount, metadata: {name: b, namespace: shop}})");
  EXPECT_EQ(issue_error("{boundObjectRef: {kind: Pod, apiVersion: v1, name: web}}", "b"),
            "cannot bind token for serviceaccount \"b\" to pod running with different "
            "serviceaccount name.");
}

// A token must not be taken for another kind of credential, nor another's signature for ours.
TEST_F(AuthnTest, jwt_confusion) {
  auto foreign = *crypto::PrivateKey::generate();
  std::string claims = *crypto::unverified_claims(token());
  EXPECT_EQ(who(crypto::sign_jwt(claims, foreign)), "error 401");
  std::string none = base64url_encode(R"({"alg":"none"})") + "." + base64url_encode(claims) + ".";
  EXPECT_EQ(who(none), "error 401");
  auto sign = [&](std::string from, const std::string& to) {
    std::string changed = claims;
    size_t at = changed.find(from);
    EXPECT_NE(at, changed.npos) << from;
    return crypto::sign_jwt(changed.replace(at, from.size(), to), key_);
  };
  // Our own key, but claims that we would never have signed.
  EXPECT_EQ(who(sign(R"("sub":"system:serviceaccount:shop:seller")", R"("sub":"admin")")),
            "error 401");
  EXPECT_EQ(who(sign(R"("iss":"https://kubernetes)", R"("iss":"https://evil)")), "error 401");
  EXPECT_EQ(who(sign(R"("exp":)", R"("exp":"x","y":)")), "error 401");
  EXPECT_EQ(who(sign(R"("exp":)", R"("y":)")), "error 401");
  EXPECT_EQ(who(sign(R"("uid":"sa-uid")", R"("uid":"")")), "error 401");
  EXPECT_EQ(who(std::string(100'000, 'a')), "error 401");
}

TEST_F(AuthnTest, TokenOfASecret) {
  auto claims_of = [](const std::string& uid) {
    return R"({"iss":"kubernetes/serviceaccount",)"
           R"("kubernetes.io/serviceaccount/namespace":"shop",)"
           R"("kubernetes.io/serviceaccount/secret.name":"s",)"
           R"("kubernetes.io/serviceaccount/service-account.name":"seller",)"
           R"("kubernetes.io/serviceaccount/service-account.uid":")" +
           uid + R"(","sub":"system:serviceaccount:shop:seller"})";
  };
  auto put = [&](const std::string& token, const std::string& labels) {
    lookup_.put("{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, labels: {" +
                labels + "}}, data: {token: " + base64_encode(token) + "}}");
  };
  std::string bearer = crypto::sign_jwt(claims_of("sa-uid"), key_);
  EXPECT_EQ(who(bearer), "error 401") << "no such Secret";
  put(bearer, "");
  EXPECT_EQ(who(bearer), "system:serviceaccount:shop:seller");
  EXPECT_FALSE(tokens_.authenticate(bearer, {"other"})) << "for the API server only";
  put(bearer, "kubernetes.io/legacy-token-invalid-since: 2026-01-01");
  EXPECT_EQ(who(bearer), "error 401");
  put("another", "");
  EXPECT_EQ(who(bearer), "error 401") << "replaced";
  std::string earlier = crypto::sign_jwt(claims_of("earlier"), key_);
  put(earlier, "");
  EXPECT_EQ(who(earlier), "error 401") << "an account's earlier life";
  std::string foreign = crypto::sign_jwt(claims_of("sa-uid"), *crypto::PrivateKey::generate());
  put(foreign, "");
  EXPECT_EQ(who(foreign), "error 401");
}

// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
TEST_F(AuthnTest, TokensOfSecretsAreTracked) {
  std::string bearer = crypto::sign_jwt(
      R"({"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"shop",)"
      R"("kubernetes.io/serviceaccount/secret.name":"s",)"
      R"("kubernetes.io/serviceaccount/service-account.name":"seller",)"
      R"("kubernetes.io/serviceaccount/service-account.uid":"sa-uid",)"
      R"("sub":"system:serviceaccount:shop:seller"})",
      key_);
  auto put = [&](const std::string& labels) {
    lookup_.put("{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, labels: {" +
                labels + "}}, data: {token: " + base64_encode(bearer) + "}}");
  };
  std::vector<std::string> used;
  tokens_.on_secret_used([&used](std::string_view ns, std::string_view name) {
    used.push_back(std::string(ns) + "/" + std::string(name));
  });
  put("");
  auto manual = authenticate(bearer);
  ASSERT_TRUE(manual && *manual);
  using Annotations = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(
      (*manual)->annotations,
      (Annotations{{"authentication.k8s.io/legacy-token", "system:serviceaccount:shop:seller"},
                   {"authentication.k8s.io/legacy-token-manual-secret", "s"}}));
  EXPECT_THAT((*manual)->warnings, ElementsAre());
  EXPECT_THAT(used, ElementsAre("shop/s"));
  for (int days : {0, 1}) {
    MicroTime day = loop_.wall() + days * 86400 * kMicrosPerSecond;
    put("kubernetes.io/legacy-token-last-used: '" + date_text(day) + "'");
    EXPECT_EQ(who(bearer), "system:serviceaccount:shop:seller");
  }
  EXPECT_EQ(used.size(), 1u) << "today is noted, and so is another server's tomorrow";
  lookup_.put(R"({apiVersion: v1, kind: ServiceAccount, secrets: [{name: s}],
                  metadata: {name: seller, namespace: shop, uid: sa-uid}})");
  auto automatic = authenticate(bearer);
  EXPECT_THAT((*automatic)->warnings,
              ElementsAre("Use tokens from the TokenRequest API or manually created secret-based "
                          "tokens instead of auto-generated secret-based tokens."));
  put("kubernetes.io/legacy-token-last-used: '2001-01-01', "
      "kubernetes.io/legacy-token-invalid-since: '2002-01-01'");
  EXPECT_EQ(authenticator_.authenticate_token(bearer, {}).error().message(),
            "[invalid bearer token, the token in secret shop/s for service account shop/seller has "
            "been marked invalid. Use tokens from the TokenRequest API or manually created "
            "secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label "
            "from the secret to temporarily allow use of this token]");
  EXPECT_EQ(used.size(), 2u) << "a token that is refused is used, too";
  EXPECT_THAT(metrics_text(tokens_.uses()), HasSubstr("\nserviceaccount_legacy_tokens_total 5\n"));
  EXPECT_EQ(tokens_.uses().legacy_manual, 3u);
  EXPECT_EQ(tokens_.uses().legacy_auto, 1u);
  EXPECT_EQ(tokens_.uses().legacy_invalid, 1u);
  EXPECT_EQ(tokens_.uses().valid, 0u);
}

TEST_F(AuthnTest, TokenFileUser) {
  auto result = authenticate("admintoken");
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->user.name, "admin");
  EXPECT_EQ((*result)->user.uid, "admin-id");
  EXPECT_THAT((*result)->user.groups, ElementsAre("system:masters", "x", "system:authenticated"));
  EXPECT_EQ(who("admintoke"), "error 401");
}

TEST(TokenFile, ReadsCsvAsGo) {
  auto file = TokenFile::parse("a,b,c\r\n\n\"q\"\"t\",u,i,\"g\"\n,empty,x\nlast,l,3");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->size(), 3u);
  EXPECT_EQ(file->find("q\"t")->groups.at(0), "g");
  EXPECT_EQ(file->find("last")->uid, "3");
  EXPECT_FALSE(file->find(""));
  EXPECT_THAT(TokenFile::parse("a,b\n").error().message(),
              HasSubstr("line 1: must have at least 3"));
  EXPECT_FALSE(TokenFile::parse("a,\"b,c\n"));
  EXPECT_FALSE(TokenFile::parse("a,b\"x,c\n"));
  EXPECT_FALSE(TokenFile::parse("a,\"b\"x,c\n"));
}

TEST_F(AuthnTest, NobodyIsAnonymousUnlessTurnedOff) {
  auto user = [](RequestAuthenticator& authenticator, const std::string& scheme) {
    net::Request request;
    request.path = "/api/v1/namespaces/a/pods";
    if (!scheme.empty()) request.headers.add("authorization", scheme);
    auto result = authenticator.authenticate(request);
    return result && *result ? (*result)->user : UserInfo();
  };
  EXPECT_EQ(user(authenticator_, "").name, kAnonymous);
  EXPECT_THAT(user(authenticator_, "").groups, ElementsAre("system:unauthenticated"));
  EXPECT_EQ(user(authenticator_, "Basic YTpi").name, kAnonymous);
  RequestAuthenticator strict(loop_, {}, nullptr, {}, false);
  EXPECT_EQ(user(strict, "").name, "");
}

// The TLS layer looks at a certificate once, when the connection is made.
TEST_F(AuthnTest, ACertificateThatIsOverIsNobodysOnAnOldConnection) {
  crypto::CertificateTemplate what;
  what.subject = {"ann", {"devs"}};
  what.not_after = loop_.wall() + 60 * kMicrosPerSecond;
  net::Request request;
  request.path = "/api/v1/pods";
  request.peer_certificate =
      std::make_shared<crypto::Certificate>(*crypto::sign_certificate(what, key_, nullptr, key_));
  auto who_is = [&](net::Request asked) {
    auto result = authenticator_.authenticate(asked);
    return result ? (*result)->user.name : std::to_string(result.error().code());
  };
  EXPECT_EQ(who_is(request), "ann");
  loop_.run_for(std::chrono::seconds(62));
  EXPECT_EQ(who_is(request), "401") << "not anonymous either";
  request.headers.add("authorization", "Bearer admintoken");
  EXPECT_EQ(who_is(request), "admin");
}

TEST_F(AuthnTest, BootstrapTokens) {
  auto put = [&](const std::string& data, const std::string& type = "token") {
    lookup_.put("{apiVersion: v1, kind: Secret, type: bootstrap.kubernetes.io/" + type +
                ", metadata: {name: bootstrap-token-abcdef, namespace: kube-system}, data: {" +
                data + "}}");
  };
  std::string good = "token-id: " + base64_encode("abcdef") +
                     ", token-secret: " + base64_encode("0123456789abcdef") +
                     ", usage-bootstrap-authentication: " + base64_encode("true");
  auto groups = ", auth-extra-groups: " + base64_encode("system:bootstrappers:a:b-c");
  std::string token = "abcdef.0123456789abcdef";
  put(good + groups);
  EXPECT_EQ(who(token), "error 401");
  authenticator_.use_bootstrap_tokens({lookup_, loop_});
  auto result = authenticate(token);
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->user.name, "system:bootstrap:abcdef");
  EXPECT_THAT(
      (*result)->user.groups,
      ElementsAre("system:bootstrappers", "system:bootstrappers:a:b-c", "system:authenticated"));
  EXPECT_EQ(who("abcdef.0123456789abcdeg"), "error 401");
  EXPECT_EQ(who("abcdef.0123456789abcde"), "error 401");
  EXPECT_EQ(who("ABCDEF.0123456789abcdef"), "error 401");
  put(good, "other");
  EXPECT_EQ(who(token), "error 401");
  put(good + ", auth-extra-groups: " + base64_encode("system:masters"));
  EXPECT_EQ(who(token), "error 401");
  put(good + ", expiration: " + base64_encode("2020-01-01T00:00:00Z"));
  EXPECT_EQ(who(token), "error 401");
  put(good + ", expiration: " + base64_encode("2120-01-01T00:00:00Z"));
  EXPECT_EQ(who(token), "system:bootstrap:abcdef");
  put(good + ", usage-bootstrap-authentication: " + base64_encode("false"));
  EXPECT_EQ(who(token), "error 401");
}

TEST_F(AuthnTest, WrongTokenIsNeverAnonymous) {
  net::Request request;
  request.path = "/healthz";
  request.headers.add("authorization", "Bearer wrong");
  EXPECT_FALSE(authenticator_.authenticate(request));
}

TEST(BearerToken, IsFound) {
  auto token = [](const std::string& value) {
    net::Headers headers;
    headers.add("authorization", value);
    return bearer_token(headers);
  };
  EXPECT_EQ(token("Bearer abc"), "abc");
  EXPECT_EQ(token("  bEARER abc def"), "abc");
  EXPECT_EQ(token("Basic abc"), "");
  EXPECT_EQ(token("Bearer"), "");
  net::Headers headers;
  headers.add("upgrade", "websocket");
  headers.add("sec-websocket-protocol",
              "v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj");
  EXPECT_EQ(bearer_token(headers), "abc");
}

class Allowing : public Authorizer {
 public:
  Verdict authorize(const UserInfo&, const Attributes& attributes) override {
    std::string resource = attributes.resource;
    if (!attributes.subresource.empty()) resource += "/" + attributes.subresource;
    asked.push_back(attributes.group + "|" + resource + "|" + attributes.ns + "|" +
                    attributes.name);
    return {resource == denied ? Decision::kNoOpinion : Decision::kAllow, ""};
  }
  std::vector<std::string> asked;
  std::string denied;
};

TEST(Impersonation, AsksForEachPart) {
  Allowing authorizer;
  net::Headers headers;
  headers.add("Impersonate-User", "jane");
  headers.add("Impersonate-Group", "dev");
  headers.add("Impersonate-Extra-acme.com%2fscope", "view");
  headers.add("Impersonate-Uid", "7");
  auto user = impersonate(headers, {.name = "root"}, authorizer);
  ASSERT_TRUE(user && *user) << user.error().message();
  EXPECT_THAT(authorizer.asked, ElementsAre("|users||jane", "|groups||dev",
                                            "authentication.k8s.io|userextras/acme.com/scope||view",
                                            "authentication.k8s.io|uids||7"));
  EXPECT_THAT((*user)->groups, ElementsAre("dev", "system:authenticated"));
  EXPECT_THAT((*user)->extra["acme.com/scope"], ElementsAre("view"));
}

TEST(Impersonation, OfAServiceAccountBringsItsGroups) {
  Allowing authorizer;
  net::Headers headers;
  headers.add("Impersonate-User", "system:serviceaccount:shop:seller");
  auto user = impersonate(headers, {.name = "root"}, authorizer);
  EXPECT_THAT(authorizer.asked, ElementsAre("|serviceaccounts|shop|seller"));
  EXPECT_THAT((*user)->groups, ElementsAre("system:serviceaccounts", "system:serviceaccounts:shop",
                                           "system:authenticated"));
}

TEST(Impersonation, IsRefusedInUpstreamsWords) {
  Allowing authorizer;
  authorizer.denied = "groups";
  net::Headers headers;
  headers.add("Impersonate-User", "jane");
  headers.add("Impersonate-Group", "system:masters");
  auto user = impersonate(headers, {.name = "root"}, authorizer);
  ASSERT_FALSE(user);
  EXPECT_EQ(user.error().message(),
            "groups \"system:masters\" is forbidden: User \"root\" cannot impersonate resource "
            "\"groups\" in API group \"\" at the cluster scope");
}

TEST(Impersonation, NeedsAUser) {
  Allowing authorizer;
  net::Headers headers;
  EXPECT_FALSE(impersonate(headers, {.name = "root"}, authorizer).value().has_value());
  headers.add("Impersonate-Group", "dev");
  EXPECT_EQ(impersonate(headers, {.name = "root"}, authorizer).error().code(), 500);
}

}  // namespace
}  // namespace tiphys::apiserver
