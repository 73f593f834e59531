import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { LogConfig } from '../config/config.js';
import type { Note } from '../replica/step.js';

/** The log of a peer on stderr, as stdout holds results: for people on a terminal, JSON lines elsewhere. */
export function createLogger(name: string, config: LogConfig): Logger {
  const people = config.format === 'pretty' || (config.format === undefined && process.stderr.isTTY);
  const stream = people
    ? pretty({
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
