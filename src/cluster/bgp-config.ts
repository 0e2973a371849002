/** The BGPConfiguration named "default". Pure. A field that cannot be used keeps Calico's default, and is told. */
import type { Reason } from '../base/reason.ts';
import type { Result } from '../base/result.ts';
import { KINDS } from '../store/kinds.ts';
import type { Resource } from '../store/port.ts';
import { restartTimeOf } from './bgp-peer-spec.ts';
import type { ClusterReason } from './cluster-reason.ts';
import { parseAsn } from './node.ts';
import { type Passwords, passwordOf } from './secret-ref.ts';

export interface MeshConfig {
  readonly asn: number;
  readonly listenPort: number;
  /** Absent: the object does not say, and the configuration file does. */
  readonly ownListenPort?: number;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  readonly meshEnabled: boolean;
  /** Of the mesh's graceful restart; absent: the configuration file's. */
  readonly restartTimeSec?: number;
  /** Absent: no TCP MD5. A reason: no session of the mesh may come up without it. */
  readonly password?: Result<string, Reason>;
  readonly problems: readonly ClusterReason[];
  readonly notices: readonly ClusterReason[];
}

const DEFAULT_ASN = 64512;
const DEFAULT_PORT = 179;
const HONOURED: readonly string[] = [
  'asNumber',
  'nodeToNodeMeshEnabled',
  'listenPort',
  'logSeverityScreen',
  'nodeMeshPassword',
  'nodeMeshMaxRestartTime',
  'prefixAdvertisements',
  'communities',
];
/** Calico's severities; its Fatal and None have no like here and are the least that there is. */
const SEVERITIES: ReadonlyMap<string, NonNullable<MeshConfig['logLevel']>> = new Map([
  ['trace', 'debug'],
  ['debug', 'debug'],
  ['info', 'info'],
  ['warning', 'warn'],
  ['warn', 'warn'],
  ['error', 'error'],
  ['fatal', 'error'],
  ['panic', 'error'],
  ['none', 'error'],
]);

export function readBgpConfiguration(resource: Resource | undefined, passwords: Passwords = new Map()): MeshConfig {
  const spec = resource?.spec ?? {};
  const problems: ClusterReason[] = [];
  const about = { kind: KINDS.bgpConfiguration, name: 'default' };
  const tell = (code: string, text: string): void =>
    void problems.push({ code, text: `bgpconfigurations "default": ${text}`, about });
  const told = (field: string, value: unknown, remedy: string): void =>
    tell('BGP_CONFIGURATION_INVALID', `${field} is ${String(JSON.stringify(value)).slice(0, 80)}. ${remedy}`);

  // Calico's schema says number, its tools also write "1.10".
  const asn = spec.asNumber === undefined ? DEFAULT_ASN : parseAsn(`${spec.asNumber}`);
  if (asn === undefined)
    told('asNumber', `${spec.asNumber}`, `Use 1 to 4294967295; ${DEFAULT_ASN} is in use meanwhile.`);
  const port = spec.listenPort ?? DEFAULT_PORT;
  const portIsGood = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536;
  if (!portIsGood) told('listenPort', `${port}`, `Use 1 to 65535; ${DEFAULT_PORT} is in use meanwhile.`);
  const severity = spec.logSeverityScreen;
  const logLevel = typeof severity === 'string' ? SEVERITIES.get(severity.toLowerCase()) : undefined;
  if (severity !== undefined && severity !== '' && logLevel === undefined)
    told('logSeverityScreen', severity, 'Use Debug, Info, Warning, Error, Fatal or None.');
  const restart = restartTimeOf(spec.nodeMeshMaxRestartTime);
  if (restart === 'invalid') told('nodeMeshMaxRestartTime', spec.nodeMeshMaxRestartTime, 'Write 1s to 4095s.');
  const password = spec.nodeMeshPassword === undefined ? undefined : passwordOf(spec.nodeMeshPassword, passwords);
  if (password?.ok === false)
    tell(
      password.error.code,
      `nodeMeshPassword: ${password.error.text}; the sessions of the mesh are held until then.`,
    );
  const ignored = Object.keys(spec)
    .filter((field) => !HONOURED.includes(field))
    .sort();
  const notices: ClusterReason[] =
    ignored.length === 0
      ? []
      : [
          {
            code: 'FIELD_NOT_HONOURED',
            text: `bgpconfigurations "default": ${ignored.join(', ')} ${ignored.length === 1 ? 'has' : 'have'} no effect in this version of Gingham`,
            about,
          },
        ];
  return {
    asn: asn ?? DEFAULT_ASN,
    listenPort: portIsGood ? port : DEFAULT_PORT,
    ...(portIsGood && spec.listenPort !== undefined ? { ownListenPort: port } : {}),
    ...(logLevel === undefined ? {} : { logLevel }),
    meshEnabled: spec.nodeToNodeMeshEnabled !== false,
    ...(typeof restart === 'number' ? { restartTimeSec: restart } : {}),
    ...(password === undefined ? {} : { password }),
    problems,
    notices,
  };
}
