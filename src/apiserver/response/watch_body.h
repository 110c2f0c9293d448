// WatchBody: a watch as a response body: events framed as they come, several in one chunk while
// they are there, until the time is up or the watch ends. Loop thread only.
#pragma once
#include <memory>

#include "apiserver/pipeline/answer.h"
#include "apiserver/pipeline/request_context.h"
#include "async/loop.h"
#include "net/http.h"

namespace tiphys::apiserver {

class WatchBody : public net::BodyStream {
 public:
  // stop: the server ends.
  WatchBody(Loop& loop, RequestContext context, WatchAnswer watch, StopToken stop);
  ~WatchBody() override;
  Task<Result<net::Bytes>> next(StopToken stop) override;

 private:
  void append(const WatchEvent& event, std::string& out);
  void append_error(const ApiStatus& error, std::string& out);
  std::string last_words();

  Loop& loop_;
  RequestContext context_;
  WatchAnswer watch_;
  StopSource stop_;
  Loop::TimerId timer_ = 0;
  bool finished_ = false;
  bool first_table_ = true;
};

}  // namespace tiphys::apiserver
