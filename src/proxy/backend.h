// Backend: what turns Services into rules of one address family, and brings them into the kernel.
//
// State lives on the loop's thread; what blocks comes as functions that own what they need, to be
// run on the pool, in the network namespace of the caller. A change costs what changed.
// Implementations: nft_backend.h, iptables_backend.h.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proxy/model.h"

namespace tiphys::proxy {

class Backend {
 public:
  // Rules of one of iptables' tables.
  struct RuleCount {
    std::string_view table;
    size_t total = 0;    // once the transaction is applied
    size_t written = 0;  // by it
  };
  // Fresh rules for the kernel. All or nothing; error: what the kernel's tool says first. apply()
  // answers what looks tell from then on, until somebody else changes the rules.
  struct Transaction {
    size_t bytes = 0;  // of text; 0: there is nothing to do, and no apply
    std::function<Result<std::string>()> apply;
    std::vector<RuleCount> rules;  // empty: there are no such tables
  };
  // A look at the kernel: some text that stays the same until somebody else changes the rules;
  // "": they are gone.
  using Look = std::function<Result<std::string>()>;

  virtual ~Backend() = default;
  virtual Family family() const = 0;
  // Replaces the rules of one service; facts null: erases them.
  virtual void set(const std::string& service, const ServiceFacts* facts,
                   std::span<const SliceFacts> slices, const NodeFacts& node) = 0;
  // No service has rules.
  virtual bool empty() const = 0;
  // What changed since the last take; full: everything anew, whatever is in the kernel.
  virtual Transaction take(bool full, const NodeFacts& node) = 0;
  virtual Look look() const = 0;
  // For when looks differ and rules are there: what is different about ours, for people; "": those
  // that changed are others'. The last taken transaction must have been applied. Null: a look tells
  // of our rules alone.
  virtual Look audit(const NodeFacts&) const { return nullptr; }
  // "nftables table x", for messages.
  virtual std::string title() const = 0;
};

}  // namespace tiphys::proxy
