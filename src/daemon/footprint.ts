/** What this daemon changed on the machine and no later process could tell by looking: settings with their former values,
 *  and the next hops by which plain routes are known as ours. A file of the state folder, read by uninstall. I/O: files. */
import fs from 'node:fs';
import path from 'node:path';
import type { SettingChange } from '../kernel/packets/forwarding.ts';

export interface Footprint {
  /** rtm_protocol and table of our routes. */
  readonly protocol: number;
  readonly table: number;
  /** Each key once, with the value before the first daemon of this boot. */
  readonly settings: readonly SettingChange[];
  /** Host order. */
  readonly nextHops: readonly number[];
}

const FILE = 'footprint.json';

export class FootprintRecord {
  private readonly file: string;
  private present: Footprint;
  private written: string;

  /** `now` says what is certain; settings that an earlier daemon changed are kept from its record. */
  constructor(
    stateDir: string,
    now: Pick<Footprint, 'protocol' | 'table'> & { readonly settings: readonly SettingChange[] },
  ) {
    this.file = path.join(stateDir, FILE);
    const before = readFootprint(stateDir);
    this.written = before === undefined ? '' : JSON.stringify(before);
    const known = before?.settings ?? [];
    // A value of before is the truth only once: what an earlier daemon found, not what it left for us to find.
    const fresh = now.settings.filter((s) => !known.some((k) => k.key === s.key));
    this.present = {
      protocol: now.protocol,
      table: now.table,
      settings: [...known, ...fresh],
      nextHops: before?.nextHops ?? [],
    };
  }

  /** Writes only when something changed. Throws the file system's error. */
  save(nextHops: readonly number[] = this.present.nextHops): void {
    this.present = { ...this.present, nextHops: [...new Set(nextHops)].sort((a, b) => a - b) };
    const text = JSON.stringify(this.present);
    if (text === this.written) return;
    fs.mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(`${this.file}.tmp`, text, { mode: 0o600 });
    fs.renameSync(`${this.file}.tmp`, this.file);
    this.written = text;
  }
}

/** Undefined when there is none, or none that can be read: then what cannot be known is left alone, and said. */
export function readFootprint(stateDir: string): Footprint | undefined {
  try {
    const raw: unknown = JSON.parse(fs.readFileSync(path.join(stateDir, FILE), 'utf8'));
    return isFootprint(raw) ? raw : undefined;
  } catch {
    return undefined;
  }
}

function isFootprint(raw: unknown): raw is Footprint {
  if (typeof raw !== 'object' || raw === null) return false;
  const fields = new Map<string, unknown>(Object.entries(raw));
  const [settings, nextHops] = [fields.get('settings'), fields.get('nextHops')];
  return (
    typeof fields.get('protocol') === 'number' &&
    typeof fields.get('table') === 'number' &&
    Array.isArray(nextHops) &&
    nextHops.every((hop) => typeof hop === 'number') &&
    Array.isArray(settings) &&
    settings.every(isSetting)
  );
}

function isSetting(raw: unknown): boolean {
  if (typeof raw !== 'object' || raw === null) return false;
  const fields = new Map<string, unknown>(Object.entries(raw));
  // It becomes a path to write to, by root.
  const key = fields.get('key');
  return (
    typeof key === 'string' &&
    /^net\/[\w./-]+$/.test(key) &&
    !key.includes('..') &&
    typeof fields.get('from') === 'string' &&
    typeof fields.get('to') === 'string'
  );
}
