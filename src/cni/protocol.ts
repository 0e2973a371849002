/** The wire between the CNI executable and the daemon: one JSON request, half-close, one JSON reply. So small that any client
 *  could speak it. Pure, and imports nothing: it is part of the executable. */

export const DEFAULT_SOCKET = '/run/gingham/cni.sock';
export const SUPPORTED_VERSIONS: readonly string[] = ['0.3.1', '0.4.0', '1.0.0', '1.1.0'];
/** A request is a network configuration with a previous result: a few kB. */
export const LONGEST_MESSAGE_BYTES = 1 << 20;

/** What of the environment goes to the daemon. */
export const ENVIRONMENT = [
  'CNI_COMMAND',
  'CNI_CONTAINERID',
  'CNI_NETNS',
  'CNI_IFNAME',
  'CNI_ARGS',
  'CNI_PATH',
] as const;

export interface CniWireRequest {
  readonly env: { readonly [name in (typeof ENVIRONMENT)[number]]?: string };
  /** The network configuration, as it came on stdin. */
  readonly conf: unknown;
}

export interface CniWireReply {
  /** Exit status of the executable. */
  readonly exit: 0 | 1;
  /** Printed on stdout as JSON; absent: nothing is printed. */
  readonly stdout?: object;
}

/** CNI SPEC 1.1.0, "Error"; 100 and up are ours. */
export const CNI_CODE = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidNetworkConfig: 7,
  tryAgainLater: 11,
  pluginNotAvailable: 50,
  limitedConnectivity: 51,
  /** No address could be given. */
  noAddress: 100,
  /** The pod, or its interface name on the node, has another interface of ours. */
  interfaceTaken: 101,
  /** CHECK found something missing or wrong. */
  notAsAdded: 102,
  /** The kernel refused an interface or a route. */
  wiring: 103,
  internal: 999,
} as const;

export interface CniErrorBody {
  readonly cniVersion: string;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}
