"""Code without what only type checkers read. Python evaluates the annotations of functions and of modules' variables as it loads
a module, notes each overload, and makes of each Protocol a class that can be asked for more than ours are.

Annotations in classes stay: msgspec, enumerations and named tuples read them. Of functions nothing that is in the executable asks
for them, which a test holds, but ``register`` of ``functools.singledispatch``.
"""

import ast
from pathlib import Path
from types import CodeType


def compiled(source: bytes, name: str, path: Path, optimize: int) -> CodeType:
    """The code of the module ``name``. ``optimize``: as ``compile`` has it."""
    tree = ast.fix_missing_locations(_Remover(name.startswith("kubectl_pets.")).visit(ast.parse(source)))
    code: CodeType = compile(tree, str(path), "exec", dont_inherit=True, optimize=optimize)
    return code


class _Remover(ast.NodeTransformer):
    """``ours``: the module is one of ours, whose Protocols nobody asks whether something is an instance."""

    def __init__(self, ours: bool) -> None:
        self._ours = ours

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if self._ours:
            node.bases = [base for base in node.bases if not (isinstance(base, ast.Name) and base.id == "Protocol")]
        return self.generic_visit(node)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = [_assigned(each) for each in node.body]
        return self.generic_visit(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        decorators = {ast.unparse(each).rpartition(".")[2] for each in node.decorator_list}
        if "overload" in decorators:
            return ast.copy_location(ast.Pass(), node)  # what it stands for comes after it, under the same name
        if "register" not in decorators:
            node.returns = None
            every = node.args
            for each in (*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg):
                if each is not None:
                    each.annotation = None
        return self.generic_visit(node)


def _assigned(node: ast.stmt) -> ast.stmt:
    """A variable of a module, without its type."""
    if not isinstance(node, ast.AnnAssign):
        return node
    if node.value is None:
        return ast.copy_location(ast.Pass(), node)
    return ast.copy_location(ast.Assign(targets=[node.target], value=node.value), node)
