#include "net/plain_server.h"

#include "base/log.h"

namespace tiphys::net {
namespace {

constexpr Duration kStopGrace = std::chrono::seconds(1);

}  // namespace

PlainServer::PlainServer(EpollLoop& loop, std::string name, Handler handler, Tell tell,
                         Duration retry)
    : loop_(loop),
      name_(std::move(name)),
      handler_(std::move(handler)),
      tell_(std::move(tell)),
      retry_(retry),
      gate_(loop) {}

PlainServer::~PlainServer() = default;

void PlainServer::start(std::string address, uint16_t port) {
  gate_.spawn(run(std::move(address), port));
}

void PlainServer::tell_of(const ApiStatus& why) {
  if (std::exchange(told_, why.message()) == why.message()) return;
  LOG_ERROR("Failed to start " + name_, {"err", why});
  if (tell_) tell_(why);
}

Task<void> PlainServer::run(std::string address, uint16_t port) {
  while (!stop_.stop_requested()) {
    auto server = std::make_unique<Server>(loop_, nullptr, handler_);
    Result<void> listening = server->listen(address, port);
    if (listening) {
      if (!told_.empty()) LOG_INFO("Started " + name_);
      server_ = std::move(server);
      co_return;
    }
    tell_of(listening.error());
    (void)co_await sleep_for(loop_, retry_, stop_.token());
  }
}

Task<void> PlainServer::stop() {
  stop_.request_stop();
  co_await gate_.close();
  if (server_) co_await server_->stop(kStopGrace);
  server_.reset();
}

}  // namespace tiphys::net
