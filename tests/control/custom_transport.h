// CustomTransport: a Transport to a server that also serves a CustomApi: its resources come as a
// server with CustomResourceDefinitions gives them (JSON only), and stand in discovery. For tests
// only; loop thread only.
#pragma once
#include "client/transport.h"
#include "tests/control/custom_api.h"

namespace tiphys::control {

class CustomTransport : public client::Transport {
 public:
  // Both outlive it and its watches.
  CustomTransport(CustomApi& api, client::Transport& inner) : api_(api), inner_(inner) {}
  Task<Result<client::Response>> send(client::Request request) override;
  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request request) override;

 private:
  Task<Result<client::Response>> groups(client::Request request);
  CustomApi& api_;
  client::Transport& inner_;
};

}  // namespace tiphys::control
