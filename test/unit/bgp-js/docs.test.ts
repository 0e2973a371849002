/** Every name that the library exports says what it is. */
import path from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = new URL('../../..', import.meta.url).pathname;

test('each public export has a doc comment where it is declared', () => {
  const entry = path.join(root, 'src/bgp-js/index.ts');
  const program = ts.createProgram([entry], {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: ['node'],
    skipLibCheck: true,
    noResolve: false,
  });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(entry);
  const module_ = file && checker.getSymbolAtLocation(file);
  if (module_ === undefined) throw new Error('index.ts is no module');
  const exported = checker.getExportsOfModule(module_);
  expect(exported.length).toBeGreaterThan(100);
  const silent = exported.flatMap((symbol) => {
    const real = (symbol.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(symbol) : symbol;
    if (real.getDocumentationComment(checker).length > 0) return [];
    const [declaration] = real.declarations ?? [];
    const where = declaration?.getSourceFile().fileName ?? '';
    return [`${path.relative(root, where)}: ${symbol.name}`];
  });
  expect(silent.sort(), 'say it in a comment above the declaration: the rule, its section, the unit').toEqual([]);
}, 60_000);
