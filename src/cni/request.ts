/** One CNI request, parsed from the executable's environment and stdin. Pure. CNI SPEC 1.1.0, "CNI protocol": the faults
 *  are its codes, and all missing variables are named at once. */
import { err, ok, type Result } from '../base/result.ts';
import type { CniFault } from './fault.ts';
import { hostInterfaceName, podHandle } from './names.ts';
import { CNI_CODE, SUPPORTED_VERSIONS } from './protocol.ts';

/** An interface of a container: what ADD makes, DEL takes away and CHECK looks at. */
export interface Attachment {
  readonly containerId: string;
  readonly ifName: string;
  /** Kubernetes' names; absent for a container of something else. */
  readonly pod?: { readonly namespace: string; readonly name: string };
  readonly handleId: string;
  readonly hostInterface: string;
}

export interface NetworkConfig {
  readonly version: string;
  readonly network: string;
  /** Overrides the daemon's. */
  readonly mtu?: number;
  readonly dns?: object;
  readonly prevResult?: unknown;
}

export type CniRequest =
  | {
      readonly verb: 'ADD' | 'CHECK';
      readonly conf: NetworkConfig;
      readonly attachment: Attachment;
      readonly netns: string;
    }
  | { readonly verb: 'DEL'; readonly conf: NetworkConfig; readonly attachment: Attachment; readonly netns?: string }
  | {
      readonly verb: 'GC';
      readonly conf: NetworkConfig;
      readonly valid: readonly { readonly containerId: string; readonly ifName: string }[];
    }
  | { readonly verb: 'STATUS'; readonly conf: NetworkConfig };

export type Verb = CniRequest['verb'];

interface VerbRow {
  readonly required: readonly string[];
  /** The first version of the specification that has it. */
  readonly since: string;
}
const VERBS: Readonly<Record<Verb, VerbRow>> = {
  ADD: { required: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'], since: '0.1.0' },
  DEL: { required: ['CNI_CONTAINERID', 'CNI_IFNAME'], since: '0.1.0' },
  CHECK: { required: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'], since: '0.4.0' },
  GC: { required: [], since: '1.1.0' },
  STATUS: { required: [], since: '1.1.0' },
};
const isVerb = (text: string): text is Verb => Object.hasOwn(VERBS, text);

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** A record's file is named after it, and a file name holds 255 bytes. */
const LONGEST_CONTAINER_ID = 200;
const LONGEST_INTERFACE = 15;
const VALID_ATTACHMENTS = 'cni.dev/valid-attachments';
const SMALLEST_MTU = 68; // RFC 791
const LARGEST_MTU = 65535;

const fault = (code: number, msg: string, details?: string): Result<never, CniFault> =>
  err({ code, msg, ...(details === undefined ? {} : { details }) });

type Fields = { readonly [name: string]: unknown };
const isFields = (v: unknown): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v);

/** The version an answer to this configuration is written in, also when the rest of it cannot be used. */
export const answerVersion = (conf: unknown): string => {
  const version = isFields(conf) ? conf.cniVersion : undefined;
  return typeof version === 'string' && SUPPORTED_VERSIONS.includes(version) ? version : '1.1.0';
};

export function parseCniRequest(wire: unknown): Result<CniRequest, CniFault> {
  if (!isFields(wire) || !isFields(wire.env)) return fault(CNI_CODE.decodingFailure, 'the request is not {env, conf}');
  const env = wire.env;
  const get = (name: string): string => (typeof env[name] === 'string' ? env[name] : '');

  const verb = get('CNI_COMMAND');
  if (!isVerb(verb))
    return fault(
      CNI_CODE.invalidEnvironment,
      `CNI_COMMAND is "${verb}"; use ${Object.keys(VERBS).join(', ')} or VERSION`,
    );
  const { required, since } = VERBS[verb];
  const missing = required.filter((name) => get(name) === '');
  if (missing.length > 0)
    return fault(CNI_CODE.invalidEnvironment, `required env variables [${missing.join(',')}] missing`);

  const conf = parseConfig(wire.conf);
  if (!conf.ok) return conf;
  if (before(conf.value.version, since))
    return fault(
      CNI_CODE.incompatibleVersion,
      `${verb} needs cniVersion ${since} or later, but the configuration is "${conf.value.version}"`,
    );
  if (verb === 'STATUS') return ok({ verb, conf: conf.value });
  if (verb === 'GC') {
    const valid = parseValid(isFields(wire.conf) ? wire.conf[VALID_ATTACHMENTS] : undefined);
    return valid === undefined
      ? fault(CNI_CODE.decodingFailure, `${VALID_ATTACHMENTS} is not a list of {containerID, ifname}`)
      : ok({ verb, conf: conf.value, valid });
  }
  const attachment = parseAttachment(get, conf.value.network);
  if (!attachment.ok) return attachment;
  const netns = get('CNI_NETNS');
  const rest = { conf: conf.value, attachment: attachment.value };
  if (verb === 'DEL') return ok({ verb, ...rest, ...(netns === '' ? {} : { netns }) });
  return ok({ verb, ...rest, netns });
}

function parseConfig(conf: unknown): Result<NetworkConfig, CniFault> {
  if (!isFields(conf)) return fault(CNI_CODE.decodingFailure, 'the network configuration is not a JSON object');
  const version = conf.cniVersion ?? '0.1.0'; // what the specification infers
  if (typeof version !== 'string') return fault(CNI_CODE.decodingFailure, 'cniVersion is not a text');
  if (!SUPPORTED_VERSIONS.includes(version))
    return fault(
      CNI_CODE.incompatibleVersion,
      'incompatible CNI versions',
      `config is "${version}", plugin supports [${SUPPORTED_VERSIONS.map((v) => `"${v}"`).join(' ')}]`,
    );
  const { name, mtu, dns, prevResult } = conf;
  if (typeof name !== 'string' || name === '') return fault(CNI_CODE.invalidNetworkConfig, 'missing network name');
  if (!NAME.test(name))
    return fault(
      CNI_CODE.invalidNetworkConfig,
      `network name "${name}" has characters other than a-z, A-Z, 0-9, "_", "." and "-"`,
    );
  if (
    mtu !== undefined &&
    mtu !== 0 &&
    !(typeof mtu === 'number' && Number.isInteger(mtu) && mtu >= SMALLEST_MTU && mtu <= LARGEST_MTU)
  )
    return fault(
      CNI_CODE.invalidNetworkConfig,
      `mtu is ${JSON.stringify(mtu)}; use ${SMALLEST_MTU} to ${LARGEST_MTU}, or leave it out`,
    );
  return ok({
    version,
    network: name,
    ...(typeof mtu === 'number' && mtu > 0 ? { mtu } : {}),
    ...(isFields(dns) ? { dns } : {}),
    ...(prevResult === undefined ? {} : { prevResult }),
  });
}

function parseAttachment(get: (name: string) => string, network: string): Result<Attachment, CniFault> {
  const containerId = get('CNI_CONTAINERID');
  if (!NAME.test(containerId) || containerId.length > LONGEST_CONTAINER_ID)
    return fault(
      CNI_CODE.invalidEnvironment,
      `CNI_CONTAINERID "${containerId.slice(0, 80)}" is not ${NAME.source} of up to ${LONGEST_CONTAINER_ID} characters`,
    );
  const ifName = get('CNI_IFNAME');
  if (ifName.length > LONGEST_INTERFACE || /[/:\s]/.test(ifName) || ifName === '.' || ifName === '..')
    return fault(
      CNI_CODE.invalidEnvironment,
      `CNI_IFNAME "${ifName.slice(0, 80)}" is not an interface name: up to ${LONGEST_INTERFACE} characters without "/", ":" and space`,
    );
  const args = parseArgs(get('CNI_ARGS'));
  if (!args.ok) return args;
  const namespace = args.value.get('K8S_POD_NAMESPACE');
  const name = args.value.get('K8S_POD_NAME');
  const pod = namespace && name ? { namespace, name } : undefined;
  return ok({
    containerId,
    ifName,
    ...(pod === undefined ? {} : { pod }),
    handleId: podHandle(network, containerId),
    hostInterface: hostInterfaceName(pod, containerId),
  });
}

/** "K=V;K2=V2"; unknown keys are the runtime's business. */
function parseArgs(text: string): Result<ReadonlyMap<string, string>, CniFault> {
  const args = new Map<string, string>();
  for (const pair of text.split(';')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    if (equals <= 0)
      return fault(CNI_CODE.invalidEnvironment, `CNI_ARGS has "${pair.slice(0, 80)}", which is not KEY=VALUE`);
    args.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return ok(args);
}

/** An absent list means that nothing is valid: GC of everything. */
function parseValid(raw: unknown): readonly { containerId: string; ifName: string }[] | undefined {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) return undefined;
  const valid: { containerId: string; ifName: string }[] = [];
  for (const entry of raw as readonly unknown[]) {
    if (!isFields(entry) || typeof entry.containerID !== 'string' || typeof entry.ifname !== 'string') return undefined;
    valid.push({ containerId: entry.containerID, ifName: entry.ifname });
  }
  return valid;
}

function before(version: string, since: string): boolean {
  const a = version.split('.').map(Number);
  const b = since.split('.').map(Number);
  for (let i = 0; i < 3; i++) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) < (b[i] ?? 0);
  return false;
}
