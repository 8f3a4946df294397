"""Machine code for a kernel alone, not for each function that it calls as well.

Numba makes a library of every function: it links in what the function calls, optimises the lot and
writes machine code for it, and then does the same with each caller. Nobody ever runs the machine
code of a function that is called by compiled code only; writing it took a fifth of the time. Nor
need a function be optimised with all that it calls if it does nothing but call. Both together were
half of the time that a kernel takes to compile.

Not responsible for what is compiled (`compiled`), nor for what is kept on disk: Numba reads that as
it always does.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding
from numba.core import typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.targetconfig import ConfigStack

from bptrace.kernels import vectors
from bptrace.kernels.kinds import Kind, is_net, kind


class _NoMachineCode:
    """Stands for the code generator where Numba wants to write into finished machine code."""

    def set_env(self, name: str, environment: object) -> None:
        """Do nothing: only what Python calls has an environment."""


class Part(JITCodeLibrary):  # type: ignore[misc, unused-ignore]
    """The code of a function that only other compiled code calls: optimised, but not written."""

    @property
    def codegen(self) -> _NoMachineCode:
        """What Numba asks for addresses in the machine code of this library."""
        return _NoMachineCode()

    def _optimize_functions(self, module: Any) -> None:
        """Leave out what comes before linking: little functions gain nothing by it."""
        module.data_layout = self._codegen._data_layout

    kind: Kind | None = None
    """Of the network that the function works for, if it is known."""

    def _optimize_final_module(self) -> None:
        """Optimise once; Numba would do it twice, to count references in between.

        Loops of single samples have few turns: unrolled, they would be twice as long, and no
        faster. Those of batches gain a fifth of a step.
        """
        kind = self.kind
        in_lanes, several = (kind.lanes, kind.batched) if kind else (True, True)
        vectors.optimise(self._final_module, self._codegen, in_lanes, several)

    def finalize(self) -> None:
        """Link in what the function calls, and optimise."""
        for library in _called(self._linking_libraries):
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._optimize_final_module()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0: the function has no address."""
        return 0


class Loop(Part):
    """The code of a function with loops, in which everything counts.

    Without the passes before linking a step takes a tenth more.
    """

    def _optimize_functions(self, module: Any) -> None:
        JITCodeLibrary._optimize_functions(self, module)


class Joint(Loop):
    """The code of a function that does nothing but call others; these are left to its caller.

    To optimise `source.backward` with all its loops, each of which has been optimised already, took
    as long as all loops together.
    """

    def finalize(self) -> None:
        """Do nothing: the caller will."""
        self._finalized = True


class Whole(JITCodeLibrary):  # type: ignore[misc, unused-ignore]
    """The code of a kernel."""

    def finalize(self) -> None:
        """Link in what the kernel calls, optimise, and write machine code."""
        self._linking_libraries: list[Any] = _called(self._linking_libraries)
        super().finalize()

    def _optimize_final_module(self) -> None:
        super()._optimize_final_module()
        vectors.link(self._final_module, self._codegen)


class Joined(Whole):
    """The code of a kernel that does nothing but call others, as a joint does."""

    def _optimize_final_module(self) -> None:
        """Put what is called in its place; all that takes time has been done to the parts.

        To optimise everything together once more took as long as to optimise the parts, for 2 % of
        a step of the smallest network, and nothing elsewhere.
        """
        options = binding.create_pipeline_tuning_options(speed_level=0)  # nothing but inlining
        builder = binding.create_pass_builder(self._codegen._tm, options)
        passes = builder.getModulePassManager()
        passes.add_simplify_cfg_pass()
        passes.add_loop_rotate_pass()
        passes.add_instruction_combine_pass()
        passes.add_jump_threading_pass()
        passes.add_simplify_cfg_pass()
        passes.run(self._final_module, builder)
        vectors.link(self._final_module, self._codegen)


def _called(libraries: list[Any]) -> list[Any]:
    """Return libraries, each once, and what joints among them call."""
    found: dict[Any, None] = {}
    for library in libraries:
        found[library] = None
        if isinstance(library, Joint):
            found |= dict.fromkeys(_called(library._linking_libraries))
    return list(found)


NEEDLESS = {
    untyped_passes.WithLifting,
    untyped_passes.InlineClosureLikes,
    untyped_passes.RewriteSemanticConstants,
    untyped_passes.DeadBranchPrune,
    untyped_passes.GenericRewrites,
    untyped_passes.RewriteDynamicRaises,
    untyped_passes.MakeFunctionToJitFunction,
    untyped_passes.InlineInlinables,
    untyped_passes.FindLiterallyCalls,
    untyped_passes.LiteralUnroll,
    untyped_passes.LiteralPropagationSubPipelinePass,
    typed_passes.InlineOverloads,
    typed_passes.NopythonRewrites,
    typed_passes.AnnotateTypes,
}
"""Passes over what a kernel does not have: closures, ``with``, expressions of whole arrays, raised
errors. They take a tenth of the time."""


class PartCompiler(Compiler):  # type: ignore[misc, unused-ignore]
    """Compiles a function that a kernel calls."""

    library = Part

    def define_pipelines(self) -> list[Any]:
        """Return Numba's own passes, which write into the library that they find.

        What is called is compiled once for each set of options that callers have: to what is
        compiled from here on, all callers have the same.
        """
        seen = ConfigStack().top()
        seen.forceinline, seen.no_cpython_wrapper, seen.release_gil = True, True, False
        state = self.state
        state.library = self.library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        state.library.kind = next((kind(each) for each in state.args if is_net(each)), None)
        pipelines: list[Any] = super().define_pipelines()
        for each in pipelines:
            each.passes = [step for step in each.passes if step[0] not in NEEDLESS]
        return pipelines


class LoopCompiler(PartCompiler):
    """Compiles a function with loops."""

    library = Loop


class JointCompiler(PartCompiler):
    """Compiles a function that does nothing but call others."""

    library = Joint


class WholeCompiler(PartCompiler):
    """Compiles a kernel."""

    library = Whole


class JoinedCompiler(PartCompiler):
    """Compiles a kernel that does nothing but call others."""

    library = Joined
