/** `gingham why`: all paths of a prefix and the walk to the best one, who is told, what the kernel holds. Pure. */
import type { Reason } from '../base/reason.ts';
import { type Paint, plain } from './table.ts';
import { originWarning } from './text.ts';
import { count, formatLocalPref } from './units.ts';
import type {
  ExplainedExportView,
  ExplainedPathView,
  ExplainedStepView,
  ExplanationView,
  RouteKernelView,
  RouteView,
} from './views.ts';

const because = (r: Reason): string => `${r.code}: ${r.text}`;

/** LOCAL_PREF of a mesh is a large number that stands for a small one. */
const value = (step: string, text: string): string =>
  step === 'LOCAL_PREF' && /^\d+$/.test(text) ? formatLocalPref(Number(text)) : text;

export function formatWhy(e: ExplanationView, paint: Paint): string[] {
  const usable = e.paths.some((p) => p.outcome === 'wins');
  const head = `${paint('strong', e.prefix)}  ${count(e.paths.length, 'path')}${usable ? '; best is #1' : '; none can be used'}`;
  const names = e.paths.map(({ route }) => route.from);
  const width = Math.max(...names.map((n) => plain(n).length), 0);
  return [
    ...(e.target === e.prefix ? [] : [plain(`${e.target} falls into ${e.prefix}`)]),
    head,
    ...e.paths.flatMap((path, i) => pathLines(path, i + 1, width, e.steps, paint)),
    ...stepLines(e.steps),
    ...exportLines(e.exports),
    ...(e.kernel === undefined ? [] : [`kernel: ${kernelText(e.prefix, e.kernel)}`]),
    ...(e.lessSpecific.length === 0 ? [] : [`less specific: ${e.lessSpecific.join(', ')}`]),
  ];
}

function pathLines(
  { route, outcome, lostAt, nextHop, changes }: ExplainedPathView,
  number: number,
  width: number,
  steps: readonly ExplainedStepView[],
  paint: Paint,
): string[] {
  const from = `#${number} from ${plain(route.from).padEnd(width)}`;
  const via = route.nextHop === undefined ? '' : `  nh ${route.nextHop}`;
  const id = route.pathId === undefined ? '' : `  path id ${route.pathId}`;
  const marks = route.stale ? '  stale' : '';
  const lines = [`  ${from}${via}${id}${marks}   ${outcomeText(outcome, route.reason, lostAt, steps, paint)}`];
  const add = (text: string): void => void lines.push(`     ${plain(text)}`);
  if (route.asPath !== '') add(`AS path ${route.asPath}, origin ${route.origin}`);
  if (nextHop !== undefined && !nextHop.reachable)
    add(`next hop ${nextHop.address} unreachable${nextHop.reason ? `, ${because(nextHop.reason)}` : ''}`);
  else if (nextHop !== undefined && nextHop.through.length > 0)
    add(`next hop ${nextHop.address} through ${nextHop.through.join(', ')}, handed to ${nextHop.gateway ?? '?'}`);
  const origin = originText(route);
  if (origin !== undefined) add(origin);
  if (changes.length > 0) add(`import changed: ${changes.join('; ')}`);
  return lines;
}

/** What is valid needs no line, and what is rejected for it has one. */
function originText(route: RouteView): string | undefined {
  const { blockOrigin: check } = route;
  if (check?.origin === 'unknown' && check.reason) return `origin unknown: ${check.reason.text}`;
  return originWarning(route);
}

function outcomeText(
  outcome: string,
  reason: Reason | undefined,
  lostAt: ExplainedPathView['lostAt'],
  steps: readonly ExplainedStepView[],
  paint: Paint,
): string {
  if (outcome === 'wins') return paint('good', 'WINS');
  if (outcome === 'shares') return paint('good', 'SHARES the load');
  if (outcome === 'rejected') return paint('bad', plain(`rejected  ${reason ? because(reason) : ''}`).trim());
  if (lostAt === undefined) return plain(reason ? because(reason) : 'loses');
  const number = steps.findIndex((s) => s.name === lostAt.step) + 1;
  const [mine, best] = [value(lostAt.step, lostAt.value), value(lostAt.step, lostAt.best)];
  return `loses at step ${number} ${lostAt.step}: ${mine}, the best has ${best}`;
}

/** Steps behind the one that left a single path decided nothing: they are counted. */
function stepLines(steps: readonly ExplainedStepView[]): string[] {
  const asked = steps.filter((s) => s.outcome !== 'not asked');
  if (asked.length === 0) return [];
  const rest = steps.length - asked.length;
  return [`steps: ${asked.map(stepText).join(' | ')}${rest === 0 ? '' : ` | ${rest} more not asked`}`];
}

/** "1 LOCAL_PREF tie (p1024)", "3 ORIGIN igp takes 1 out" */
function stepText(step: ExplainedStepView, index: number): string {
  const name = `${index + 1} ${step.name}`;
  const best = value(step.name, step.value);
  return step.outcome === 'took' ? `${name} ${best} takes ${step.lost} out` : `${name} tie (${best})`;
}

/** Peers with the same answer stand together: in a mesh that is all of them. */
function exportLines(exports: readonly ExplainedExportView[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { peer, sent, reason } of exports) {
    const answer = sent ? 'sent' : `not sent, ${reason ? because(reason) : 'for no known reason'}`;
    groups.set(answer, [...(groups.get(answer) ?? []), peer]);
  }
  return [...groups].map(([answer, peers]) => plain(`export: ${peers.join(', ')}: ${answer}`));
}

function kernelText(prefix: string, { state, target, reason }: RouteKernelView): string {
  const route = target === undefined ? '' : target === 'blackhole' ? `blackhole ${prefix}` : `${prefix} ${target}`;
  const why = reason === undefined ? '' : `${because(reason)}`;
  return plain([route, `(${state})`, why].filter((part) => part !== '').join('  '));
}
