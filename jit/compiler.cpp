#include "jit/compiler.h"

#include <fmt/format.h>
#include <llvm/Analysis/AliasAnalysis.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <time.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <unordered_set>

#include "cpu/code_cache.h"
#include "jit/lift.h"

namespace orrery::jit {

namespace orc = llvm::orc;

namespace {

template <class T> T expect(llvm::Expected<T> value) {
  if (!value) throw std::runtime_error("jit: " + llvm::toString(value.takeError()));
  return std::move(*value);
}
void expect(llvm::Error error) {
  if (error) throw std::runtime_error("jit: " + llvm::toString(std::move(error)));
}

/// This thread's processor time in seconds: other work on the host does not count.
double processor_time() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// Adds the time until its end to a total.
class Timer {
 public:
  explicit Timer(double& total) : total_(total), start_(processor_time()) {}
  ~Timer() { total_ += processor_time() - start_; }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  double& total_;
  double start_;
};

/// The pass list. Stock pipelines cost three times as much and make no faster code of such functions.
class Passes {
 public:
  explicit Passes(llvm::TargetMachine* machine) : builder_(machine) {
    functions_.registerPass([this] { return builder_.buildDefaultAAPipeline(); });
    builder_.registerModuleAnalyses(modules_);
    builder_.registerCGSCCAnalyses(sccs_);
    builder_.registerFunctionAnalyses(functions_);
    builder_.registerLoopAnalyses(loops_);
    builder_.crossRegisterProxies(loops_, functions_, sccs_, modules_);
    passes_.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
    passes_.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
    passes_.addPass(llvm::InstCombinePass());
    passes_.addPass(llvm::SimplifyCFGPass());
    passes_.addPass(llvm::DSEPass());
  }
  void run(llvm::Module& module) {
    for (llvm::Function& f : module) {
      if (!f.isDeclaration()) passes_.run(f, functions_);
    }
    functions_.clear();
    modules_.clear();
    sccs_.clear();
    loops_.clear();
  }

 private:
  llvm::PassBuilder builder_;
  llvm::LoopAnalysisManager loops_;
  llvm::FunctionAnalysisManager functions_;
  llvm::CGSCCAnalysisManager sccs_;
  llvm::ModuleAnalysisManager modules_;
  llvm::FunctionPassManager passes_;
};

}  // namespace

struct Compiler::Parts {
  explicit Parts(const Options& wanted) : options(wanted) {
    static std::once_flag once;
    std::call_once(once, [] {
      llvm::InitializeNativeTarget();
      llvm::InitializeNativeTargetAsmPrinter();
    });
    auto target = expect(orc::JITTargetMachineBuilder::detectHost());
    target.setCodeGenOptLevel(options.fast ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default);
    machine = expect(target.createTargetMachine());
    jit = expect(orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(target)).create());
    passes = std::make_unique<Passes>(machine.get());
  }

  void open() {
    if (module != nullptr) return;
    context = orc::ThreadSafeContext(std::make_unique<llvm::LLVMContext>());
    module = std::make_unique<llvm::Module>("blocks", *context.getContext());
    module->setDataLayout(jit->getDataLayout());
    module->setTargetTriple(machine->getTargetTriple().str());
    ir = std::make_unique<Ir>(*module);
    ir->on_symbol_context = this;
    ir->on_symbol = [](void* parts, std::string_view name, void* address) {
      static_cast<Parts*>(parts)->define(std::string(name), address);
    };
  }

  void define(const std::string& name, void* address) {
    if (!defined.insert(name).second) return;
    orc::SymbolMap symbols;
    symbols[jit->mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(address),
                                           llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    expect(jit->getMainJITDylib().define(orc::absoluteSymbols(std::move(symbols))));
  }

  Options options;
  Totals totals;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<orc::LLJIT> jit;
  std::unique_ptr<Passes> passes;
  orc::ThreadSafeContext context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<Ir> ir;
  std::vector<std::string> names;  // of the open batch
  std::unordered_set<std::string> defined;
  std::map<u64, orc::ResourceTrackerSP> trackers;
  u64 next_name = 0;
  unsigned helpers_called = 0;
  std::string text;
};

Compiler::Compiler(const Options& options) : p_(std::make_unique<Parts>(options)) {}
Compiler::~Compiler() = default;

bool Compiler::add(const Source& source) {
  const Timer timer(p_->totals.lift);
  p_->open();
  const std::string name = fmt::format("block{}", p_->next_name);
  Lifter lifter(*p_->ir, source);
  if (!lifter.lift(name)) return false;
  ++p_->next_name;
  p_->names.push_back(name);
  p_->helpers_called = lifter.helpers_called();
  ++p_->totals.blocks;
  p_->totals.insns += source.count;
  p_->totals.helpers += lifter.helpers_called();
  return true;
}

bool Compiler::add(const cpu::Block& block) { return add(Source{block.insns, block.count, block.bytes, block.mode}); }

unsigned Compiler::helpers_called() const { return p_->helpers_called; }

Compiler::Batch Compiler::compile() {
  Batch batch;
  Parts& p = *p_;
  if (p.names.empty()) return batch;
  p.ir.reset();
  const auto verify = [&] {
    if (!p.options.verify) return;
    std::string message;
    llvm::raw_string_ostream out(message);
    if (llvm::verifyModule(*p.module, &out)) throw std::logic_error("jit: the lifter made invalid IR: " + message);
  };
  verify();
  if (!p.options.fast) {
    {
      const Timer timer(p.totals.passes);
      p.passes->run(*p.module);
    }
    verify();
  }
  if (p.options.keep_text) {
    p.text.clear();
    llvm::raw_string_ostream out(p.text);
    p.module->print(out, nullptr);
  }
  const Timer timer(p.totals.emit);
  orc::JITDylib& dylib = p.jit->getMainJITDylib();
  orc::ResourceTrackerSP tracker = dylib.createResourceTracker();
  expect(p.jit->addIRModule(tracker, orc::ThreadSafeModule(std::move(p.module), std::move(p.context))));
  p.module.reset();
  orc::SymbolLookupSet wanted;
  std::vector<orc::SymbolStringPtr> order;
  for (const std::string& name : p.names) order.push_back(p.jit->mangleAndIntern(name));
  for (const auto& name : order) wanted.add(name);
  p.names.clear();
  const orc::SymbolMap found = expect(
      p.jit->getExecutionSession().lookup({{&dylib, orc::JITDylibLookupFlags::MatchAllSymbols}}, std::move(wanted)));
  for (const auto& name : order) batch.code.push_back(found.find(name)->second.getAddress().toPtr<Code>());
  batch.id = ++p.totals.batches;
  p.trackers[batch.id] = tracker;
  return batch;
}

void Compiler::drop(u64 batch) {
  const auto it = p_->trackers.find(batch);
  if (it == p_->trackers.end()) return;
  expect(it->second->remove());
  p_->trackers.erase(it);
}

const Compiler::Totals& Compiler::totals() const { return p_->totals; }
const std::string& Compiler::text() const { return p_->text; }

}  // namespace orrery::jit
