/** The configuration of a BIRD 2 node in the mesh. Pure text. */
import { type LabNode, type LabPlan, MESH_ASN } from './plan.ts';

const DEFAULT_HOLD_TIME_SEC = 90;
/** What Calico >= 3.32 and Gingham send for a route of metric 1024: 2147483647 - 1024. */
const LOCAL_PREF = 2147482623;

/** `block` is the node's own, as text. BIRD 2 knows no tunnel per route, so the block is of a pool without encapsulation and
 *  both directions go plainly over the subnet: to pods of the others by `via NODE dev eth0`, which a Gingham node takes
 *  in as it takes a decapsulated packet. */
export function birdConf(plan: LabPlan, node: LabNode, block: string): string {
  const hold = plan.options.holdTimeSec ?? DEFAULT_HOLD_TIME_SEC;
  const neighbours = plan.nodes
    .filter((other) => other !== node)
    .map((other) => `protocol bgp ${other.name} from mesh { neighbor ${other.address} as ${MESH_ASN}; }`);
  return `# ${node.name} of the lab "${plan.options.name}", written by "gingham lab up".
# Its block is of a pool without encapsulation: BIRD 2 cannot send single routes into a tunnel, so packets to and from
# this node go plainly over the nodes' subnet, whatever the pods' pool says.
log stderr all;
router id ${node.address};

protocol device { }

# What next hops are resolved by, and nothing but that: it is not exported.
protocol direct { ipv4; interface "eth0"; }

protocol static own_block {
  ipv4;
  route ${block} blackhole;
}

protocol kernel {
  ipv4 {
    import none;
    export filter {
      if source = RTS_BGP || proto = "own_block" then accept;
      reject;
    };
  };
}

template bgp mesh {
  local ${node.address} as ${MESH_ASN};
  hold time ${hold};
  connect delay time 1;
  connect retry time 5;
  error wait time 1, 10;
  graceful restart ${plan.options.gracefulRestart ? 'on' : 'off'};
  ipv4 {
    import all;
    export filter {
      if proto = "own_block" then { bgp_local_pref = ${LOCAL_PREF}; accept; }
      reject;
    };
    next hop self;
  };
}

${neighbours.join('\n')}
`;
}
