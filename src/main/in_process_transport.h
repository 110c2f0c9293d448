// InProcessTransport: a client::Transport that is a function call into the API server of the same
// process, as a given user. A call passes the same authorization, admission and validation as one
// over TLS; objects are shared instead of encoded. Loop thread only.
#pragma once
#include "apiserver/api_server.h"
#include "client/transport.h"

namespace tiphys {

class InProcessTransport : public client::Transport {
 public:
  // The server must outlive this and every watch that it gave.
  InProcessTransport(apiserver::ApiServer& server, apiserver::UserInfo user, std::string user_agent)
      : server_(server), user_(std::move(user)), user_agent_(std::move(user_agent)) {}

  Task<Result<client::Response>> send(client::Request request) override;
  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request request) override;

 private:
  Task<Result<apiserver::Answer>> call(client::Request request);
  apiserver::InProcessRequest translate(client::Request request) const;

  apiserver::ApiServer& server_;
  apiserver::UserInfo user_;
  std::string user_agent_;
};

}  // namespace tiphys
