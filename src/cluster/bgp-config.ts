/** The BGPConfiguration named "default". Pure. A field that cannot be used keeps Calico's default, and is told. */
import type { Reason } from '../base/reason.ts';
import type { Resource } from '../store/port.ts';
import { parseAsn } from './node.ts';

export interface MeshConfig {
  readonly asn: number;
  readonly listenPort: number;
  readonly meshEnabled: boolean;
  readonly problems: readonly Reason[];
}

const DEFAULT_ASN = 64512;
const DEFAULT_PORT = 179;

export function readBgpConfiguration(resource: Resource | undefined): MeshConfig {
  const spec = resource?.spec ?? {};
  const problems: Reason[] = [];
  const told = (field: string, value: unknown, remedy: string): void =>
    void problems.push({
      code: 'BGP_CONFIGURATION_INVALID',
      text: `bgpconfigurations "default": ${field} is ${String(JSON.stringify(value)).slice(0, 80)}. ${remedy}`,
    });

  // Calico's schema says number, its tools also write "1.10".
  const asn = spec.asNumber === undefined ? DEFAULT_ASN : parseAsn(`${spec.asNumber}`);
  if (asn === undefined)
    told('asNumber', `${spec.asNumber}`, `Use 1 to 4294967295; ${DEFAULT_ASN} is in use meanwhile.`);
  const port = spec.listenPort ?? DEFAULT_PORT;
  const portIsGood = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536;
  if (!portIsGood) told('listenPort', `${port}`, `Use 1 to 65535; ${DEFAULT_PORT} is in use meanwhile.`);
  if (spec.nodeMeshPassword !== undefined)
    problems.push({
      code: 'MESH_PASSWORD_UNSUPPORTED',
      text: 'bgpconfigurations "default": nodeMeshPassword is set, but this version does not read Secrets: sessions with nodes that use it will not come up. Remove it, or keep this node out of the mesh.',
    });
  return {
    asn: asn ?? DEFAULT_ASN,
    listenPort: portIsGood ? port : DEFAULT_PORT,
    meshEnabled: spec.nodeToNodeMeshEnabled !== false,
    problems,
  };
}
