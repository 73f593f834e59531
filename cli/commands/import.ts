import type { ValueLimits } from '../../src/api/values.js';
import type { PeerClient } from '../client.js';
import { required, textOption, type CommandModule } from '../command.js';
import { EXIT } from '../exit-codes.js';
import { note, print } from '../output.js';
import type { Session } from '../session.js';
import { formatOf, sizeOf, spooledStdin, STANDARD, type Format } from '../transfer/files.js';
import { Progress, shownSeconds } from '../transfer/progress.js';
import { isBad } from '../transfer/record.js';
import { BatchSender, type Sink } from '../transfer/sender.js';
import { portionsOf } from '../transfer/source.js';

export const command: CommandModule = {
  usage: {
    arguments: [['<file>', 'the file; - is stdin']],
    options: [
      ['--format <format>', 'ndjson or json (default: by the name; stdin is ndjson)'],
      ['--strict', 'read and check everything before the first write; with a bad line nothing is written'],
    ],
    details: `NDJSON holds {"key": ..., "value": ...} a line, JSON one object of key to value. A bad line is
reported with its number and the rest goes on; the exit code is then 4. No digit of a number is
lost. It may be interrupted and run again: a key that is written twice holds the same. Buckets of
counters and sets take no values, so nothing can be imported there.`,
    examples: [
      'config1 import data.ndjson',
      'config1 import data.json --strict',
      'config1 import - < data.ndjson',
    ],
  },

  async run(context) {
    const { session } = context;
    const named = required(context, 0);
    const format = formatOf(named, textOption(context, 'format'));
    if (context.options['strict'] !== true) return new Import(named, format, session).send();
    if (named !== STANDARD) return new Import(named, format, session).sendIfSound();
    const { file, remove } = await spooledStdin();
    try {
      return await new Import(file, format, session).sendIfSound();
    } finally {
      await remove();
    }
  },
};

class Import {
  readonly #file: string;
  readonly #format: Format;
  readonly #session: Session;
  #bad = 0;

  constructor(file: string, format: Format, session: Session) {
    this.#file = file;
    this.#format = format;
    this.#session = session;
  }

  /** @returns the exit code */
  async sendIfSound(): Promise<number> {
    const { limits } = await this.#session.target();
    await this.#readAll(new Progress({ label: 'check', total: await this.#total() }), limits);
    if (this.#bad === 0) return this.send();
    note(`nothing was written: ${count(this.#bad, `bad ${this.#unit}`)}`);
    if (this.#session.json) await print(`${JSON.stringify({ written: 0, bad: this.#bad })}\n`);
    return EXIT.refused;
  }

  /** @returns the exit code */
  async send(): Promise<number> {
    const { limits } = await this.#session.target();
    const total = await this.#total();
    const client = await this.#session.connect();
    const progress = new Progress({ label: 'import', total });
    const sender = this.#senderTo(client, progress);
    try {
      await this.#sendAll(sender, progress, limits);
    } finally {
      progress.end();
      this.#summarize(sender.written, progress.seconds);
    }
    if (this.#session.json) {
      const seconds = Math.round(progress.seconds * 1000) / 1000;
      await print(`${JSON.stringify({ written: sender.written, bad: this.#bad, seconds })}\n`);
    }
    return this.#bad === 0 ? EXIT.done : EXIT.refused;
  }

  async #total(): Promise<number | undefined> {
    return this.#file === STANDARD ? undefined : sizeOf(this.#file);
  }

  async #readAll(progress: Progress, limits: ValueLimits): Promise<void> {
    let keys = 0;
    try {
      for await (const { entries, position } of portionsOf(this.#file, this.#format, limits)) {
        for (const entry of entries) {
          if (isBad(entry)) this.#report(progress, entry.number, entry.problem);
          else keys++;
        }
        progress.update(position, keys);
      }
    } finally {
      progress.end();
    }
  }

  async #sendAll(sender: BatchSender, progress: Progress, limits: ValueLimits): Promise<void> {
    for await (const { entries, position } of portionsOf(this.#file, this.#format, limits)) {
      for (const entry of entries) {
        if (isBad(entry)) this.#report(progress, entry.number, entry.problem);
        else await sender.add(entry);
      }
      progress.update(position, sender.written);
    }
    await sender.finish();
  }

  #senderTo(client: PeerClient, progress: Progress): BatchSender {
    const options = this.#session.rawOptions();
    const sink: Sink = {
      async setMany(entries) {
        const rows = entries.map(({ key, value }) => [key, value]);
        await client.call('setMany', rows, options);
      },
      async set({ key, value }) {
        await client.call('set', key, value, options);
      },
    };
    return new BatchSender(sink, {
      onBad: ({ number }, { message, code }) => this.#report(progress, number, `${message} (${code})`),
      patienceMs: this.#session.options.timeoutMs,
    });
  }

  #report(progress: Progress, number: number, problem: string): void {
    this.#bad++;
    progress.say(`${this.#unit} ${number}: ${problem}`);
  }

  /** What is counted: `line` or `member`. */
  get #unit(): string {
    return this.#format === 'json' ? 'member' : 'line';
  }

  #summarize(written: number, seconds: number): void {
    const bad = this.#bad === 0 ? '' : `, ${count(this.#bad, `bad ${this.#unit}`)} left out`;
    note(`${count(written, 'key')} written in ${shownSeconds(seconds)}${bad}`);
  }
}

const count = (number: number, unit: string): string =>
  `${number.toLocaleString('en-US')} ${unit}${number === 1 ? '' : 's'}`;
