#include "main/bootstrap_token.h"

#include <algorithm>

#include "base/strings.h"
#include "kinds/core_v1.h"

namespace tiphys {
namespace {

constexpr std::string_view kNamePrefix = "bootstrap-token-";
constexpr std::string_view kUsagePrefix = "usage-bootstrap-";
constexpr std::string_view kGroupPrefix = "system:bootstrappers:";
constexpr std::string_view kGroupPattern = R"(\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z)";
constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr size_t kIdSize = 6;
constexpr size_t kSecretSize = 16;
constexpr size_t kMaxGroupTail = 256;

bool is_word(std::string_view text, size_t size) {
  return text.size() == size && text.find_first_not_of(kAlphabet) == text.npos;
}

bool is_group(std::string_view text) {
  auto tail = cut_prefix(text, kGroupPrefix);
  return tail && !tail->empty() && tail->size() <= kMaxGroupTail &&
         tail->find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz:-") == tail->npos &&
         kAlphabet.find(tail->back()) != kAlphabet.npos;
}

std::string random_word(Random& random, size_t size) {
  std::string out;
  while (out.size() < size) out += kAlphabet[random.below(kAlphabet.size())];
  return out;
}

// duration.ShortHumanDuration: the one greatest unit.
std::string short_duration(MicroTime micros) {
  int64_t seconds = micros / kMicrosPerSecond;
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 86400) return std::to_string(seconds / 3600) + "h";
  if (seconds < 365 * 86400) return std::to_string(seconds / 86400) + "d";
  return std::to_string(seconds / (365 * 86400)) + "y";
}

std::string padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

std::string or_none(const std::vector<std::string>& words) {
  return words.empty() ? "<none>" : join(words, ",");
}

}  // namespace

bool is_bootstrap_token_id(std::string_view text) { return is_word(text, kIdSize); }

std::string bootstrap_token_secret_name(std::string_view id) {
  return std::string(kNamePrefix).append(id);
}

Result<BootstrapToken> BootstrapToken::parse(std::string_view text) {
  size_t dot = text.find('.');
  if (dot == text.npos || !is_word(text.substr(0, dot), kIdSize) ||
      !is_word(text.substr(dot + 1), kSecretSize)) {
    return ApiStatus::bad_request("the bootstrap token " + go_quote(text) +
                                  " was not of the form " + go_quote(kPattern));
  }
  BootstrapToken token;
  token.id = text.substr(0, dot);
  token.secret = text.substr(dot + 1);
  return token;
}

BootstrapToken BootstrapToken::generate(Random& random) {
  BootstrapToken token;
  token.id = random_word(random, kIdSize);
  token.secret = random_word(random, kSecretSize);
  return token;
}

Result<BootstrapToken> BootstrapToken::from_secret(const Object& secret) {
  auto data = core_v1::Secret(secret).data();
  std::string name(core_v1::Secret(secret).metadata().name());
  std::string_view id = data.find("token-id");
  if (id.empty()) {
    return ApiStatus::internal("bootstrap Token Secret has no token-id data: " + name);
  }
  if (name != bootstrap_token_secret_name(id)) {
    return ApiStatus::internal(
        "bootstrap token name is not of the form 'bootstrap-token-(token-id)'. Actual: " +
        go_quote(name) + ". Expected: " + go_quote(bootstrap_token_secret_name(id)));
  }
  Result<BootstrapToken> token =
      parse(std::string(id).append(".").append(data.find("token-secret")));
  if (!token) {
    return ApiStatus::internal("bootstrap Token Secret is invalid and couldn't be parsed: " +
                               token.error().message());
  }
  token->description = data.find("description");
  token->usages.clear();
  token->groups.clear();
  for (auto [key, value] : data) {
    auto usage = cut_prefix(key, kUsagePrefix);
    if (usage && value == "true") token->usages.emplace_back(*usage);
  }
  std::ranges::sort(token->usages);
  for (std::string_view group : split(data.find("auth-extra-groups"), ',')) {
    if (!group.empty()) token->groups.emplace_back(group);
  }
  if (std::string_view end = data.find("expiration"); !end.empty()) {
    Result<MicroTime> time = parse_rfc3339(end);
    if (!time) {
      return ApiStatus::internal("can't parse expiration time of bootstrap token " +
                                 go_quote(name) + ": " + time.error().message());
    }
    token->expires = *time;
  }
  return token;
}

ObjectPtr BootstrapToken::to_secret() const {
  Draft draft = core_v1::Secret::make();
  core_v1::SecretEdit edit(draft);
  edit.edit_metadata().set_name(bootstrap_token_secret_name(id));
  edit.edit_metadata().set_namespace("kube-system");
  edit.set_type(kSecretType);
  auto data = edit.edit_data();
  data.set("token-id", id);
  data.set("token-secret", secret);
  if (!description.empty()) data.set("description", description);
  if (expires) data.set("expiration", format_rfc3339(*expires));
  for (const std::string& usage : usages) data.set(std::string(kUsagePrefix) + usage, "true");
  if (!groups.empty()) data.set("auth-extra-groups", join(groups, ","));
  return draft.freeze();
}

Result<void> BootstrapToken::check() const {
  for (const std::string& usage : usages) {
    if (usage != "signing" && usage != "authentication") {
      return ApiStatus::bad_request("invalid bootstrap token usage string: " + usage +
                                    ", valid usages: signing, authentication");
    }
  }
  for (const std::string& group : groups) {
    if (!is_group(group)) {
      return ApiStatus::bad_request("bootstrap group " + go_quote(group) +
                                    " is invalid (must match " + std::string(kGroupPattern) + ")");
    }
  }
  return {};
}

std::string bootstrap_token_table(const std::vector<BootstrapToken>& tokens, MicroTime now) {
  if (tokens.empty()) return "";
  std::string out = padded("TOKEN", 26) + padded("TTL", 12) + padded("EXPIRES", 23) +
                    padded("USAGES", 25) + padded("DESCRIPTION", 59) + "EXTRA GROUPS\n";
  for (const BootstrapToken& token : tokens) {
    out += padded(token.text(), 26);
    out += padded(token.expires ? short_duration(*token.expires - now) : "<forever>", 12);
    out += padded(token.expires ? format_rfc3339(*token.expires) : "<never>", 23);
    out += padded(or_none(token.usages), 25);
    out += padded(token.description.empty() ? "<none>" : token.description, 59);
    out += or_none(token.groups) + "\n";
  }
  return out;
}

}  // namespace tiphys
