/** A node's container runtime, spoken to over its own socket: what the kubelet does, without the kubelet. */
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { KindNode } from './cluster.ts';

interface Sandbox {
  readonly id: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}
type Call<Q, A> = (request: Q, answer: (error: grpc.ServiceError | null, value: A) => void) => void;
interface Runtime extends grpc.Client {
  listPodSandbox: Call<object, { readonly items: readonly Sandbox[] }>;
  stopPodSandbox: Call<{ readonly podSandboxId: string }, object>;
  removePodSandbox: Call<{ readonly podSandboxId: string }, object>;
}

const ask = <Q, A>(call: Call<Q, A>, client: Runtime, request: Q): Promise<A> =>
  new Promise((done, fail) => {
    call.call(client, request, (error, value) => (error === null ? done(value) : fail(error)));
  });

/** Stops and removes the sandbox of a pod, as a kubelet would; rejects with the runtime's error. Answers its id. */
export async function removeSandbox(node: KindNode, namespace: string, pod: string): Promise<string> {
  const loaded = grpc.loadPackageDefinition(loadSync(new URL('cri.proto', import.meta.url).pathname));
  const { RuntimeService } = (
    loaded as unknown as { runtime: { v1: { RuntimeService: grpc.ServiceClientConstructor } } }
  ).runtime.v1;
  const socket = `unix:/proc/${node.pid}/root/run/containerd/containerd.sock`;
  // Without it the path of the socket becomes the authority, which the runtime refuses.
  const client = new RuntimeService(socket, grpc.credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
  }) as unknown as Runtime;
  try {
    const { items } = await ask(client.listPodSandbox, client, {});
    const found = items.find((s) => s.metadata.name === pod && s.metadata.namespace === namespace);
    if (found === undefined) throw new Error(`${node.name} has no sandbox of ${namespace}/${pod}`);
    await ask(client.stopPodSandbox, client, { podSandboxId: found.id });
    await ask(client.removePodSandbox, client, { podSandboxId: found.id });
    return found.id;
  } finally {
    client.close();
  }
}
