#include "apiserver/pipeline/audited.h"

#include "apiserver/registry/meta.h"
#include "apiserver/response/encode.h"
#include "apiserver/response/status_object.h"
#include "base/strings.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

using audit::Level;
using audit::RequestAudit;
using audit::Stage;

bool is_status(const Object& object) { return &object.type() == &meta_v1::Status::message_type(); }

ObjectPtr without_managed_fields(const Object& object) {
  Draft draft(object);
  MetaEdit(draft).clear("managedFields");
  return draft.freeze();
}

Result<net::Bytes> encode_answer(const RequestContext& context, const Answer& answer, bool omit) {
  if (answer.object) {
    bool change = omit && !is_status(*answer.object);
    ObjectPtr object = change ? without_managed_fields(*answer.object) : answer.object;
    return encode_object(context, *object);
  }
  if (!answer.list) return net::Bytes();
  if (!omit) return encode_list(context, *answer.list);
  ListAnswer list = *answer.list;
  for (ObjectPtr& item : list.items) item = without_managed_fields(*item);
  return encode_list(context, list);
}

// The answer's JSON on one line, whatever the client is sent. Null: it has none.
net::Bytes answer_json(RequestContext& context, const Result<Answer>& answer, bool omit) {
  MediaType kept = context.media;
  context.media.format = codec::Format::kJson;
  context.media.pretty = false;
  Result<net::Bytes> body = answer ? encode_answer(context, *answer, omit)
                                   : encode_failure(context.media, answer.error());
  context.media = kept;
  if (!body || !*body) return nullptr;
  return std::make_shared<const std::string>(trim(**body));
}

class AuditedStream : public net::BodyStream {
 public:
  AuditedStream(std::unique_ptr<net::BodyStream> inner, std::shared_ptr<RequestAudit> audit)
      : completion_(std::move(audit)), inner_(std::move(inner)) {}
  Task<Result<net::Bytes>> next(StopToken stop) override { return inner_->next(std::move(stop)); }
  const net::Headers* trailers() const override { return inner_->trailers(); }

 private:
  audit::Completion completion_;  // destroyed last
  std::unique_ptr<net::BodyStream> inner_;
};

using Upgrade = std::function<Task<void>(std::unique_ptr<net::ByteStream>)>;

Task<void> run_upgrade(Upgrade inner, std::unique_ptr<net::ByteStream> stream,
                       std::shared_ptr<audit::Completion> completion) {
  co_await inner(std::move(stream));
  completion.reset();
}

Upgrade audited(Upgrade inner, std::shared_ptr<RequestAudit> audit) {
  auto completion = std::make_shared<audit::Completion>(std::move(audit));
  return [inner, completion](std::unique_ptr<net::ByteStream> stream) {
    return run_upgrade(inner, std::move(stream), completion);
  };
}

// As Go's sanitizer of error pages.
std::string html_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    std::string_view escaped = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "";
    if (escaped.empty()) out += c;
    out += escaped;
  }
  return out;
}

}  // namespace

void audit_answer(RequestAudit& audit, RequestContext& context, const Result<Answer>& answer) {
  bool whole = audit.tells(Level::kRequestResponse);
  ObjectPtr status;
  if (!answer) {
    status = status_object(answer.error());
  } else if (answer->object && is_status(*answer->object)) {
    status = answer->object;
  }
  net::Bytes json;
  if (whole) json = answer_json(context, answer, audit.omits_managed_fields());
  audit.set_answer(status, std::move(json));
}

Task<net::Response> audit_response(std::shared_ptr<RequestAudit> audit, net::Response response,
                                   bool long_running) {
  audit->set_code(response.upgrade ? 101 : response.status);
  if (long_running) (void)co_await RequestAudit::record(audit, Stage::kResponseStarted);
  if (response.upgrade) {
    response.upgrade = audited(std::move(response.upgrade), std::move(audit));
  } else if (response.stream) {
    response.stream = std::make_unique<AuditedStream>(std::move(response.stream), std::move(audit));
  } else {
    (void)co_await RequestAudit::record(std::move(audit), Stage::kResponseComplete);
  }
  co_return response;
}

Task<void> audit_turned_away(std::shared_ptr<RequestAudit> audit, int code) {
  audit->set_code(code);
  (void)co_await RequestAudit::record(std::move(audit), Stage::kResponseStarted);
}

Task<Result<Answer>> audit_call(std::shared_ptr<RequestAudit> audit, Result<Answer> answer,
                                bool long_running) {
  audit->set_code(answer ? answer->code : answer.error().code());
  if (long_running) (void)co_await RequestAudit::record(audit, Stage::kResponseStarted);
  if (answer && answer->watch) {
    answer->watch->held = std::make_shared<audit::Completion>(std::move(audit));
  } else {
    (void)co_await RequestAudit::record(std::move(audit), Stage::kResponseComplete);
  }
  co_return answer;
}

net::Response not_stored(std::string_view request_uri) {
  net::Response response;
  response.status = 500;
  response.headers.set("content-type", "text/plain; charset=utf-8");
  response.headers.set("x-content-type-options", "nosniff");
  response.body = std::make_shared<const std::string>(
      html_text("Internal Server Error: " + go_quote(request_uri) +
                ": failed to store audit event") +
      "\n");
  return response;
}

}  // namespace tiphys::apiserver
