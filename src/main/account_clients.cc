#include "main/account_clients.h"

#include "base/log.h"
#include "kinds/authentication_v1.h"
#include "kinds/core_v1.h"

namespace tiphys {

namespace {

constexpr int64_t kTokenSeconds = 3600;
constexpr Duration kRenewAfter = std::chrono::seconds(kTokenSeconds * 4 / 5);
constexpr const char* kNamespace = "kube-system";

const schema::Resource& service_accounts() {
  return *schema::find_resource("", "v1", "serviceaccounts");
}

ObjectPtr token_request() {
  Draft draft = authentication_v1::TokenRequest::make();
  authentication_v1::TokenRequestEdit(draft).edit_spec().set_expiration_seconds(kTokenSeconds);
  return draft.freeze();
}

ObjectPtr new_account(const std::string& name) {
  Draft draft = core_v1::ServiceAccount::make();
  core_v1::ServiceAccountEdit account(draft);
  account.edit_metadata().set_name(name);
  account.edit_metadata().set_namespace(kNamespace);
  return draft.freeze();
}

// The same server as nobody.
client::Kubeconfig without_identity(client::Kubeconfig config) {
  config.tls.certificate_pem.clear();
  config.tls.key_pem.clear();
  config.token.clear();
  config.token_file.clear();
  config.username.clear();
  config.as_user.clear();
  return config;
}

}  // namespace

// A transport that has a token of its account before it sends anything.
class AccountClients::Account : public client::Transport {
 public:
  Account(AccountClients& all, std::string name)
      : all_(all), name_(std::move(name)), client_(*this, all.component_), fetched_(loop()) {}

  client::Client& client() { return client_; }

  Task<Result<client::Response>> send(client::Request request) override {
    Result<void> ready = co_await have_token();
    if (!ready) co_return ready.error();
    Result<client::Response> answer = co_await http_->send(std::move(request));
    // The account was made anew, or the server's keys were: the next request asks for a token.
    if (!answer && answer.error().code() == 401) renew_at_ = MonoTime::min();
    co_return answer;
  }

  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request request) override {
    Result<void> ready = co_await have_token();
    if (!ready) co_return ready.error();
    auto answer = co_await http_->watch(std::move(request));
    co_return answer;
  }

  Task<void> stop() {
    if (http_) co_await http_->stop();
  }

 private:
  Loop& loop() { return all_.host_.loop(); }

  Task<Result<void>> have_token() {
    while (fetching_) co_await fetched_.wait();
    if (loop().mono() < renew_at_) co_return Result<void>();
    fetching_ = true;
    fetched_.reset();
    Result<void> done = co_await fetch();
    fetching_ = false;
    fetched_.set();
    co_return done;
  }

  Task<Result<void>> fetch() {
    if (!http_) {
      auto made = client::HttpTransport::create(all_.host_.loop(), all_.host_.pool(), all_.config_,
                                                all_.component_ + "/" + name_);
      if (!made) co_return made.error();
      http_ = std::move(*made);
    }
    Result<ObjectPtr> token = co_await ask();
    if (!token && token.error().is_not_found()) {
      Result<ObjectPtr> made =
          co_await all_.own_.create(service_accounts(), kNamespace, new_account(name_));
      if (!made && !made.error().is_already_exists()) co_return made.error();
      token = co_await ask();
    }
    if (!token) {
      LOG_WARNING("No token for a controller", {"account", name_}, {"err", token.error()});
      co_return token.error();
    }
    http_->set_token(std::string(authentication_v1::TokenRequest(**token).status().token()));
    renew_at_ = loop().mono() + kRenewAfter;
    co_return Result<void>();
  }

  Task<Result<ObjectPtr>> ask() {
    return all_.own_.create_subresource(service_accounts(), kNamespace, name_, "token",
                                        token_request());
  }

  AccountClients& all_;
  std::string name_;
  client::Client client_;
  std::unique_ptr<client::HttpTransport> http_;
  Event fetched_;
  bool fetching_ = false;
  MonoTime renew_at_ = MonoTime::min();
};

AccountClients::AccountClients(Host& host, client::Client& own, client::Kubeconfig config,
                               std::string component)
    : host_(host),
      own_(own),
      config_(without_identity(std::move(config))),
      component_(std::move(component)) {}
AccountClients::~AccountClients() = default;

client::Client& AccountClients::client_of(std::string_view account) {
  auto found = accounts_.find(account);
  if (found == accounts_.end()) {
    std::string name(account);
    found = accounts_.emplace(name, std::make_unique<Account>(*this, name)).first;
  }
  return found->second->client();
}

Task<void> AccountClients::stop() {
  for (auto& [name, account] : accounts_) co_await account->stop();
}

}  // namespace tiphys
