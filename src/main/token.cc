// `tiphys token create|list|delete|generate`: bootstrap tokens of a cluster, as kubeadm token.
// Source: https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-token/
#include <algorithm>
#include <cstdio>

#include "base/strings.h"
#include "crypto/certificate.h"
#include "main/api_connection.h"
#include "main/bootstrap_token.h"
#include "main/client_flags.h"
#include "main/command.h"
#include "main/flags.h"

namespace tiphys {
namespace {

constexpr std::string_view kUsage =
    "Manage bootstrap tokens, by which nodes join.\n\nUsage:\n  tiphys token create [TOKEN] "
    "[flags]\n  tiphys token list [flags]\n  tiphys token delete TOKEN... [flags]\n"
    "  tiphys token generate\n";

struct TokenFlags {
  std::string kubeconfig;
  Duration ttl = std::chrono::hours(24);
  std::vector<std::string> usages = BootstrapToken{}.usages;
  std::vector<std::string> groups = BootstrapToken{}.groups;
  std::string description;
  bool print_join_command = false;
  std::vector<std::string> tokens;

  void add_to(FlagSet& flags, std::string_view verb);
};

void TokenFlags::add_to(FlagSet& flags, std::string_view verb) {
  flags.add("kubeconfig", kubeconfig, "As kubectl's (\"\": $KUBECONFIG, ~/.kube/config)");
  if (verb != "create") return;
  flags.add("ttl", ttl, "How long the token is valid (0: for ever)");
  flags.add("usages", usages, "What the token may be used for: signing, authentication");
  flags.add("groups", groups, "Groups of who authenticates with it, system:bootstrappers:...");
  flags.add("description", description, "For people: what the token is for");
  flags.add("print-join-command", print_join_command,
            "Print the whole \"tiphys agent\" command that joins with the token");
}

const schema::Resource& secrets() { return *schema::find_resource("", "v1", "secrets"); }

Result<std::string> join_command(const client::Kubeconfig& config, const BootstrapToken& token) {
  TIPHYS_TRY(crypto::Certificate, ca, crypto::Certificate::from_pem(config.tls.ca_pem));
  return "tiphys agent --server " + config.server + " --token " + token.text() +
         " --discovery-token-ca-cert-hash sha256:" + ca.subject_key_sha256();
}

Result<BootstrapToken> wanted_token(const TokenFlags& flags, Host& host) {
  BootstrapToken token = BootstrapToken::generate(host.random());
  if (!flags.tokens.empty()) {
    TIPHYS_TRY(BootstrapToken, given, BootstrapToken::parse(flags.tokens[0]));
    token = std::move(given);
  }
  token.usages = flags.usages;
  token.groups = flags.groups;
  token.description = flags.description;
  if (flags.ttl < Duration::zero()) return ApiStatus::bad_request("--ttl must not be negative");
  if (flags.ttl > Duration::zero()) {
    token.expires = host.loop().wall() + flags.ttl / std::chrono::microseconds(1);
  }
  Result<void> good = token.check();
  if (!good) return good.error();
  return token;
}

Task<Result<void>> create(Host& host, ApiConnection& connection, TokenFlags flags) {
  Result<BootstrapToken> token = wanted_token(flags, host);
  if (!token) co_return token.error();
  Result<std::string> command = std::string();
  if (flags.print_join_command) command = join_command(connection.config(), *token);
  if (!command) co_return command.error();
  Result<ObjectPtr> made =
      co_await connection.client().create(secrets(), "kube-system", token->to_secret());
  if (!made && made.error().is_already_exists()) {
    co_return ApiStatus::bad_request("a token with id " + go_quote(token->id) + " already exists");
  }
  if (!made) {
    co_return ApiStatus::internal("failed to create or update bootstrap token with name " +
                                  bootstrap_token_secret_name(token->id) + ": " +
                                  made.error().message());
  }
  std::printf("%s\n", (flags.print_join_command ? *command : token->text()).c_str());
  co_return Result<void>();
}

Task<Result<void>> list(Host& host, ApiConnection& connection, TokenFlags) {
  client::ListOptions which;
  which.field_selector = "type=" + std::string(BootstrapToken::kSecretType);
  Result<client::ListResult> found =
      co_await connection.client().list(secrets(), "kube-system", which);
  if (!found) {
    co_return ApiStatus::internal("failed to list bootstrap tokens: " + found.error().message());
  }
  std::vector<BootstrapToken> tokens;
  for (const ObjectPtr& secret : found->items) {
    Result<BootstrapToken> token = BootstrapToken::from_secret(*secret);
    if (token) {
      tokens.push_back(std::move(*token));
    } else {
      std::fprintf(stderr, "%s\n", token.error().message().c_str());
    }
  }
  std::printf("%s", bootstrap_token_table(tokens, host.loop().wall()).c_str());
  co_return Result<void>();
}

Task<Result<void>> remove(Host&, ApiConnection& connection, TokenFlags flags) {
  for (const std::string& text : flags.tokens) {
    Result<BootstrapToken> token = BootstrapToken::parse(text);
    if (!token && !is_bootstrap_token_id(text)) {
      co_return ApiStatus::bad_request("given token didn't match pattern " +
                                       go_quote(BootstrapToken::kPattern) + " or " +
                                       go_quote(BootstrapToken::kIdPattern));
    }
    std::string id = token ? token->id : text;
    Result<ObjectPtr> removed = co_await connection.client().remove(
        secrets(), "kube-system", bootstrap_token_secret_name(id));
    if (!removed) {
      co_return ApiStatus::internal("failed to delete bootstrap token " + go_quote(id) + ": " +
                                    removed.error().message());
    }
    std::printf("bootstrap token %s deleted\n", go_quote(id).c_str());
  }
  co_return Result<void>();
}

struct Verb {
  std::string_view name;
  std::string_view about;
  std::string_view operand;
  Task<Result<void>> (*run)(Host&, ApiConnection&, TokenFlags);
};

constexpr Verb kVerbs[] = {
    {"create", "Makes a bootstrap token and prints it.", "[TOKEN]", create},
    {"list", "Shows the bootstrap tokens of the cluster.", "", list},
    {"delete", "Deletes bootstrap tokens, named whole or by their id.", "TOKEN...", remove},
};

Task<Result<void>> serve(Host& host, const Verb& verb, TokenFlags flags) {
  auto connection =
      ApiConnection::open(host, default_kubeconfig(flags.kubeconfig), std::string("tiphys"));
  if (!connection) co_return connection.error();
  Result<void> done = co_await verb.run(host, **connection, std::move(flags));
  co_await (*connection)->stop();
  co_return done;
}

int run_verb(const Verb& verb, const std::vector<std::string>& arguments) {
  TokenFlags flags;
  FlagSet set;
  flags.add_to(set, verb.name);
  std::string command = "token " + std::string(verb.name);
  if (auto code = parse_or_exit(command, verb.about, set, arguments, verb.operand)) return *code;
  flags.tokens = set.positional();
  Host host;
  return host.run([&](Host& running) { return serve(running, verb, flags); });
}

int generate() {
  SystemRandom random;
  std::printf("%s\n", BootstrapToken::generate(random).text().c_str());
  return kExitOk;
}

}  // namespace

int run_token(const std::vector<std::string>& arguments) {
  std::string verb = arguments.empty() ? "" : arguments[0];
  std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (verb == "generate" && rest.empty()) return generate();
  for (const Verb& one : kVerbs) {
    if (one.name == verb) return run_verb(one, rest);
  }
  bool help = verb == "--help" || verb == "-h";
  std::fprintf(help ? stdout : stderr, "%s", std::string(kUsage).c_str());
  return help ? kExitOk : kExitUsage;
}

}  // namespace tiphys
