import { readFile } from 'node:fs/promises';
import { checkKey, encodeRaw } from '../../src/api/values.js';
import { RumeurError } from '../../src/base/errors.js';
import { contextOption, required, textOption, type CommandContext, type CommandModule } from '../command.js';
import { readStdin } from '../input.js';
import { print } from '../output.js';
import { valueText, withoutLastNewline, type ValueMode } from '../values.js';

export const command: CommandModule = {
  usage: {
    arguments: [
      ['<key>', 'the key, 1 to 1024 bytes of UTF-8'],
      ['[value]', 'the value; - reads it from stdin'],
    ],
    options: [
      ['--string', 'the value is a string, whatever it looks like'],
      ['--json-value', 'the value is JSON; every digit is kept'],
      ['--file <file>', 'read the value from a file'],
      ['--context <text>', 'replace the values that get --siblings has shown with this context'],
    ],
    details: `Prints OK when the write is as durable as the peer is configured. The value is JSON if it
parses as JSON without losing a digit or a duplicate member, else a string: 42, true and
{"a":1} are JSON; Lyon, 1.10 and numbers of 21 digits are strings. A file or stdin follows the
same rule, without its last line break.`,
    examples: [
      'config1 set Ville Lyon',
      `config1 set compte '{"solde": 12.5}'`,
      'config1 set prix 1.10 --json-value',
      'config1 set temperature -5',
      'config1 set page --file index.html --string',
      'config1 set -- -key -value',
    ],
  },

  async run(context) {
    const { session } = context;
    const key = required(context, 0);
    const written = await writtenValue(context);
    const text = valueText(written, modeOf(context));
    const { limits } = await session.target();
    checkKey(key, limits);
    encodeRaw(text, limits);
    const client = await session.connect();
    const { value } = await client.call('set', key, text, session.rawOptions(contextOption(context)));
    await print(session.json ? `${JSON.stringify(value)}\n` : 'OK\n');
    return undefined;
  },
};

function modeOf({ options }: CommandContext): ValueMode {
  if (options['string'] === true && options['jsonValue'] === true) {
    throw new RumeurError('ARGUMENT_INVALID', '--string and --json-value exclude each other', {
      hint: 'leave out one of the two',
    });
  }
  if (options['string'] === true) return 'string';
  return options['jsonValue'] === true ? 'json' : 'auto';
}

async function writtenValue(context: CommandContext): Promise<string> {
  const file = textOption(context, 'file');
  const value = context.arguments[1];
  if (file === undefined) {
    if (value === undefined) {
      throw new RumeurError('ARGUMENT_INVALID', 'no value', {
        hint: 'write it after the key, or use --file <file>, or - for stdin; an empty string is ""',
      });
    }
    return value === '-' ? withoutLastNewline(utf8Text(await readStdin(), 'stdin')) : value;
  }
  if (value !== undefined) {
    throw new RumeurError('ARGUMENT_INVALID', 'both a value and --file', {
      hint: 'leave out one of the two',
    });
  }
  return withoutLastNewline(utf8Text(file === '-' ? await readStdin() : await fileBytes(file), file));
}

async function fileBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { message } = cause as NodeJS.ErrnoException;
    throw new RumeurError('ARGUMENT_INVALID', `cannot read the value: ${message}`, { cause });
  }
}

function utf8Text(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new RumeurError('VALUE_INVALID', `${source} is not UTF-8 text`, {
      cause,
      hint: 'values are JSON: encode binary data as text, for example in base64',
    });
  }
}
