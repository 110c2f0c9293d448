#include "apiserver/response/watch_body.h"

#include "apiserver/registry/conversion.h"
#include "apiserver/response/encode.h"
#include "apiserver/response/status_object.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;  // of events put into one write

}  // namespace

WatchBody::WatchBody(Loop& loop, RequestContext context, WatchAnswer watch, StopToken stop)
    : loop_(loop), context_(std::move(context)), watch_(std::move(watch)), stop_(stop) {
  timer_ = loop_.call_after(watch_.timeout, [this] {
    timer_ = 0;
    stop_.request_stop();
  });
}

WatchBody::~WatchBody() { loop_.cancel(timer_); }

void WatchBody::append(const WatchEvent& event, std::string& out) {
  ObjectPtr object = from_storage_version(*watch_.resource, event.object);
  auto text = encode_event(context_, watch_event_type(event.type), *object, first_table_);
  if (!text) return append_error(text.error(), out);
  first_table_ = false;
  out += *text;
}

void WatchBody::append_error(const ApiStatus& error, std::string& out) {
  finished_ = true;
  auto text = encode_event(context_, "ERROR", *status_object(error), false);
  if (text) out += *text;
}

// What a watch that ends says last: its error, or how far it has come.
std::string WatchBody::last_words() {
  std::string out;
  finished_ = true;
  if (!watch_.watcher) return out;
  if (auto error = watch_.watcher->error()) {
    append_error(*error, out);
  } else if (watch_.bookmarks && !watch_.watcher->ended()) {
    auto bookmark = watch_.watcher->bookmark();
    if (bookmark) append(*bookmark, out);
  }
  return out;
}

Task<Result<net::Bytes>> WatchBody::next(StopToken stop) {
  if (finished_) co_return net::Bytes();
  std::string out;
  if (watch_.error) {
    append_error(*watch_.error, out);
    co_return std::make_shared<const std::string>(std::move(out));
  }
  StopCallback gone = stop.on_stop([this] { stop_.request_stop(); });
  std::optional<WatchEvent> event = co_await watch_.watcher->next(stop_.token());
  if (!event) {
    out = last_words();
    if (out.empty()) co_return net::Bytes();
    co_return std::make_shared<const std::string>(std::move(out));
  }
  append(*event, out);
  while (!finished_ && out.size() < kChunkBytes) {
    event = watch_.watcher->try_next();
    if (!event) break;
    append(*event, out);
  }
  co_return std::make_shared<const std::string>(std::move(out));
}

}  // namespace tiphys::apiserver
