/** What a finished lab shows of itself. Pure: facts in, lines out. */
import type { StatusView } from '../../control/views.ts';
import type { LabNode, LabPlan } from '../mesh/plan.ts';
import type { PingMatrix } from './ping.ts';
import { type Paint, table } from './steps.ts';

/** One node's view of its sessions: state by peer name. */
export interface MeshRow {
  readonly node: LabNode;
  readonly states: ReadonlyMap<string, string>;
}

export const ESTABLISHED = 'Established';
/** Wider than that, a table of pairs is a row of sums each. */
const MOST_COLUMNS = 12;

/** A session is up when both ends say so; pairs are counted once. */
export function countSessions(rows: readonly MeshRow[]): { readonly up: number; readonly wanted: number } {
  let up = 0;
  let wanted = 0;
  rows.forEach((a, i) => {
    for (const b of rows.slice(i + 1)) {
      wanted++;
      if (a.states.get(b.node.name) === ESTABLISHED && b.states.get(a.node.name) === ESTABLISHED) up++;
    }
  });
  return { up, wanted };
}

export function meshLines(rows: readonly MeshRow[], paint: Paint): string[] {
  const cell = (row: MeshRow, other: MeshRow): string => {
    if (row === other) return paint('dim', '-');
    const state = row.states.get(other.node.name) ?? 'unknown';
    return state === ESTABLISHED ? paint('green', 'up') : paint('red', state);
  };
  if (rows.length > MOST_COLUMNS) {
    return table(
      rows.map((row) => {
        const down = rows.filter((other) => other !== row && row.states.get(other.node.name) !== ESTABLISHED);
        const sum = `${rows.length - 1 - down.length} of ${rows.length - 1} up`;
        return [row.node.name, row.node.address, down.length > 0 ? `${sum}; down: ${names(down)}` : sum];
      }),
    );
  }
  return table([
    ['', '', ...rows.map((row) => row.node.name)],
    ...rows.map((row) => [row.node.name, row.node.address, ...rows.map((other) => cell(row, other))]),
  ]);
}
const names = (rows: readonly MeshRow[]): string => rows.map((row) => row.node.name).join(', ');

/** Milliseconds of each pair. */
export function pingLines(matrix: PingMatrix, paint: Paint): string[] {
  const { from, to, answers } = matrix;
  if (to.length > MOST_COLUMNS) {
    return table(
      from.map((end, i) => {
        const row = answers[i] ?? [];
        const silent = to.filter((_, j) => row[j] === undefined).map((t) => t.name);
        const sum = `${to.length - silent.length} of ${to.length} answered`;
        return [end.name, silent.length > 0 ? `${sum}; silent: ${silent.join(', ')}` : sum];
      }),
    );
  }
  return table([
    ['ms', ...to.map((end) => end.name)],
    ...from.map((end, i) => [
      end.name,
      ...to.map((_, j) => {
        const pong = answers[i]?.[j];
        return pong ? pong.ms.toFixed(2) : paint('red', 'none');
      }),
    ]),
  ]);
}

/** Which carrier moves the packets, and why the better ones do not; nodes that agree share the lines. */
export function tunnelLines(statuses: readonly (readonly [LabNode, StatusView])[]): string[] {
  const by = new Map<string, string[]>();
  for (const [node, status] of statuses) {
    const text = tunnelText(status.tunnel).join('\n');
    by.set(text, [...(by.get(text) ?? []), node.name]);
  }
  return [...by].flatMap(([text, on]) => {
    const lines = text.split('\n').map((line) => `  ${line}`);
    return by.size > 1 ? [`  ${on.join(', ')}:`, ...lines] : lines;
  });
}

function tunnelText(tunnel: StatusView['tunnel']): string[] {
  if (!tunnel || tunnel.encapsulation === 'none') return ["none: packets go as they are over the nodes' subnet"];
  const { encapsulation, device, carrier, mtuBytes, notUsed } = tunnel;
  return [
    `${encapsulation} on ${device ?? 'no device'}, carrier ${carrier ?? 'unknown'}, MTU ${mtuBytes}`,
    ...notUsed.map((other) => `  not ${other.carrier}: ${other.reason.text}`),
  ];
}

/** `command` is how this user calls us. */
export function hintLines(plan: LabPlan, command: string): string[] {
  const { name } = plan.options;
  const lab = name === 'gingham' ? '' : ` --lab ${name}`;
  const pod = plan.pods[0];
  const bird = plan.nodes.find((n) => n.kind === 'bird');
  return [
    `peers --node node1${lab}`,
    `routes --node node1${lab}`,
    ...(pod ? [`lab exec${lab} ${pod.name} ip route`] : []),
    ...(bird ? [`lab exec${lab} ${bird.name} birdc show protocols`] : []),
    `lab down${lab}`,
  ].map((line) => `  ${command} ${line}`);
}
