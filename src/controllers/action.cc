#include "controllers/action.h"

namespace tiphys::controllers {

namespace {

Action make(Action::Verb verb, const schema::Resource& resource, ObjectPtr object) {
  Action action;
  action.verb = verb;
  action.resource = &resource;
  action.object = std::move(object);
  return action;
}

}  // namespace

Action create_action(const schema::Resource& resource, ObjectPtr object) {
  return make(Action::Verb::kCreate, resource, std::move(object));
}

Action update_action(const schema::Resource& resource, ObjectPtr object, std::string subresource) {
  Action action = make(Action::Verb::kUpdate, resource, std::move(object));
  action.subresource = std::move(subresource);
  return action;
}

Action patch_action(const schema::Resource& resource, ObjectPtr object, std::string patch) {
  Action action = make(Action::Verb::kPatch, resource, std::move(object));
  action.patch = std::move(patch);
  return action;
}

Action delete_action(const schema::Resource& resource, ObjectPtr object) {
  return make(Action::Verb::kDelete, resource, std::move(object));
}

Action verify_action(const schema::Resource& resource, ObjectPtr object) {
  return make(Action::Verb::kVerify, resource, std::move(object));
}

Action note_action(ObjectPtr about, std::string type, std::string reason, std::string message) {
  Action action;
  action.success = Note{std::move(about), std::move(type), std::move(reason), std::move(message)};
  return action;
}

int SlowStart::next() {
  if (left_ == 0) {
    ++batch_;
    size_ *= 2;
    left_ = size_;
  }
  --left_;
  return batch_;
}

}  // namespace tiphys::controllers
