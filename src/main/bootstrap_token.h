// BootstrapToken: "id.secret", known to a cluster as a Secret of kube-system; what a node that
// joins and the cluster trust each other by. Pure; defaults and words are kubeadm's. Source:
// https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "object/object.h"

namespace tiphys {

struct BootstrapToken {
  static constexpr std::string_view kPattern = R"(\A([a-z0-9]{6})\.([a-z0-9]{16})\z)";
  static constexpr std::string_view kIdPattern = R"(\A([a-z0-9]{6})\z)";
  static constexpr std::string_view kSecretType = "bootstrap.kubernetes.io/token";

  std::string id;
  std::string secret;
  std::string description;
  std::optional<MicroTime> expires;  // nothing: never
  std::vector<std::string> usages = {"signing", "authentication"};
  std::vector<std::string> groups = {"system:bootstrappers:kubeadm:default-node-token"};

  // Id and secret of the text; the rest as by default. Error: the text has not the pattern.
  static Result<BootstrapToken> parse(std::string_view text);
  static BootstrapToken generate(Random& random);
  // Error: names the Secret and what is wrong in it.
  static Result<BootstrapToken> from_secret(const Object& secret);
  std::string text() const { return id + "." + secret; }
  ObjectPtr to_secret() const;
  // Error: a usage or a group that there is not.
  Result<void> check() const;
};

bool is_bootstrap_token_id(std::string_view text);
std::string bootstrap_token_secret_name(std::string_view id);

// The rows of `token list`, with their heading. `now` tells how long they still live.
std::string bootstrap_token_table(const std::vector<BootstrapToken>& tokens, MicroTime now);

}  // namespace tiphys
