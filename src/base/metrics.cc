#include "base/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tiphys {
namespace {

std::string number_text(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (std::isnan(value)) return "NaN";
  char text[32];
  auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  return {text, end};
}

void append_escaped(std::string_view text, bool quotes, std::string& out) {
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (quotes && c == '"')) out += '\\';
      out += c;
    }
  }
}

}  // namespace

void Histogram::observe(double value) {
  size_t bucket = static_cast<size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) -
                                      bounds_.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void MetricFamilyBase::write_header(std::string_view type, std::string& out) const {
  out += "# HELP " + name_ + " ";
  append_escaped(help_, false, out);
  out += "\n# TYPE " + name_ + " ";
  out += type;
  out += '\n';
}

void MetricFamilyBase::write_series(std::string_view suffix, const std::vector<std::string>& values,
                                    std::string_view extra, double value, std::string& out) const {
  out += name_;
  out += suffix;
  if (!labels_.empty() || !extra.empty()) {
    out += '{';
    for (size_t i = 0; i < labels_.size() && i < values.size(); ++i) {
      if (i > 0) out += ',';
      out += labels_[i] + "=\"";
      append_escaped(values[i], true, out);
      out += '"';
    }
    if (!labels_.empty() && !extra.empty()) out += ',';
    out += extra;
    out += '}';
  }
  out += ' ' + number_text(value) + '\n';
}

template <>
void MetricFamily<Counter>::write(std::string& out) const {
  std::lock_guard lock(mutex_);
  if (series_.empty()) return;
  write_header("counter", out);
  for (const auto& [values, series] : series_) write_series("", values, "", series->value(), out);
}

template <>
void MetricFamily<Gauge>::write(std::string& out) const {
  std::lock_guard lock(mutex_);
  if (series_.empty()) return;
  write_header("gauge", out);
  for (const auto& [values, series] : series_) write_series("", values, "", series->value(), out);
}

template <>
void MetricFamily<Histogram>::write(std::string& out) const {
  std::lock_guard lock(mutex_);
  if (series_.empty()) return;
  write_header("histogram", out);
  for (const auto& [values, series] : series_) {
    uint64_t total = 0;
    for (size_t i = 0; i <= series->bounds().size(); ++i) {
      total += series->count_in(i);
      double bound = i < series->bounds().size() ? series->bounds()[i] : INFINITY;
      write_series("_bucket", values, "le=\"" + number_text(bound) + "\"",
                   static_cast<double>(total), out);
    }
    write_series("_sum", values, "", series->sum(), out);
    write_series("_count", values, "", static_cast<double>(total), out);
  }
}

MetricFamily<Counter>& MetricRegistry::counter(std::string name, std::string help,
                                               std::vector<std::string> labels) {
  auto family =
      std::make_unique<MetricFamily<Counter>>(std::move(name), std::move(help), std::move(labels));
  auto& made = *family;
  std::lock_guard lock(mutex_);
  families_.push_back(std::move(family));
  return made;
}

MetricFamily<Gauge>& MetricRegistry::gauge(std::string name, std::string help,
                                           std::vector<std::string> labels) {
  auto family =
      std::make_unique<MetricFamily<Gauge>>(std::move(name), std::move(help), std::move(labels));
  auto& made = *family;
  std::lock_guard lock(mutex_);
  families_.push_back(std::move(family));
  return made;
}

MetricFamily<Histogram>& MetricRegistry::histogram(std::string name, std::string help,
                                                   std::vector<std::string> labels,
                                                   std::vector<double> bounds) {
  auto family = std::make_unique<MetricFamily<Histogram>>(std::move(name), std::move(help),
                                                          std::move(labels));
  family->set_bounds(std::move(bounds));
  auto& made = *family;
  std::lock_guard lock(mutex_);
  families_.push_back(std::move(family));
  return made;
}

std::string MetricRegistry::text() const {
  std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& family : families_) family->write(out);
  return out;
}

}  // namespace tiphys
