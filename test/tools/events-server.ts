import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RumeurError } from '../../src/base/errors.js';
import { attachEvents, type EventsOptions, type EventsServer } from '../../src/api/events/attach.js';
import { FakeService } from './fake-service.js';

export interface EventsFixture {
  readonly url: string;
  readonly service: FakeService;
  readonly events: EventsServer;
  /** What was reported as no client's fault. */
  readonly reports: { code: string; event: string }[];
  stop(): Promise<void>;
}

export const TEST_LIMITS = { keyBytes: 1024, valueBytes: 2 ** 20, valueDepth: 128, clients: 50 };

/** The Socket.IO events over a real HTTP server and a service in memory. */
export async function startEvents(
  limits: Partial<EventsOptions['limits']> = {},
  allowedOrigins: readonly string[] = [],
): Promise<EventsFixture> {
  const httpServer = createServer((_request, response) => response.writeHead(404).end());
  const service = new FakeService(['default', 'other']);
  const reports: { code: string; event: string }[] = [];
  const report = ({ code }: RumeurError, event: string): void => void reports.push({ code, event });
  const events = attachEvents(httpServer, service, {
    limits: { ...TEST_LIMITS, ...limits },
    allowedOrigins,
    report,
  });
  await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
  const { port } = httpServer.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    await events.close();
    httpServer.closeAllConnections();
    await new Promise((resolve) => httpServer.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, service, events, reports, stop };
}
