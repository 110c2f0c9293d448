#include "kubelet/server/plain_server.h"

#include "base/log.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kRetry = std::chrono::seconds(5);
constexpr Duration kStopGrace = std::chrono::seconds(1);

}  // namespace

PlainServer::PlainServer(EpollLoop& loop, std::string name, net::Handler handler)
    : loop_(loop), name_(std::move(name)), handler_(std::move(handler)), gate_(loop) {}

PlainServer::~PlainServer() = default;

void PlainServer::start(std::string address, uint16_t port) {
  gate_.spawn(run(std::move(address), port));
}

Task<void> PlainServer::run(std::string address, uint16_t port) {
  while (!stop_.stop_requested()) {
    auto server = std::make_unique<net::Server>(loop_, nullptr, handler_);
    Result<void> listening = server->listen(address, port);
    if (listening) {
      server_ = std::move(server);
      co_return;
    }
    LOG_ERROR("Failed to start " + name_, {"err", listening.error()});
    (void)co_await sleep_for(loop_, kRetry, stop_.token());
  }
}

Task<void> PlainServer::stop() {
  stop_.request_stop();
  co_await gate_.close();
  if (server_) co_await server_->stop(kStopGrace);
  server_.reset();
}

}  // namespace tiphys::kubelet
