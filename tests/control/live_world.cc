#include "tests/control/live_world.h"

#include <unistd.h>

#include "crypto/tls.h"

namespace tiphys::control {
namespace {

const std::string kAdmin = "Bearer " + std::string(cases::kAdminToken);

template <class T>
Task<void> keep(EpollLoop& loop, Task<T> task, std::optional<T>* out) {
  out->emplace(co_await std::move(task));
  loop.stop();
}

Task<bool> done(Task<void> task) {
  co_await std::move(task);
  co_return true;
}

cases::Reply unreachable(const ApiStatus& error) {
  return {.status = 0, .headers = {}, .body = std::string(error.message())};
}

}  // namespace

Result<std::unique_ptr<LiveWorld>> LiveWorld::open(const std::string& kubeconfig) {
  TIPHYS_TRY(client::Kubeconfig, config, client::load_kubeconfig(kubeconfig));
  TIPHYS_TRY(client::ServerAddress, address, client::parse_server_url(config.server));
  crypto::ClientTls::Options nameless = config.tls;
  nameless.certificate_pem = nameless.key_pem = "";
  std::unique_ptr<LiveWorld> world(new LiveWorld());
  for (const crypto::ClientTls::Options& who : {config.tls, nameless}) {
    TIPHYS_TRY(std::shared_ptr<crypto::ClientTls>, tls, crypto::ClientTls::create(who));
    net::ClientOptions options{.address = address.address, .server_name = address.host, .tls = tls};
    auto& client = world->admin_ ? world->bearer_ : world->admin_;
    client = std::make_unique<net::Client>(world->loop_, options);
  }
  return world;
}

LiveWorld::~LiveWorld() {
  for (auto* client : {&admin_, &bearer_}) {
    if (*client) run(done((*client)->stop()));
  }
}

template <class T>
T LiveWorld::run(Task<T> task) {
  std::optional<T> value;
  loop_.post([&] { spawn(keep<T>(loop_, std::move(task), &value)); });
  while (!value) loop_.run();
  return std::move(*value);
}

cases::Reply LiveWorld::send(net::Request request, std::function<bool(std::string_view)> enough,
                             Duration limit) {
  bool is_admin =
      !request.headers.has("authorization") || request.headers.get("authorization") == kAdmin;
  if (is_admin) request.headers.remove("authorization");  // the client certificate says it
  net::Client& client = is_admin ? *admin_ : *bearer_;
  return run(exchange(client, std::move(request), std::move(enough), limit));
}

Task<cases::Reply> LiveWorld::exchange(net::Client& client, net::Request request,
                                       std::function<bool(std::string_view)> enough,
                                       Duration limit) {
  StopSource late;
  auto timer = loop_.call_after(limit, [&late] { late.request_stop(); });
  bool stream = enough != nullptr;
  Result<net::Response> answer = co_await client.send(std::move(request), stream, late.token());
  cases::Reply reply = answer ? cases::Reply{} : unreachable(answer.error());
  if (answer) {
    reply.status = answer->status;
    reply.headers = answer->headers;
    if (answer->body) reply.body = *answer->body;
    while (answer->stream && !(enough && enough(reply.body))) {
      Result<net::Bytes> chunk = co_await answer->stream->next(late.token());
      if (!chunk || !*chunk) break;
      reply.body += **chunk;
    }
    reply.ended = !(answer->stream && enough && enough(reply.body)) && !late.stop_requested();
  }
  loop_.cancel(timer);
  co_return reply;
}

void LiveWorld::pass(Duration time) { run(sleep_for(loop_, time)); }

std::string LiveWorld::prefix() const { return "case-" + std::to_string(getpid()) + "-"; }

void LiveWorld::restart() {}

Result<void> LiveWorld::disturb(const Node& step) {
  if (!step.find("rest").is_null()) return {};
  return ApiStatus::bad_request("only a model cluster can do that: only: virtual");
}

}  // namespace tiphys::control
