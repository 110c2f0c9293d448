// ReviewJudge: a model of the API server for tests of who may call a component's own server. It
// knows tokens and rights and answers TokenReviews and SubjectAccessReviews; nothing else. Thread:
// any one.
#pragma once
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "client/transport.h"
#include "kinds/authentication_v1.h"
#include "kinds/authorization_v1.h"

namespace tiphys::client {

class ReviewJudge : public Transport {
 public:
  Task<Result<Response>> send(Request request) override {
    ++asked;
    if (away) co_return ApiStatus::service_unavailable("connection refused");
    Response answer;
    answer.object = request.path.ends_with("/tokenreviews") ? judge_token(*request.object)
                                                            : judge_access(*request.object);
    co_return answer;
  }
  Task<Result<std::unique_ptr<WatchStream>>> watch(Request) override {
    co_return ApiStatus::internal("no watches here");
  }

  std::map<std::string, std::string> tokens;  // token -> user, in group system:serviceaccounts
  std::vector<std::string> rights;            // "user verb path" or "user verb subresource"
  bool away = false;
  int asked = 0;
  std::vector<std::string> groups;  // that the last review named
  std::set<std::string> objects;    // "resource/name" of all reviews of resources

 private:
  ObjectPtr judge_token(const Object& review) {
    Draft draft(review);
    auto status = authentication_v1::TokenReviewEdit(draft).edit_status();
    auto known = tokens.find(std::string(authentication_v1::TokenReview(review).spec().token()));
    status.set_authenticated(known != tokens.end());
    if (known == tokens.end()) return draft.freeze();
    status.edit_user().set_username(known->second);
    status.edit_user().edit_groups().append("system:serviceaccounts");
    return draft.freeze();
  }

  ObjectPtr judge_access(const Object& review) {
    auto spec = authorization_v1::SubjectAccessReview(review).spec();
    groups.clear();
    for (std::string_view group : spec.groups()) groups.emplace_back(group);
    std::string right = std::string(spec.user()) + " ";
    if (spec.has_resource_attributes()) {
      auto what = spec.resource_attributes();
      objects.insert(std::string(what.resource()) + "/" + std::string(what.name()));
      right += std::string(what.verb()) + " " + std::string(what.subresource());
    } else {
      auto what = spec.non_resource_attributes();
      right += std::string(what.verb()) + " " + std::string(what.path());
    }
    Draft draft(review);
    authorization_v1::SubjectAccessReviewEdit(draft).edit_status().set_allowed(
        std::ranges::find(rights, right) != rights.end());
    return draft.freeze();
  }
};

}  // namespace tiphys::client
