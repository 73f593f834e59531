import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { PeerProcess } from './peer-process.js';

/** A process that is started with these in its environment can be asked with `keptMemory`. */
export const WITH_INSPECTOR: NodeJS.ProcessEnv = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

const USED = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';

/**
 * Bytes that a process still needs: its heap and buffers right after a full collection. What the system says of a process
 * also counts garbage, as much of it as the collector of that version of Node.js cares to leave.
 */
export async function keptMemory(peer: PeerProcess): Promise<number> {
  const [, url] = [...peer.log.matchAll(/Debugger listening on (ws:\S+)/g)].at(-1) ?? [];
  if (url === undefined) throw new Error(`${peer.name} has no inspector: start it with WITH_INSPECTOR`);
  const inspector = new WebSocket(url);
  try {
    await once(inspector, 'open');
    // What finalizers hold goes only in a collection after theirs.
    for (let i = 0; i < 2; i++) await ask(inspector, 'HeapProfiler.collectGarbage');
    const { result } = await ask(inspector, 'Runtime.evaluate', { expression: USED });
    if (typeof result?.value !== 'number') throw new Error(`${peer.name} does not tell its memory`);
    return result.value;
  } finally {
    inspector.terminate();
  }
}

interface InspectorResult {
  readonly result?: { readonly value?: unknown };
}

async function ask(inspector: WebSocket, method: string, params: object = {}): Promise<InspectorResult> {
  const answered = once(inspector, 'message');
  inspector.send(JSON.stringify({ id: 1, method, params }));
  const [data] = (await answered) as [Buffer];
  const { result } = JSON.parse(data.toString()) as { result?: InspectorResult };
  if (!result) throw new Error(`the inspector refused ${method}`);
  return result;
}
