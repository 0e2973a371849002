/** Which daemons a command talks to. Pure: what exists comes in. The order: --socket, a named lab or node, $GINGHAM_SOCKET,
 *  this machine's own daemon, the only lab that runs (all of its nodes). */
import { suggest } from '../config/suggest.ts';
import { CommandError, EXIT } from './exit-codes.ts';

export const DEFAULT_SOCKET = '/run/gingham/control.sock';

export interface Target {
  /** Set in a lab. */
  readonly node?: string;
  readonly socket: string;
}

/** As much of a running lab as is needed here. */
export interface LabOfTargets {
  readonly name: string;
  readonly nodes: readonly { readonly name: string; readonly kind: string; readonly socket: string }[];
}

export interface TargetsAsked {
  readonly socket: string | undefined;
  readonly lab: string | undefined;
  /** A node's name, or "all". */
  readonly node: string | undefined;
  readonly environment: string | undefined;
}

export interface World {
  socketExists(path: string): boolean;
  labs(): readonly LabOfTargets[];
}

export interface Chosen {
  /** Several were meant, even when there is one: then rows carry the node's name. */
  readonly many: boolean;
  readonly targets: readonly Target[];
  /** For standard error. */
  readonly hint?: string;
}

const usage = (text: string): never => {
  throw new CommandError(EXIT.usage, text);
};

export function chooseTargets(asked: TargetsAsked, world: World): Chosen {
  if (asked.socket !== undefined) {
    if (asked.node !== undefined || asked.lab !== undefined)
      usage('--socket names a daemon already: leave --node and --lab out.');
    return one({ socket: asked.socket });
  }
  if (asked.lab !== undefined || asked.node !== undefined) return inLab(theLab(asked.lab, world), asked.node);
  if (asked.environment) return one({ socket: asked.environment });
  const labs = world.labs();
  if (world.socketExists(DEFAULT_SOCKET)) {
    const hint =
      labs[0] && `gingham: this is the daemon on ${DEFAULT_SOCKET}; the lab is shown by --lab ${labs[0].name}`;
    return { ...one({ socket: DEFAULT_SOCKET }), ...(hint !== undefined && { hint }) };
  }
  const [only] = labs;
  if (only === undefined) return one({ socket: DEFAULT_SOCKET });
  return inLab(labs.length === 1 ? only : theLab(undefined, world), undefined);
}

const one = (target: Target): Chosen => ({ many: false, targets: [target] });

function theLab(name: string | undefined, world: World): LabOfTargets {
  const labs = world.labs();
  const names = labs.map((l) => l.name);
  if (name === undefined && labs.length > 1)
    usage(`several labs are running: name one with --lab ${names.join(' | ')}.`);
  const found = name === undefined ? labs[0] : labs.find((l) => l.name === name);
  if (found !== undefined) return found;
  const running =
    names.length === 0 ? 'no lab is running: start one with gingham lab up' : `running: ${names.join(', ')}`;
  throw new CommandError(
    EXIT.notFound,
    `${name === undefined ? '--node is for a lab, and' : `there is no lab "${name}":`} ${running}.`,
  );
}

/** BIRD's nodes have no daemon of ours. */
function inLab(lab: LabOfTargets, node: string | undefined): Chosen {
  const ours = lab.nodes.filter((n) => n.kind === 'gingham');
  const targets = ours.map((n): Target => ({ node: n.name, socket: n.socket }));
  if (node === undefined || node === 'all') return { many: true, targets };
  const found = targets.find((t) => t.node === node);
  if (found !== undefined) return one(found);
  const names = ours.map((n) => n.name);
  const other = lab.nodes.find((n) => n.name === node);
  if (other !== undefined)
    throw new CommandError(
      EXIT.notFound,
      other.kind === 'bird'
        ? `${node} of lab "${lab.name}" runs BIRD: use gingham lab exec ${node} birdc.`
        : `${node} of lab "${lab.name}" runs no Gingham: use gingham lab exec ${node} COMMAND.`,
    );
  const meant = suggest(node, names);
  throw new CommandError(
    EXIT.notFound,
    `lab "${lab.name}" has no node "${node}". ${meant === undefined ? `Its nodes: ${names.join(', ')}.` : `Did you mean ${meant}?`}`,
  );
}
