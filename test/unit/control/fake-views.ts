/** Views of an imaginary node, with every odd case once: what the golden files show. */
import type { BlockView, ExplanationView, PodView, RouteView, StatusFacts } from '../../../src/control/views.ts';
import type { PeerFamilyView, PeerView } from '../../../src/control/views-of-peers.ts';

export const NOW = Date.parse('2026-11-21T01:20:00.000Z');

const FAMILY: PeerFamilyView = {
  family: 'ipv4-unicast',
  negotiated: true,
  received: 1,
  used: 1,
  rejected: 0,
  stale: 0,
  sent: 3,
  leftOut: 0,
  limit: 2_000_000,
  limitAction: 'idle',
  addPathReceive: false,
  addPathSend: false,
  gracefulRestart: true,
  forwarding: true,
  longLived: false,
};

const peer = (name: string, last: number, more: Partial<PeerView> = {}): PeerView => ({
  name,
  kind: 'mesh',
  configuredBy: 'node-to-node mesh',
  address: `192.168.34.${last}`,
  port: 179,
  asn: 64512,
  localAsn: 64512,
  passive: false,
  password: false,
  holdTimeSeconds: 90,
  connectRetrySeconds: 5,
  state: 'Established',
  stateSince: '2026-11-20T21:08:00.000Z',
  stateForSeconds: 15120,
  flaps: 0,
  counts: { received: 1, used: 1, rejected: 0, stale: 0, sent: 3 },
  agreed: {
    peerRouterId: `192.168.34.${last}`,
    type: 'ibgp',
    holdTimeSeconds: 90,
    families: ['ipv4-unicast'],
    fourOctetAs: true,
    routeRefresh: true,
    gracefulRestartSeconds: 120,
    local: '192.168.34.101:43210',
    remote: `192.168.34.${last}:179`,
    outgoing: true,
  },
  families: [FAMILY],
  ...more,
});

const without = (p: PeerView, ...fields: (keyof PeerView)[]): PeerView =>
  Object.fromEntries(Object.entries(p).filter(([k]) => !fields.includes(k as keyof PeerView))) as unknown as PeerView;

export const PEERS: readonly PeerView[] = [
  peer('node2', 102),
  peer('node3', 103, {
    flaps: 2,
    families: [
      { ...FAMILY, received: 9, limit: 9, limitAction: 'drop', leftOut: 4, addPathReceive: true, addPathSend: true },
      { ...FAMILY, family: 'ipv6-unicast', negotiated: false, gracefulRestart: false, received: 0 },
    ],
    warning: { code: 'MAX_PREFIXES_REACHED', text: '9 prefixes of ipv4-unicast, and 9 are its limit (maxPrefixes)' },
    bfd: {
      state: 'Up',
      remoteState: 'Up',
      stateForSeconds: 15119,
      reason: { code: 'BFD_UP', text: 'both sides hear each other' },
      sendIntervalMs: 100,
      detectionTimeMs: 300,
      flaps: 1,
    },
    lastDown: { at: '2026-11-20T21:07:55.000Z', reason: { code: 'HOLD_TIMER_EXPIRED', text: 'nothing came for 90 s' } },
  }),
  without(
    peer('node4', 104, {
      state: 'Connect',
      stateForSeconds: 134,
      stateSince: '2026-11-21T01:17:46.000Z',
      flaps: 3,
      reason: { code: 'TCP_TIMEOUT', text: 'no answer from 192.168.34.104:179' },
      retryInSeconds: 4.2,
      lastDown: {
        at: '2026-11-21T01:17:46.000Z',
        reason: { code: 'HOLD_TIMER_EXPIRED', text: 'nothing came for 90 s' },
      },
      counts: { received: 4, used: 4, rejected: 0, stale: 4, sent: 0 },
      families: [
        { ...FAMILY, negotiated: false, received: 4, used: 4, stale: 4, sent: 0, staleForSeconds: 86, longLived: true },
      ],
      bfd: {
        state: 'Down',
        stateForSeconds: 134,
        reason: { code: 'BFD_TIME_EXPIRED', text: 'nothing was heard for 300 ms' },
        detectionTimeMs: 3000,
        flaps: 2,
      },
    }),
    'agreed',
  ),
  without(
    peer('tor-a', 254, {
      kind: 'file',
      configuredBy: 'neighbors of /etc/gingham.yaml',
      asn: 65000,
      passive: true,
      password: true,
      holdTimeSeconds: 0,
      state: 'Active',
      stateForSeconds: 38,
      stateSince: '2026-11-21T01:19:22.000Z',
      heldForSeconds: 262,
      families: [{ ...FAMILY, negotiated: false, received: 0, used: 0, sent: 0, limit: 100 }],
      // What a peer sends is text of a stranger: RFC 9003 lets it say anything.
      reason: { code: 'NOTIFICATION_RECEIVED', text: 'Cease/2: "bye\u001b[2J\u202e"' },
    }),
    'agreed',
    'counts',
  ),
];

const PLAIN = {
  communities: [],
  largeCommunities: [],
  extendedCommunities: [],
  multipath: false,
  stale: false,
} as const;
const MESH = { ...PLAIN, source: 'ibgp', origin: 'igp', asPath: '', best: true } as const;
export const ROUTES: readonly RouteView[] = [
  {
    ...PLAIN,
    prefix: '10.244.0.0/16',
    nextHop: '192.168.34.254',
    from: 'tor-a',
    source: 'ebgp',
    origin: 'incomplete',
    asPath: '65000 65001 {65002,65003}',
    localPref: 100,
    med: 0,
    communities: ['65000:1'],
    best: true,
    since: '2026-11-20T21:08:00.000Z',
    ageSeconds: 15120,
    kernel: {
      state: 'held',
      target: 'via 192.168.34.254 dev eth0',
      reason: { code: 'COVERS_NEXT_HOP', text: '10.244.0.0/16 covers a peer; allow it by kernel.allow' },
    },
  },
  {
    ...MESH,
    prefix: '10.244.104.0/26',
    node: 'node1',
    from: 'local',
    source: 'local',
    ageSeconds: 15200,
    kernel: { state: 'installed', target: 'blackhole' },
  },
  {
    ...MESH,
    prefix: '10.244.166.128/26',
    nextHop: '192.168.34.102',
    node: 'node2',
    from: 'node2',
    localPref: 2147482623,
    ageSeconds: 15120,
    kernel: { state: 'installed', target: 'via 192.168.34.102 dev tunl0 onlink' },
  },
  {
    ...MESH,
    prefix: '10.244.219.64/26',
    nextHop: '192.168.34.104',
    node: 'node4',
    from: 'node4',
    localPref: 2147482623,
    stale: true,
    ageSeconds: 3,
    kernel: { state: 'failed', reason: { code: 'ENETUNREACH', text: 'nexthop has invalid gateway' } },
  },
  {
    ...MESH,
    prefix: '10.244.219.64/26',
    nextHop: '192.168.34.103',
    from: 'node3',
    localPref: 100,
    best: false,
    blockOrigin: {
      origin: 'invalid',
      reason: { code: 'ORIGIN_INVALID', text: 'IPAM says block 10.244.219.64/26 belongs to node4, not to node3' },
    },
  },
];

export const BLOCKS: readonly BlockView[] = [
  {
    block: '10.244.104.0/26',
    node: 'node1',
    affinity: 'confirmed',
    addressesUsed: 3,
    addressesTotal: 64,
    addressesBorrowed: 0,
    route: 'blackhole',
  },
  {
    block: '10.244.166.128/26',
    node: 'node2',
    affinity: 'confirmed',
    addressesUsed: 64,
    addressesTotal: 64,
    addressesBorrowed: 3,
    route: 'via 192.168.34.102 dev tunl0 onlink',
  },
  {
    block: '10.244.219.64/26',
    affinity: 'none',
    addressesUsed: 1,
    addressesTotal: 64,
    addressesBorrowed: 1,
    route: 'none',
    reason: { code: 'BLOCK_WITHOUT_AFFINITY', text: 'no node owns it' },
  },
];

export const PODS: readonly PodView[] = [
  {
    namespace: 'default',
    pod: 'pod-1',
    address: '10.244.104.1',
    containerId: '8eecb1f59c6e7a4b',
    interface: 'eth0',
    hostInterface: 'cali8eecb1f59c6',
    mac: '3a:11:22:33:44:55',
    mtuBytes: 1480,
    addedAt: '2026-11-21T01:19:00.000Z',
    ageSeconds: 60,
  },
  {
    namespace: 'kube-system',
    pod: 'coredns-7c65d6cfc9-abcde-with-a-name-that-is-never-truncated',
    address: '10.244.104.2',
    containerId: '0123456789abcdef',
    interface: 'eth0',
    hostInterface: 'cali0123456789a',
    mac: '3a:11:22:33:44:56',
    mtuBytes: 1480,
    addedAt: '2026-11-17T21:19:00.000Z',
    ageSeconds: 273660,
  },
];

export const ALONE: StatusFacts = {
  node: 'tower',
  asn: 65001,
  routerId: '10.9.0.1',
  mode: 'alone',
  phase: 'running',
  process: {
    pid: 4711,
    version: '0.1.0',
    startedAt: '2026-11-20T21:07:00.000Z',
    uptimeSeconds: 15180,
    residentBytes: 65011712,
    cpuSeconds: 3.5,
  },
  configPath: '/etc/gingham.yaml',
  bgp: { sessionsTotal: 2, sessionsEstablished: 2, down: [] },
  routes: { prefixes: 1, paths: 1, rejected: 0, stale: 0 },
  kernel: { install: false, wanted: 0, installed: 0, held: 0, failed: 0, foreign: 0, problems: [] },
};

export const CLUSTER: StatusFacts = {
  ...ALONE,
  node: 'node1',
  asn: 64512,
  routerId: '192.168.34.101',
  address: '192.168.34.101',
  mode: 'cluster',
  bgp: { sessionsTotal: 3, sessionsEstablished: 3, down: [] },
  routes: { prefixes: 18, paths: 31, rejected: 0, stale: 0, lastChangeSecondsAgo: 41 },
  kernel: {
    install: true,
    wanted: 18,
    installed: 18,
    held: 0,
    failed: 0,
    foreign: 0,
    lastCheckSecondsAgo: 0.8,
    problems: [],
  },
  store: { server: 'http://192.168.34.1:6443', inSync: true },
  ipam: { blocks: 1, addressesUsed: 3, addressesTotal: 64, problems: [] },
  tunnel: {
    encapsulation: 'ipip',
    carrier: 'user-space',
    device: 'tunl0',
    up: true,
    mtuBytes: 1480,
    endpoints: 3,
    notUsed: [{ carrier: 'kernel', reason: { code: 'NO_KERNEL_IPIP', text: 'this kernel has no ipip (EOPNOTSUPP)' } }],
    counters: {
      txPackets: 1200,
      txBytes: 1_500_000,
      rxPackets: 1100,
      rxBytes: 90_000,
      dropped: [{ cause: 'unknown-remote', packets: 2 }],
    },
  },
  cni: { ready: true, pods: 2, adds: 5, errors: 0 },
};

/** Everything wrong at once. */
export const BROKEN: StatusFacts = {
  ...CLUSTER,
  phase: 'starting',
  configProblem: { code: 'CONFIG_REFUSED', text: '/etc/gingham.yaml has 3 faults' },
  bgp: {
    sessionsTotal: 9,
    sessionsEstablished: 4,
    down: PEERS.slice(2).flatMap((p) =>
      p.reason === undefined
        ? []
        : [{ name: p.name, address: p.address, state: p.state, forSeconds: p.stateForSeconds, reason: p.reason }],
    ),
  },
  routes: { prefixes: 18, paths: 31, rejected: 2, stale: 4, lastChangeSecondsAgo: 41 },
  kernel: {
    install: true,
    wanted: 18,
    installed: 16,
    held: 1,
    failed: 1,
    foreign: 1,
    lastCheckSecondsAgo: 12,
    problems: [
      { code: 'FOREIGN_ROUTE_IN_THE_WAY', text: '10.244.9.0/26 of proto static' },
      { code: 'ENETUNREACH', text: '10.244.219.64/26' },
    ],
  },
  store: {
    server: 'http://192.168.34.1:6443',
    inSync: false,
    reason: { code: 'STORE_UNREACHABLE', text: 'connect ECONNREFUSED' },
  },
  ipam: {
    blocks: 0,
    addressesUsed: 0,
    addressesTotal: 0,
    problems: [{ code: 'NO_POOL', text: 'no IPPool selects this node' }],
  },
  tunnel: {
    encapsulation: 'ipip',
    up: false,
    device: 'tunl0',
    carrier: 'kernel',
    mtuBytes: 1480,
    endpoints: 0,
    notUsed: [],
  },
  cni: { ready: false, pods: 0, adds: 0, errors: 2, reason: { code: 'NO_BLOCK', text: 'no block of this node yet' } },
};

const routeTo = (from: string, nextHop: string): RouteView => ({ ...MESH, prefix: '10.244.0.0/26', from, nextHop });
/** Three paths, as an engineer would puzzle over them. */
export const WHY: ExplanationView = {
  target: '10.244.0.7',
  prefix: '10.244.0.0/26',
  paths: [
    { route: { ...routeTo('worker1', '172.18.0.3'), localPref: 2147482623 }, outcome: 'wins', changes: [] },
    {
      route: { ...routeTo('rr-a', '172.18.0.3'), best: false, localPref: 2147482623, pathId: 7 },
      outcome: 'loses',
      lostAt: { step: 'CLUSTER_LIST length', best: '0', value: '1' },
      nextHop: { address: '172.18.0.3', reachable: true, gateway: '172.18.0.1', through: ['172.18.0.0/24'] },
      changes: ['LOCAL_PREF 100 -> 2147482623'],
    },
    {
      route: {
        ...routeTo('worker4', '172.18.0.6'),
        best: false,
        blockOrigin: {
          origin: 'invalid',
          reason: { code: 'ORIGIN_INVALID', text: 'IPAM says block 10.244.0.0/26 belongs to worker1, not to worker4' },
        },
      },
      outcome: 'loses',
      lostAt: { step: 'origin validation', best: 'valid', value: 'invalid' },
      changes: [],
    },
    {
      route: {
        ...routeTo('tor-a', '172.18.0.254'),
        best: false,
        blockOrigin: { origin: 'unknown', reason: { code: 'ORIGIN_UNKNOWN', text: "the next hop is no node's" } },
      },
      outcome: 'loses',
      lostAt: { step: 'origin validation', best: 'valid', value: 'unknown' },
      changes: [],
    },
    {
      route: {
        ...routeTo('worker3', '172.18.0.5'),
        best: false,
        stale: true,
        asPath: '65001 65002',
        reason: { code: 'ORIGIN_INVALID', text: 'IPAM says block 10.244.0.0/26 belongs to worker1' },
        blockOrigin: {
          origin: 'invalid',
          reason: { code: 'ORIGIN_INVALID', text: 'IPAM says block 10.244.0.0/26 belongs to worker1' },
        },
      },
      outcome: 'rejected',
      nextHop: {
        address: '172.18.0.5',
        reachable: false,
        through: [],
        reason: { code: 'NEXT_HOP_UNREACHABLE', text: 'no route leads there' },
      },
      changes: [],
    },
  ],
  steps: [
    { name: 'origin validation', outcome: 'took', value: 'valid', lost: 2, left: 2 },
    { name: 'LOCAL_PREF', outcome: 'tie', value: '2147482623', lost: 0, left: 2 },
    { name: 'CLUSTER_LIST length', outcome: 'took', value: '0', lost: 1, left: 1 },
    { name: 'peer address', outcome: 'not asked', value: '172.18.0.3', lost: 0, left: 1 },
  ],
  exports: [
    { peer: 'tor-a', sent: true },
    { peer: 'worker2', sent: false, reason: { code: 'IBGP_SPLIT_HORIZON', text: 'learned by iBGP' } },
    { peer: 'worker3', sent: false, reason: { code: 'IBGP_SPLIT_HORIZON', text: 'learned by iBGP' } },
  ],
  kernel: { state: 'installed', target: 'via 172.18.0.3 dev tunl0 onlink' },
  lessSpecific: ['10.244.0.0/16'],
};
