import { type Logger, pino } from 'pino';
import type { LogConfig } from '../config/config.js';
import type { Note } from '../replica/step.js';

/** The log of a peer on stderr, as stdout holds results: for people on a terminal, JSON lines elsewhere. */
export async function createLogger(name: string, config: LogConfig): Promise<Logger> {
  const people = config.format === 'pretty' || (config.format === undefined && process.stderr.isTTY);
  const stream = people
    ? (await import('pino-pretty')).default({
        destination: 2,
        sync: true,
        colorize: process.stderr.isTTY,
        ignore: 'pid,hostname,name,event',
      })
    : pino.destination({ dest: 2, sync: true });
  return pino({ name, level: config.level }, stream);
}

export function logNote(logger: Logger, { level, event, message, fields }: Note): void {
  logger[level]({ event, ...fields }, message);
}
