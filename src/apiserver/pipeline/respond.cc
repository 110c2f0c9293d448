#include "apiserver/pipeline/respond.h"

#include "apiserver/response/encode.h"
#include "apiserver/response/warnings.h"
#include "apiserver/response/watch_body.h"

namespace tiphys::apiserver {

net::Response respond(Loop& loop, RequestContext context, Result<Answer> answer,
                      StopToken stopping) {
  net::Response response;
  std::vector<std::string> warnings = warning_headers(context.warnings);
  if (answer && answer->watch) {
    Result<void> checked = check_table_options(context);
    if (!checked) answer = checked.error();
  }
  if (answer && answer->raw) {
    response = std::move(*answer->raw);
  } else if (answer && answer->watch) {
    response.headers.set("content-type", stream_content_type(context.media.format));
    response.stream = std::make_unique<WatchBody>(loop, std::move(context),
                                                  std::move(*answer->watch), std::move(stopping));
  } else {
    Result<net::Bytes> body = net::Bytes();
    if (!answer) {
      body = answer.error();
    } else if (answer->list) {
      body = encode_list(context, *answer->list);
    } else {
      body = encode_object(context, *answer->object);
    }
    response.headers.set("content-type", content_type(context.media.format));
    if (body) {
      response.status = answer->code;
      response.body = std::move(*body);
    } else {
      response.status = body.error().code();
      response.body = encode_failure(context.media, body.error());
      int32_t retry = body.error().data().details.retry_after_seconds;
      if (retry > 0) response.headers.set("retry-after", std::to_string(retry));
    }
  }
  if (!response.headers.has("cache-control")) {
    response.headers.set("cache-control", "no-cache, private");
  }
  for (std::string& header : warnings) response.headers.add("warning", std::move(header));
  return response;
}

}  // namespace tiphys::apiserver
