#include "tests/control/custom_transport.h"

#include "base/strings.h"
#include "client/answer_form.h"
#include "client/status_object.h"
#include "codec/codec.h"

namespace tiphys::control {
namespace {

class CustomWatch : public client::WatchStream {
 public:
  CustomWatch(CustomApi& api, std::string resource, int64_t from, client::Request::As as)
      : api_(api), resource_(std::move(resource)), from_(from), as_(as) {}

  Task<Result<std::optional<client::WatchEvent>>> next(StopToken stop) override {
    while (true) {
      for (; at_ < api_.history().size(); ++at_) {
        const CustomApi::Event& event = api_.history()[at_];
        if (event.resource != resource_ || event.revision <= from_) continue;
        ++at_;
        co_return decoded(event);
      }
      api_.changed().reset();
      bool more = co_await api_.changed().wait(stop);
      if (!more) co_return std::optional<client::WatchEvent>();
    }
  }

 private:
  Result<std::optional<client::WatchEvent>> decoded(const CustomApi::Event& event) const {
    TIPHYS_TRY(ObjectPtr, object, client::decode_answer(client::kJsonType, event.object, as_));
    client::WatchEvent out{.type = event.type == "ADDED"     ? client::WatchEvent::Type::kAdded
                                   : event.type == "DELETED" ? client::WatchEvent::Type::kDeleted
                                                             : client::WatchEvent::Type::kModified,
                           .object = std::move(object)};
    return std::optional<client::WatchEvent>(std::move(out));
  }

  CustomApi& api_;
  std::string resource_;
  int64_t from_;
  client::Request::As as_;
  size_t at_ = 0;
};

ApiStatus status_in(const CustomApi::Answer& answer) {
  auto object = client::decode_answer(client::kJsonType, answer.body, client::Request::As::kObject);
  return object ? client::status_of(**object) : client::status_of_code(answer.code, answer.body);
}

}  // namespace

Task<Result<client::Response>> CustomTransport::groups(client::Request request) {
  if (api_.legacy()) request.accept.clear();
  Result<client::Response> answer = co_await inner_.send(std::move(request));
  if (!answer) co_return answer;
  if (answer->object) {
    answer->body = *codec::encode_shared(codec::Format::kJson, *answer->object);
    answer->object = nullptr;
  }
  answer->body = api_.with_group(std::move(answer->body));
  co_return answer;
}

Task<Result<client::Response>> CustomTransport::send(client::Request request) {
  if (request.path == "/apis") co_return co_await groups(std::move(request));
  if (request.path == "/api" && api_.legacy()) request.accept.clear();
  std::string body = request.body;
  if (request.object && request.json_body) {
    body = *codec::encode_shared(codec::Format::kJson, *request.object);
  }
  std::optional<CustomApi::Answer> answer =
      api_.handle(request.method, request.path, request.query, body, request.content_type);
  if (!answer) co_return co_await inner_.send(std::move(request));
  if (request.object && !request.json_body) {
    co_return ApiStatus(415, "UnsupportedMediaType", "the body is not JSON");
  }
  if (answer->code > 299) co_return status_in(*answer);
  client::Response response{.code = answer->code};
  if (request.as_text) {
    response.body = std::move(answer->body);
    co_return response;
  }
  auto object = client::decode_answer(client::kJsonType, answer->body, request.as);
  if (!object) co_return object.error();
  response.object = std::move(*object);
  co_return response;
}

Task<Result<std::unique_ptr<client::WatchStream>>> CustomTransport::watch(client::Request request) {
  std::string resource = api_.listed(request.path);
  bool ours = request.path.starts_with("/apis/" + std::string(kCustomGroup) + "/");
  if (!ours) co_return co_await inner_.watch(std::move(request));
  if (resource.empty()) co_return ApiStatus(404, "NotFound", "404 page not found");
  int64_t from = 0;
  for (std::string_view term : split(request.query, '&')) {
    if (auto text = cut_prefix(term, "resourceVersion=")) from = parse_int(*text).value_or(0);
  }
  co_return std::make_unique<CustomWatch>(api_, std::move(resource), from, request.as);
}

}  // namespace tiphys::control
