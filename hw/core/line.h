// Wires between chips. A level line has a level that lasts (interrupt requests, DRQ, A20, gates); an edge line only
// carries moments (a keystroke of NMI, a pulse of reset). They are distinct types, so that a chip cannot be wired
// wrongly.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "hw/core/types.h"

namespace orrery::core {

/// One driver, any number of listeners. Listeners hear changes only. Wires are set up once, by the board; a line's
/// level is state of its driver, which archives it and drives the line again after a load.
class LevelLine {
 public:
  using Listener = std::function<void(bool level)>;

  LevelLine() = default;
  LevelLine(const LevelLine&) = delete;
  LevelLine& operator=(const LevelLine&) = delete;

  void connect(Listener listener) { listeners_.push_back(std::move(listener)); }
  bool level() const { return level_; }
  void set(bool level) {
    if (level == level_) return;
    level_ = level;
    for (const Listener& listener : listeners_) listener(level);
  }
  void raise() { set(true); }
  void lower() { set(false); }
  /// Sets the level without telling anybody: for loading a state in which every listener loads its own.
  void restore(bool level) { level_ = level; }

 private:
  bool level_ = false;
  std::vector<Listener> listeners_;
};

/// A wired-OR of several level lines (shared interrupt lines): high while any input is high.
class WiredOr {
 public:
  explicit WiredOr(LevelLine& out) : out_(out) {}
  WiredOr(const WiredOr&) = delete;
  WiredOr& operator=(const WiredOr&) = delete;

  /// Adds `line` as an input.
  void add(LevelLine& line) {
    inputs_.push_back(&line);
    line.connect([this](bool) { update(); });
    update();
  }
  void update() { out_.set(level()); }
  /// What the inputs make of it.
  bool level() const {
    bool level = false;
    for (const LevelLine* input : inputs_) level = level || input->level();
    return level;
  }

 private:
  LevelLine& out_;
  std::vector<LevelLine*> inputs_;
};

/// A moment: pulse() calls every listener once.
class EdgeLine {
 public:
  using Listener = std::function<void()>;

  EdgeLine() = default;
  EdgeLine(const EdgeLine&) = delete;
  EdgeLine& operator=(const EdgeLine&) = delete;

  void connect(Listener listener) { listeners_.push_back(std::move(listener)); }
  void pulse() {
    for (const Listener& listener : listeners_) listener();
  }

 private:
  std::vector<Listener> listeners_;
};

}  // namespace orrery::core
