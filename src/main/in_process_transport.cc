#include "main/in_process_transport.h"

#include "client/status_object.h"

namespace tiphys {
namespace {

using ClientType = client::WatchEvent::Type;
using ServerType = apiserver::WatchEvent::Type;

ClientType type_of(ServerType type) {
  switch (type) {
    case ServerType::kAdded:
      return ClientType::kAdded;
    case ServerType::kModified:
      return ClientType::kModified;
    case ServerType::kDeleted:
      return ClientType::kDeleted;
    case ServerType::kBookmark:
      return ClientType::kBookmark;
  }
  return ClientType::kError;
}

class InProcessWatch : public client::WatchStream {
 public:
  explicit InProcessWatch(apiserver::WatchAnswer answer) : answer_(std::move(answer)) {}

  Task<Result<std::optional<client::WatchEvent>>> next(StopToken stop) override {
    if (answer_.error) co_return failure(*std::exchange(answer_.error, std::nullopt));
    if (!answer_.watcher || answer_.watcher->ended()) co_return end();
    std::optional<apiserver::WatchEvent> event = co_await answer_.watcher->next(stop);
    if (!event) co_return end();
    client::WatchEvent out{.type = type_of(event->type), .object = std::move(event->object)};
    co_return std::optional<client::WatchEvent>(std::move(out));
  }

 private:
  // A watch that ended with an error says so once.
  Result<std::optional<client::WatchEvent>> end() {
    if (answer_.watcher && answer_.watcher->error() && !told_) {
      told_ = true;
      return failure(*answer_.watcher->error());
    }
    return std::optional<client::WatchEvent>();
  }
  static std::optional<client::WatchEvent> failure(ApiStatus error) {
    client::WatchEvent event{.type = ClientType::kError};
    event.error = std::move(error);
    return event;
  }

  apiserver::WatchAnswer answer_;
  bool told_ = false;
};

}  // namespace

apiserver::InProcessRequest InProcessTransport::translate(client::Request request) const {
  return {.method = std::move(request.method),
          .path = std::move(request.path),
          .query = std::move(request.query),
          .object = std::move(request.object),
          .body = std::move(request.body),
          .content_type = std::move(request.content_type),
          .accept = std::move(request.accept),
          .user_agent = user_agent_,
          .user = user_,
          .stop = std::move(request.stop)};
}

Task<Result<apiserver::Answer>> InProcessTransport::call(client::Request request) {
  SystemClock clock;
  MonoTime begin = clock.mono();
  std::string method = request.method;
  Result<apiserver::Answer> answer = co_await server_.call(translate(std::move(request)));
  tell({method, "", answer ? answer->code : answer.error().code(), clock.mono() - begin});
  co_return answer;
}

Task<Result<client::Response>> InProcessTransport::send(client::Request request) {
  Result<apiserver::Answer> answer = co_await call(std::move(request));
  if (!answer) co_return answer.error();
  if (answer->raw && (answer->code < 200 || answer->code > 299)) {
    const net::Bytes& body = answer->raw->body;
    co_return client::status_of_code(answer->code, body ? std::string_view(*body) : "");
  }
  client::Response response{.code = answer->code, .object = std::move(answer->object)};
  if (answer->list) {
    response.list = client::ListAnswer{.items = std::move(answer->list->items),
                                       .resource_version = answer->list->resource_version,
                                       .continue_token = answer->list->continue_token};
  }
  if (answer->raw && answer->raw->body) response.body = *answer->raw->body;
  co_return response;
}

Task<Result<std::unique_ptr<client::WatchStream>>> InProcessTransport::watch(
    client::Request request) {
  Result<apiserver::Answer> answer = co_await call(std::move(request));
  if (!answer) co_return answer.error();
  if (!answer->watch) co_return ApiStatus::internal("the API server answered a watch otherwise");
  std::unique_ptr<client::WatchStream> stream =
      std::make_unique<InProcessWatch>(std::move(*answer->watch));
  co_return stream;
}

}  // namespace tiphys
