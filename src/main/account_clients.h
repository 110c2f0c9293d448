// AccountClients: clients that work as service accounts of kube-system, over TLS, by tokens that
// are asked for with another client (TokenRequest) and renewed before they end. An account that is
// missing is created. What upstream's --use-service-account-credentials does.
//
// Loop thread only. A token that can't be had fails the request that needs it, no other.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "client/client.h"
#include "client/http_transport.h"
#include "main/host.h"

namespace tiphys {

class AccountClients {
 public:
  // `own` gets the tokens; it outlives this. `config` says where the server is.
  AccountClients(Host& host, client::Client& own, client::Kubeconfig config, std::string component);
  ~AccountClients();  // Requires: stop() finished, or client_of() was never called
  // The client of an account; valid as long as this.
  client::Client& client_of(std::string_view account);
  // Requires: no request is under way.
  Task<void> stop();

 private:
  class Account;
  Host& host_;
  client::Client& own_;
  client::Kubeconfig config_;
  std::string component_;
  std::map<std::string, std::unique_ptr<Account>, std::less<>> accounts_;
};

}  // namespace tiphys
