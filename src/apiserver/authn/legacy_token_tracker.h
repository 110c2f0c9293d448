// LegacyTokenTracker: since when the use of tokens in Secrets is tracked (the ConfigMap
// kube-system/kube-apiserver-legacy-service-account-token-tracking), and when each was used last
// (a label of its Secret). The legacy token cleaner goes by both.
//
// Loop thread; what it is made with must outlive its run. A Secret that could not be labelled is
// labelled at its next use. Source:
// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/ and upstream's
// pkg/controlplane/controller/legacytokentracking.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "apiserver/lookup.h"
#include "apiserver/registry/own_writes.h"
#include "async/loop.h"

namespace tiphys::apiserver {

inline constexpr std::string_view kLegacyTokenLastUsed = "kubernetes.io/legacy-token-last-used";
inline constexpr std::string_view kLegacyTokenInvalidSince =
    "kubernetes.io/legacy-token-invalid-since";
inline constexpr size_t kMaxUnlabelled = 1000;

// "2006-01-02", in UTC.
std::string date_text(MicroTime time);

class LegacyTokenTracker {
 public:
  LegacyTokenTracker(Lookup& lookup, OwnWrites& writes, Loop& loop)
      : lookup_(lookup), writes_(writes), loop_(loop), changed_(loop) {}

  // The token in this Secret was used today. More than kMaxUnlabelled at once: not noted.
  void used(std::string_view ns, std::string_view secret);
  // Writes the ConfigMap unless it is as it should be. One that was deleted is made again, half an
  // hour after the last at the earliest: servers that don't track may delete it, as upstream.
  Task<Result<void>> keep_since();
  // Keeps both until stopped; once.
  Task<void> run(StopToken stop);

 private:
  Duration until_creation() const;
  Task<void> label_used();
  Task<Result<void>> label(std::string ns, std::string name);

  Lookup& lookup_;
  OwnWrites& writes_;
  Loop& loop_;
  Event changed_;
  std::set<std::pair<std::string, std::string>> unlabelled_;  // namespace and name
  std::optional<MonoTime> made_;                              // the ConfigMap
};

}  // namespace tiphys::apiserver
