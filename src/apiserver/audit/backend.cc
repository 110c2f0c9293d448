#include "apiserver/audit/backend.h"

#include "base/log.h"

namespace tiphys::apiserver::audit {
namespace {

constexpr std::string_view kTruncated = "audit.k8s.io/truncated";

}  // namespace

Backend::Backend(Loop& loop, WorkerPool& pool, std::unique_ptr<Sink> sink, BackendOptions options)
    : loop_(loop),
      pool_(pool),
      sink_(std::move(sink)),
      options_(options),
      gate_(loop),
      full_(loop) {}
Backend::~Backend() = default;

// The event as a line, without its objects if it is too large with them. Nothing: too large anyway.
std::optional<std::string> Backend::line_of(Event event) {
  auto too_large = [&](const std::string& json) {
    return options_.max_event_bytes > 0 && json.size() > options_.max_event_bytes;
  };
  std::string line = json_line(event);
  if (too_large(line) && event.level >= Level::kRequest) {
    event.request_object = nullptr;
    event.response_object = nullptr;
    event.annotations.replace(kTruncated, "true");
    line = json_line(event);
  }
  if (too_large(line)) {
    ++counts_.lost_by_truncate;
    LOG_ERROR("Error in audit plugin 'truncate': event is too large even after truncating",
              {"auditID", event.audit_id});
    return std::nullopt;
  }
  if (options_.format == Format::kLegacy) return legacy_line(event);
  return line;
}

bool Backend::push(std::string line, std::shared_ptr<Waiting> waiting) {
  bool batched = options_.mode == Mode::kBatch;
  size_t room = batched ? options_.buffer_size : kMaxPendingEvents;
  bool taken = !stopped_ && pending_.size() < room;
  if (!taken || pending_bytes_ + line.size() > kMaxPendingBytes) {
    ++counts_.lost_by_buffer;
    ++untold_drops_;
    return false;
  }
  pending_bytes_ += line.size();
  pending_.push_back({std::move(line), std::move(waiting)});
  if (pending_.size() >= options_.batch_max_size) full_.set();
  if (!draining_) gate_.spawn(drain());
  return true;
}

Task<bool> Backend::write(Event event) {
  std::optional<std::string> line = line_of(std::move(event));
  if (!line) co_return true;
  if (options_.mode == Mode::kBatch) {
    push(std::move(*line), nullptr);
    co_return true;
  }
  auto waiting = std::make_shared<Waiting>(loop_);
  bool taken = push(std::move(*line), waiting);
  if (taken) (void)co_await waiting->done.wait();
  co_return waiting->written || options_.mode != Mode::kBlockingStrict;
}

void Backend::post(Event event) {
  std::optional<std::string> line = line_of(std::move(event));
  if (line) push(std::move(*line), nullptr);
}

Task<void> Backend::stop() {
  stopped_ = true;
  full_.set();
  co_await gate_.close();
}

std::vector<Backend::Pending> Backend::take() {
  size_t most = options_.batch_max_size > 1 ? options_.batch_max_size : kMaxWrittenAtOnce;
  std::vector<Pending> batch;
  while (!pending_.empty() && batch.size() < most) {
    pending_bytes_ -= pending_.front().line.size();
    batch.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  if (pending_.size() < options_.batch_max_size && !stopped_) full_.reset();
  return batch;
}

Backend::Outcome Backend::write_all(Sink& sink, const std::vector<Pending>& batch) {
  Outcome outcome;
  for (const Pending& pending : batch) {
    Result<void> done = sink.write(pending.line);
    outcome.written.push_back(done.has_value());
    if (!done && !outcome.error) outcome.error = done.error();
  }
  outcome.untidy = sink.is_untidy();
  return outcome;
}

void Backend::settle(std::vector<Pending> batch, const Outcome& outcome) {
  size_t failed = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!outcome.written[i]) ++failed;
    if (!batch[i].waiting) continue;
    batch[i].waiting->written = outcome.written[i];
    batch[i].waiting->done.set();
  }
  counts_.lost_by_log += failed;
  if (outcome.error) {
    LOG_ERROR("Error in audit plugin 'log'", {"events", failed}, {"err", *outcome.error});
  }
  if (untold_drops_ == 0) return;
  LOG_ERROR("Error in audit plugin 'buffered': audit buffer queue blocked",
            {"events", untold_drops_});
  untold_drops_ = 0;
}

// In batch mode, waits a while for more.
Task<void> Backend::collect() {
  if (options_.mode != Mode::kBatch || full_.is_set()) co_return;
  if (options_.batch_max_wait <= Duration::zero()) co_return;
  (void)co_await full_.wait({}, options_.batch_max_wait);
}

Task<void> Backend::drain() {
  draining_ = true;
  while (!pending_.empty()) {
    co_await collect();
    std::vector<Pending> batch = take();
    Sink& sink = *sink_;
    Outcome outcome =
        co_await run_blocking(loop_, pool_, [&sink, &batch] { return write_all(sink, batch); });
    settle(std::move(batch), outcome);
    if (outcome.untidy && !tidying_) gate_.spawn(tidy());
  }
  draining_ = false;
}

Task<void> Backend::tidy() {
  tidying_ = true;
  Sink& sink = *sink_;
  Result<void> done = co_await run_blocking(loop_, pool_, [&sink] { return sink.tidy(); });
  if (!done) LOG_ERROR("Old audit logs not tidied", {"err", done.error()});
  tidying_ = false;
}

}  // namespace tiphys::apiserver::audit
