/** A topology from its file, with what only this machine can tell: whether binds exist and programs are installed. */
import fs from 'node:fs';
import path from 'node:path';
import { err, type Result } from '../../base/result.ts';
import { findProgram } from '../mesh/preflight.ts';
import { type ParsedTopology, parseTopology } from './parse.ts';

const MOST_BYTES = 1 << 20;
/** What a node brings along, wherever this machine has it. */
const PROVIDED = ['gingham', 'node'];
const PACKAGES: Readonly<Record<string, string>> = { bird: 'bird2', ip: 'iproute2', ping: 'iputils-ping' };

/** Every fault, each beginning with the file's name. */
export function loadTopology(file: string): Result<ParsedTopology, readonly string[]> {
  const named = (faults: readonly string[]): Result<never, readonly string[]> =>
    err(faults.map((fault) => `${path.basename(file)}: ${fault}`));
  let text: string;
  try {
    if (fs.statSync(file).size > MOST_BYTES) return named([`it has more than ${MOST_BYTES} bytes.`]);
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    return err([`--topology ${file}: ${error instanceof Error ? error.message : String(error)}.`]);
  }
  const parsed = parseTopology(text, process.env);
  if (!parsed.ok) return named(parsed.error);
  const faults = [...missingBinds(parsed.value, path.dirname(file)), ...missingPrograms(parsed.value)];
  return faults.length > 0 ? named(faults) : parsed;
}

function missingBinds({ topology }: ParsedTopology, base: string): string[] {
  return topology.nodes.flatMap((node) =>
    node.binds
      .filter((bind) => !fs.existsSync(path.resolve(base, bind.source)))
      .map((bind) => `topology.nodes.${node.name}.binds: there is no ${path.resolve(base, bind.source)}.`),
  );
}

/** A program is this machine's or comes by a bind. */
function missingPrograms({ topology }: ParsedTopology): string[] {
  return topology.nodes.flatMap((node) => {
    const [program = ''] = node.command;
    const bound = node.binds.some((bind) => program === bind.target || program.startsWith(`${bind.target}/`));
    const found = program.includes('/') ? fs.existsSync(program) : findProgram(program) !== undefined;
    if (bound || found || PROVIDED.includes(program)) return [];
    const name = path.basename(program);
    const remedy = `Debian, Ubuntu: apt install ${PACKAGES[name] ?? name}`;
    return [`topology.nodes.${node.name} runs ${program}, which this machine does not have. ${remedy}.`];
  });
}
