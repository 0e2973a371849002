/** The coverage signal: the target and all it imports become one script (esbuild), and a counter stands at every place where
 *  control can go one way or another (by the compiler's own syntax tree). Counters are numbers in a typed array, and what was
 *  touched is listed, so that one message costs as much as the code it ran, and not as much as there is code. */
import path from 'node:path';
import vm from 'node:vm';
import { build } from 'esbuild';
import ts from 'typescript';

/** What the instrumented script answers: its exports, and how many entries of `touched` are new since it was asked last. */
export interface Instrumented<T> {
  readonly target: T;
  /** Times each place was passed since it was set to 0; whoever reads it sets it to 0. */
  readonly counts: Int32Array;
  /** Places passed, in the order of their first time. */
  readonly touched: Int32Array;
  readonly taken: () => number;
  readonly places: number;
}

const root = new URL('../..', import.meta.url).pathname;

/** `entry` from the repository's root. */
export async function instrumented<T>(entry: string): Promise<Instrumented<T>> {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, entry)],
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'iife',
    globalName: '__target',
    logLevel: 'warning',
  });
  const { code, places } = withCounters(outputFiles[0]?.text ?? '');
  const counts = new Int32Array(places);
  const touched = new Int32Array(places);
  const script = `let __n = 0;\n${code}\nreturn [__target, () => { const n = __n; __n = 0; return n; }];`;
  const run = vm.compileFunction(script, ['__c', '__t'], { filename: `instrumented ${entry}` });
  const [target, taken] = run(counts, touched) as [T, () => number];
  taken();
  counts.fill(0);
  return { target, counts, touched, taken, places };
}

function withCounters(source: string): { code: string; places: number } {
  const file = ts.createSourceFile('target.js', source, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const f = ts.factory;
  let places = 0;
  /** __c[id]++ || (__t[__n++] = id) */
  const counter = (): ts.Expression => {
    const id = f.createNumericLiteral(places++);
    const at = (array: string, index: ts.Expression): ts.Expression =>
      f.createElementAccessExpression(f.createIdentifier(array), index);
    return f.createLogicalOr(
      f.createPostfixIncrement(at('__c', id)),
      f.createParenthesizedExpression(
        f.createAssignment(at('__t', f.createPostfixIncrement(f.createIdentifier('__n'))), id),
      ),
    );
  };
  const counted = (): ts.Statement => f.createExpressionStatement(counter());
  const countedExpression = (e: ts.Expression): ts.Expression =>
    f.createParenthesizedExpression(f.createComma(f.createParenthesizedExpression(counter()), e));
  const countedBlock = (s: ts.Statement): ts.Block =>
    ts.isBlock(s) ? f.updateBlock(s, [counted(), ...s.statements]) : f.createBlock([counted(), s], true);
  const JUNCTIONS = new Set([
    ts.SyntaxKind.AmpersandAmpersandToken,
    ts.SyntaxKind.BarBarToken,
    ts.SyntaxKind.QuestionQuestionToken,
    ts.SyntaxKind.AmpersandAmpersandEqualsToken,
    ts.SyntaxKind.BarBarEqualsToken,
    ts.SyntaxKind.QuestionQuestionEqualsToken,
  ]);

  const transformed = ts.transform(file, [
    (context) => (top) => {
      const visit = (old: ts.Node): ts.Node => {
        const node = ts.visitEachChild(old, visit, context);
        if (ts.isIfStatement(node))
          return f.updateIfStatement(
            node,
            node.expression,
            countedBlock(node.thenStatement),
            node.elseStatement && countedBlock(node.elseStatement),
          );
        if (ts.isForStatement(node))
          return f.updateForStatement(
            node,
            node.initializer,
            node.condition,
            node.incrementor,
            countedBlock(node.statement),
          );
        if (ts.isForOfStatement(node))
          return f.updateForOfStatement(
            node,
            node.awaitModifier,
            node.initializer,
            node.expression,
            countedBlock(node.statement),
          );
        if (ts.isWhileStatement(node))
          return f.updateWhileStatement(node, node.expression, countedBlock(node.statement));
        if (ts.isDoStatement(node)) return f.updateDoStatement(node, countedBlock(node.statement), node.expression);
        if (ts.isCaseClause(node)) return f.updateCaseClause(node, node.expression, [counted(), ...node.statements]);
        if (ts.isDefaultClause(node)) return f.updateDefaultClause(node, [counted(), ...node.statements]);
        if (ts.isCatchClause(node))
          return f.updateCatchClause(node, node.variableDeclaration, countedBlock(node.block) as ts.Block);
        if (ts.isConditionalExpression(node))
          return f.updateConditionalExpression(
            node,
            node.condition,
            node.questionToken,
            countedExpression(node.whenTrue),
            node.colonToken,
            countedExpression(node.whenFalse),
          );
        if (ts.isBinaryExpression(node) && JUNCTIONS.has(node.operatorToken.kind))
          return f.updateBinaryExpression(node, node.left, node.operatorToken, countedExpression(node.right));
        if (ts.isArrowFunction(node) && !ts.isBlock(node.body))
          return f.updateArrowFunction(
            node,
            node.modifiers,
            node.typeParameters,
            node.parameters,
            node.type,
            node.equalsGreaterThanToken,
            countedExpression(node.body),
          );
        // A constructor of a derived class may count before super(): the counters are no `this`.
        if (ts.isBlock(node) && ts.isFunctionLike(old.parent))
          return f.updateBlock(node, [counted(), ...node.statements]);
        return node;
      };
      return ts.visitNode(top, visit) as ts.SourceFile;
    },
  ]);
  const code = ts.createPrinter().printFile(transformed.transformed[0] as ts.SourceFile);
  return { code, places };
}
