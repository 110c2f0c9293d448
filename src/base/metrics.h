// Metrics: counters, gauges and histograms, and their Prometheus text (exposition format 0.0.4).
//
//   MetricRegistry metrics;
//   auto& requests = metrics.counter("apiserver_request_total", "Requests.", {"verb", "code"});
//   requests.with({"GET", "200"}).add();
//
// Values may be changed from any thread; families are made at start, with() takes a lock, so keep
// the reference where it is hot. Series live as long as the registry, or until erase(). At most
// kMaxSeries label sets a family: what comes after counts under the label value "other" (label
// values may come from requests).
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tiphys {

class Counter {
 public:
  void add(double amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  explicit Histogram(const std::vector<double>& bounds)
      : bounds_(bounds), counts_(bounds.size() + 1) {}
  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  uint64_t count_in(size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double>& bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

class MetricFamilyBase {
 public:
  static constexpr size_t kMaxSeries = 2000;
  MetricFamilyBase(std::string name, std::string help, std::vector<std::string> labels)
      : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)) {}
  virtual ~MetricFamilyBase() = default;
  virtual void write(std::string& out) const = 0;

 protected:
  void write_header(std::string_view type, std::string& out) const;
  // name{label="value",...}; extra: one more rendered label, may be empty.
  void write_series(std::string_view suffix, const std::vector<std::string>& values,
                    std::string_view extra, double value, std::string& out) const;
  std::string name_;
  std::string help_;
  std::vector<std::string> labels_;
  mutable std::mutex mutex_;
};

template <class M>
class MetricFamily : public MetricFamilyBase {
 public:
  using MetricFamilyBase::MetricFamilyBase;
  // Requires: as many values as the family has labels.
  M& with(std::initializer_list<std::string_view> values) {
    std::lock_guard lock(mutex_);
    std::vector<std::string> key(values.begin(), values.end());
    auto found = series_.find(key);
    if (found != series_.end()) return *found->second;
    if (series_.size() >= kMaxSeries) key.assign(key.size(), "other");
    std::unique_ptr<M>& made = series_[key];
    if (made == nullptr) made = make();
    return *made;
  }
  // Forgets a series. Requires: nobody keeps a reference to it.
  void erase(std::initializer_list<std::string_view> values) {
    std::lock_guard lock(mutex_);
    series_.erase(std::vector<std::string>(values.begin(), values.end()));
  }
  // The family without labels.
  M& get() { return with({}); }
  // Calls f(M&) for each series there is.
  template <class F>
  void each(const F& f) {
    std::lock_guard lock(mutex_);
    for (auto& [values, series] : series_) f(*series);
  }
  void write(std::string& out) const override;
  void set_bounds(std::vector<double> bounds) { bounds_ = std::move(bounds); }

 private:
  std::unique_ptr<M> make() {
    if constexpr (requires { M(bounds_); }) {
      return std::make_unique<M>(bounds_);
    } else {
      return std::make_unique<M>();
    }
  }
  std::map<std::vector<std::string>, std::unique_ptr<M>> series_;
  std::vector<double> bounds_;  // histograms
};

template <>
void MetricFamily<Counter>::write(std::string& out) const;
template <>
void MetricFamily<Gauge>::write(std::string& out) const;
template <>
void MetricFamily<Histogram>::write(std::string& out) const;

class MetricRegistry {
 public:
  MetricFamily<Counter>& counter(std::string name, std::string help,
                                 std::vector<std::string> labels = {});
  MetricFamily<Gauge>& gauge(std::string name, std::string help,
                             std::vector<std::string> labels = {});
  // bounds: upper bounds of the buckets, ascending, without +Inf.
  MetricFamily<Histogram>& histogram(std::string name, std::string help,
                                     std::vector<std::string> labels, std::vector<double> bounds);
  // "text/plain; version=0.0.4", families in the order they were made.
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::deque<std::unique_ptr<MetricFamilyBase>> families_;
};

}  // namespace tiphys
